"""Our records against those that Debezium made of the same changes (tests/kafka/debezium/), field by field.

DIFFERENT lists where ours differ, and why; a difference that is not listed fails, and so does a line that nothing needs.
What Debezium leaves out and we have is in ONLY_OURS.  No broker is needed here.
"""
import json
import re
import struct
import subprocess
from pathlib import Path

import pytest

from debezium.record import EXPECTED, HERE, MODES, masked
from harness import Server, paths

HEADERS = HERE.parents[2] / "replicator/src/mirror"
TYPES_QUERY = re.search(r'R"\((.*?)\)"', (HEADERS / "source_types.hpp").read_text(), re.DOTALL)[1]
BINARY = paths.TOP / "build/dev/mirror_records"

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


@pytest.fixture(scope="module")
def frames():
    """What the output plugin makes of tables.sql and changes.sql, and the source's types."""
    server = Server("source").start()
    try:
        database = server.database("shop")
        run = lambda sql: subprocess.run(  # noqa: E731
            ["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", database.conninfo(), "-f", "-"], input=sql, text=True, check=True,
            stdout=subprocess.DEVNULL)
        run((HERE / "tables.sql").read_text())
        run("CREATE EXTENSION walgate; CREATE PUBLICATION dump FOR TABLES IN SCHEMA shop;")
        run("SELECT pg_create_logical_replication_slot('dump', 'walgate')")
        run((HERE / "changes.sql").read_text())
        run("INSERT INTO shop.the_end VALUES (1)")
        rows = database.rows("SELECT data FROM pg_logical_slot_get_binary_changes('dump', NULL, NULL, 'publications', 'dump',"
                             " 'messages', 'true')")
        types = database.rows(TYPES_QUERY)
    finally:
        server.stop("immediate")
    folder = paths.scratch() / "debezium"
    folder.mkdir()
    (folder / "frames").write_bytes(b"".join(struct.pack(">I", len(data)) + bytes(data) for data, in rows))
    (folder / "types").write_text("".join("\t".join([*map(str, row[:6]), "\x1f".join(row[6])]) + "\n" for row in types))
    # Debezium's key is the primary key even where the identity is another.
    (folder / "keys").write_text("shop.whole_identity\tid\n")
    return folder


def ours(folder: Path, mode: str) -> list[dict]:
    words = [word for word in MODES[mode].split() if word.split("=")[0].endswith("handling.mode") or word.startswith("time.precision")]
    words += [f"schema={'schemas.enable=false' not in MODES[mode]}".lower(), f"transactions={'transaction.metadata' in MODES[mode]}".lower()]
    words += ["format=flat"] if mode == "flat" else []
    with open(folder / "frames", "rb") as frames_file:
        done = subprocess.run([str(BINARY), f"types={folder / 'types'}", f"keys={folder / 'keys'}", *words], stdin=frames_file,
                              capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.strip().split("\n")]
    return [line | {part: masked(line[part]) for part in ("key", "value") if part in line} for line in lines]


def debeziums(mode: str) -> list[dict]:
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
        yield from differences(part, payload(theirs[part]), payload(mine[part]))
        if isinstance(theirs[part], dict) and "schema" in theirs[part]:
            yield from differences(f"{part} schema", fields(theirs[part]["schema"]), fields(mine[part]["schema"]))


def changes(lines: list[dict]) -> list[dict]:
    """From the first change, with the BEGIN before it, up to the one that ends the script; without what a snapshot made."""
    rows = [payload(line.get("value")) or {} for line in lines]
    first = next(i for i, row in enumerate(rows) if "c" in (row.get("op"), row.get("__op")))
    if first > 0 and lines[first - 1]["topic"] == "transaction":
        first -= 1
    return lines[first:next(i for i, line in enumerate(lines) if line["topic"] == "shop.the_end")]


def is_only_ours(topic: str, place: str) -> bool:
    match = re.match(r"value(?: schema)?\.(?:before|after)\.(\w+)", place)
    return match is not None and match[1] in ONLY_OURS.get(topic, ())


@pytest.fixture(scope="module")
def needed():
    """By mode, which lines of DIFFERENT it has needed."""
    return {}


@pytest.mark.parametrize("mode", MODES)
def test_records_are_those_of_debezium(frames, needed, mode):
    theirs = changes(debeziums(mode))
    seen = {line["topic"] for line in theirs}
    assert len(seen) > 6
    mine = [line for line in changes(ours(frames, mode)) if line["topic"] in seen or "table." not in MODES[mode]]
    if mode == "flat":  # Debezium's transformation drops what empties a table
        mine = [line for line in mine if (payload(line["value"]) or {}).get("__op") != "t"]
    assert [line["topic"] for line in theirs] == [line["topic"] for line in mine]
    assert len(mine) > (40 if mode == "flat" else 120)
    unexpected, needed[mode] = [], set()
    for a, b in zip(theirs, mine):
        for place, x, y in record_differences(a, b):
            if is_only_ours(a["topic"], place):
                continue
            reasons = [i for i, (topic, pattern, _) in enumerate(DIFFERENT) if topic in (None, a["topic"]) and re.fullmatch(pattern, place)]
            needed[mode].update(reasons)
            if not reasons:
                unexpected.append(f"{a['topic']} {payload(a['key'])} {place}: Debezium {str(x)[:200]}, we {str(y)[:200]}")
    assert not unexpected, "\n".join(unexpected)


def test_no_difference_is_listed_in_vain(needed):
    if len(needed) < len(MODES):
        pytest.skip("needs the comparisons of all modes")
    assert [line for i, line in enumerate(DIFFERENT) if i not in set().union(*needed.values())] == []


def test_values_that_debezium_leaves_out(frames):
    found = {}
    for line in ours(frames, "default"):
        row = (payload(line.get("value")) or {}).get("after") or {}
        if line["topic"] in ONLY_OURS and row["id"] == 1:
            found[line["topic"]] = {name: row[name] for name in ONLY_OURS[line["topic"]]}
    assert found == ONLY_OURS


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


def test_where_we_differ_our_values_are_the_right_ones(frames):
    found = {}
    for line in ours(frames, "default"):
        value, key = payload(line.get("value")), payload(line.get("key"))
        wanted = OUR_VALUES.get((line["topic"], next(iter(key.values())))) if key and value else None
        if wanted and (row := value.get("after") or value.get("before")):
            found[line["topic"], next(iter(key.values()))] = {name: row[name] for name in wanted}
    assert found == OUR_VALUES


@pytest.mark.parametrize("mode", REFUSED)
def test_only_values_without_a_form_are_refused(frames, mode):
    theirs, mine = changes(debeziums(mode)), changes(ours(frames, mode))
    seen = {line["topic"] for line in theirs}
    pairs = zip(theirs, [line for line in mine if line["topic"] in seen or "table." not in MODES[mode]])
    refused = [(a["topic"], payload(a["key"])["id"]) for a, b in pairs if "error" in b]
    assert sorted(refused) == sorted(REFUSED[mode])


def test_arrays_nest_where_no_schema_forbids_it(frames):
    rows = [payload(line.get("value")) for line in ours(frames, "no_schema") if line["topic"] == "shop.list"]
    assert [row["after"]["i4"] for row in rows if row and row["after"]["id"] == 5] == [[[1, 2], [3, 4]]]
