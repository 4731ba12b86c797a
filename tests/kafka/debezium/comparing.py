"""What Debezium wrote of tables.sql and changes.sql, and the comparison of our records with it, field by field.

DIFFERENT lists where ours differ, and why; a difference that is not listed is unexpected.  What Debezium leaves out and we
have is in ONLY_OURS.
"""
import difflib
import json
import re
import struct

from debezium.record import EXPECTED, MODES

# Columns of types that Debezium leaves out, and what we write.
ONLY_OURS = {
    "shop.other": {"l": "{1,2,3}", "b": "(3,4),(1,2)", "c": "<(1,2),3>", "q": "'fat' & 'cat'", "lsn": "16/B374D848", "reg": "pg_class"},
    "shop.range": {"im": "{[1,2),[5,7)}"},
    "shop.list_of_times": {"i": [86400000000, None]},
    "shop.list_of_others": {"m": ["AJY=", None], "n": ["a", None], "vb": ["BQ==", None], "x": "{<a/>,NULL}", "s": ["a", None],
                            "pp": ["AJY=", None], "ii": [11, None],
                            "p": [{"x": 1.0, "y": 2.0, "wkb": "AQEAAAAAAAAAAADwPwAAAAAAAABA", "srid": None}, None]},
}

# Where our records differ on purpose: topic, pattern of the place, why.  Each line must be needed.
DIFFERENT = [
    (None, r"value\.source\.version", "our own version"),
    ("transaction", r"value\.(event_count|data_collections)", "messages do not count as changes, since the stream does not say between which"
     " changes they stand; and the tables are in the order of their first change"),
    ("shop.required", r"value schema\.(before\.|after\.|)(name|stock|at)\.(optional|default)", "the stream does not tell NOT NULL and defaults"),
    ("shop.required", r"value\.(before\.|)(name|stock|at)", "a delete without the old row has no values; Debezium invents those of the type or the default"),
    ("shop.index_identity", r"key( schema)?\.(id|code)", "our key is the replica identity; Debezium's is the primary key, of which a delete"
     " does not tell the value: it invents 0"),
    ("shop.index_identity", r"value\.before\.id", "the same"),
    ("shop.index_identity", r"value schema\.(before|after)\.id\.optional", "the same"),
    ("shop.string", r"value\.after\.n", "Debezium loses values of type name"),
    ("shop.decimal", r"error", "NaN and infinities: Debezium writes null in mode precise, and says so in its log alone"),
    ("shop.decimal", r"value( schema)?\.(before|after)\.n_5_minus_2.*", "Debezium takes a negative scale for 2046"),
    ("shop.moment", r"error", "a timestamp beyond 64 bits: Debezium writes a number that has wrapped around, or null"),
    ("shop.list", r"error|value\.after\.i4", "of an array with several dimensions Debezium writes nulls"),
    ("shop.list", r"value\.after\.e", "Debezium loses arrays of enums that hold a null"),
    ("shop.list", r"value schema\.(before|after)\.e\.items\.optional", "the same"),
    ("shop.list_of_times", r"value\.after\.(t|tz)", "Debezium cuts the times in arrays to milliseconds and those with a zone to seconds"),
    ("shop.list_of_others", r"value( schema)?\.(before|after)\.b10.*", "Debezium takes an array of bit strings for a bit string"),
    ("shop.toasted", r"value\.after\.(by|bya|na|da|tsa)", "a value that the WAL does not hold: Debezium has no placeholder for it in some modes, and writes null"),
]

# Where we differ, our values in mode default: topic and first value of the key, then columns of `after`, or of `before`.
OUR_VALUES = {
    ("shop.required", 1): {"name": None, "stock": None, "at": None},  # the delete is the last record
    ("shop.string", 1): {"n": "name"},
    ("shop.string", 2): {"n": ""},
    ("shop.decimal", 1): {"n_5_minus_2": "AA=="},
    ("shop.decimal", 3): {"n_5_minus_2": "hQ=="},  # -12300
    ("shop.decimal", 4): {"n_5_minus_2": "AYaf"},  # 9999900
    ("shop.list", 1): {"e": ["sad", None, "so so"]},
    ("shop.list_of_times", 1): {"t": [45296789012, None], "tz": ["09:34:56.789Z", None]},
    ("shop.list_of_others", 1): {"b10": ["qgI=", None]},
    ("shop.index_identity", "a"): {"id": None, "code": "a"},
}
# The records that we refuse to make: topics and first values of the keys, by mode.
NANS, FAR, NESTED = [("shop.decimal", n) for n in (10, 11, 12)], ("shop.moment", 12), ("shop.list", 5)
REFUSED = {
    "default": [*NANS, FAR, NESTED], "no_schema": [*NANS, FAR], "string": [NESTED], "double": [NESTED], "url_safe": [*NANS, FAR, NESTED],
    "microseconds": [*NANS, FAR, NESTED], "nanoseconds": [*NANS, *[("shop.moment", n) for n in (5, 6, 11, 12)], NESTED],
}


def value_modes(mode: str) -> dict[str, str]:
    """What the mode sets of the forms of values, as Debezium names it."""
    return dict(re.findall(r"\b((?:decimal|binary|interval)\.handling\.mode|time\.precision\.mode)=(\S+)", MODES[mode]))


def has_schemas(mode: str) -> bool:
    return "schemas.enable=false" not in MODES[mode]


def has_transactions(mode: str) -> bool:
    return "transaction.metadata" in MODES[mode]


def debeziums(mode: str) -> list[dict]:
    """The records in their order: topic without the pipeline's name, key, value, each with its whole schema."""
    last, lines = {}, []
    for text in (EXPECTED / f"{mode}.jsonl").read_text(encoding="utf-8").strip().split("\n"):
        line = json.loads(text)
        line["topic"] = line["topic"].removeprefix("pipeline.")
        for part in ("key", "value"):
            if isinstance(line[part], dict) and "schema" in line[part]:
                if line[part]["schema"] == "as before":
                    line[part]["schema"] = last[line["topic"], part]
                last[line["topic"], part] = line[part]["schema"]
        lines.append(line)
    return lines


def payload(part):
    return part["payload"] if isinstance(part, dict) and "payload" in part else part


def schema(part) -> dict | None:
    return part.get("schema") if isinstance(part, dict) else None


def operation(line: dict) -> str | None:
    """What has been done to the row, r for one of a copy; None for a tombstone, a transaction's mark or an error."""
    row = payload(line.get("value")) or {}
    return row.get("op") or row.get("__op")


def first_of_key(line: dict):
    """The value of the key's first column; None without a key."""
    key = payload(line.get("key"))
    return next(iter(key.values())) if key else None


def fields(schema) -> dict:
    """The fields of a record's schema by their names, however deep; everything else as it is."""
    if isinstance(schema, dict) and "fields" in schema:
        return {key: value for key, value in schema.items() if key != "fields"} | {field["field"]: fields(field) for field in schema["fields"]}
    return schema


def differences(place: str, theirs, mine):
    """Each place where two trees differ, with both values."""
    if isinstance(theirs, dict) and isinstance(mine, dict):
        for key in theirs.keys() | mine.keys():
            yield from differences(f"{place}.{key}", theirs.get(key, "missing"), mine.get(key, "missing"))
    elif isinstance(theirs, float) and isinstance(mine, float) and place.endswith(".f4"):
        if struct.pack("f", theirs) != struct.pack("f", mine):
            yield place, theirs, mine
    elif (theirs != mine or type(theirs) is not type(mine)) and not (theirs != theirs and mine != mine):
        yield place, theirs, mine


def record_differences(theirs: dict, mine: dict):
    if "error" in mine:
        yield "error", payload(theirs["value"]), mine["error"]
        return
    for part in ("key", "value"):
        place = "key of a truncate" if part == "key" and operation(theirs) == "t" else part
        yield from differences(place, payload(theirs[part]), payload(mine[part]))
        yield from differences(f"{place} schema", fields(schema(theirs[part])), fields(schema(mine[part])))


def changes(lines: list[dict]) -> list[dict]:
    """From the first change, with the BEGIN before it, up to the one that ends the script; without what a snapshot made."""
    first = next(i for i, line in enumerate(lines) if operation(line) == "c")
    if first > 0 and lines[first - 1]["topic"] == "transaction":
        first -= 1
    return lines[first:next(i for i, line in enumerate(lines) if line["topic"] == "shop.the_end")]


def is_only_ours(topic: str, place: str) -> bool:
    match = re.match(r"value(?: schema)?\.(?:before|after)\.(\w+)", place)
    return match is not None and match[1] in ONLY_OURS.get(topic, ())


def compare(theirs: list[dict], mine: list[dict], different: list[tuple]) -> set[tuple]:
    """Fails where the records differ in a place that `different` does not list; which of its lines were needed."""
    topics = [[f"{line['topic']} {payload(line.get('key'))}" if "key" in line else line["topic"] for line in lines] for lines in (theirs, mine)]
    assert [line["topic"] for line in theirs] == [line["topic"] for line in mine], "\n".join(difflib.unified_diff(*topics, "Debezium", "we", n=1))
    unexpected, needed = [], set()
    for a, b in zip(theirs, mine):
        for place, x, y in record_differences(a, b):
            if is_only_ours(a["topic"], place):
                continue
            lines = [line for line in different if line[0] in (None, a["topic"]) and re.fullmatch(line[1], place)]
            needed.update(lines)
            if not lines:
                unexpected.append(f"{a['topic']} {payload(a['key'])} {place}: Debezium {str(x)[:200]}, we {str(y)[:200]}")
    assert not unexpected, "\n".join(unexpected)
    return needed


def to_compare(mode: str, lines: list[dict]) -> tuple[list[dict], list[dict]]:
    """Debezium's records of the changes and those of ours that belong to the same: it has left out tables in some modes."""
    theirs, mine = changes(debeziums(mode)), changes(lines)
    seen = {line["topic"] for line in theirs}
    assert len(seen) > 6
    if "table." in MODES[mode]:
        mine = [line for line in mine if line["topic"] in seen]
    if mode == "flat":  # Debezium's transformation drops what empties a table
        mine = [line for line in mine if operation(line) != "t"]
    assert len(mine) > (40 if mode == "flat" else 120)
    return theirs, mine


def only_ours(lines: list[dict]) -> dict:
    """As ONLY_OURS: what the records of mode default hold there."""
    found = {}
    for line in lines:
        row = (payload(line.get("value")) or {}).get("after") or {}
        if line["topic"] in ONLY_OURS and row["id"] == 1:
            found[line["topic"]] = {name: row[name] for name in ONLY_OURS[line["topic"]]}
    return found


def our_values(lines: list[dict]) -> dict:
    """As OUR_VALUES: what the records of mode default hold there."""
    found = {}
    for line in lines:
        value, place = payload(line.get("value")), (line["topic"], first_of_key(line))
        if place in OUR_VALUES and value and (row := value.get("after") or value.get("before")):
            found[place] = {name: row[name] for name in OUR_VALUES[place]}
    return found
