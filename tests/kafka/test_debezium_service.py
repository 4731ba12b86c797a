"""What the running service sends to a broker, against what Debezium made of the same script (tests/kafka/debezium/).

One source, on which changes.sql runs once, is followed by a pipeline for each mode; two more then copy what is left.
The lists of debezium/comparing.py hold here too; what differs only because a service runs is in OF_THE_SERVICE.
"""
import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from clients import read_partitions
from debezium.comparing import (DIFFERENT, ONLY_OURS, OUR_VALUES, REFUSED, compare, debeziums, first_of_key, has_schemas,
                                has_transactions, only_ours, operation, our_values, payload, schema, to_compare, value_modes)
from debezium.record import HERE, MODES, masked, psql
from harness import Pair
from harness.pipeline import lsn
from harness.waiting import wait_until
from mirroring import Sent, mirrored, parsed, wait_in_step, wait_mirrored

# These have a target beside Kafka; there nobody can skip what the mirror alone refuses, so the rows of REFUSED are not
# published.  The others fill Kafka alone: such a row stops the service, and is skipped.
WITH_TARGET = ("default", "flat")

# As DIFFERENT: topic, pattern of the place, why.  Each line must be needed.
OF_THE_SERVICE = [
    (None, r"key of a truncate( schema)?", "a compacted topic takes no record without a key"),
    ("shop.snapshot_row", r"value\.source\.snapshot", "Debezium says which rows are the first and the last of a snapshot"),
]
COMPLETED = [
    ("shop.toasted", r"value\.after\.\w+", "values that the WAL does not hold are read from the target"),
    ("shop.toasted_key", r"value\.after\.t", "the same"),
]


@pytest.fixture(scope="module")
def pairs(source_server, target_server):
    """One source, with as many targets as are needed."""
    source = source_server.database("shop")
    made = {mode: Pair(source, target_server.database(f"shop_{mode}")) for mode in WITH_TARGET}
    for database in (source, *(pair.target for pair in made.values())):
        psql(database, (HERE / "tables.sql").read_text())
    yield made
    for pipeline in [pipeline for pair in made.values() for pipeline in pair.pipelines]:
        pipeline.close()
    for pair in made.values():
        pair.close()


@pytest.fixture(scope="module")
def sent(pairs, shared_kafka):
    """By mode, what the service made of changes.sql: records in the order of the source, and errors where they stopped it."""
    pipelines = {mode: follower(pairs, shared_kafka, mode).start(wait=False) for mode in MODES}
    for mode in WITH_TARGET:
        wait_in_step(pipelines[mode])
    source = pairs["default"].source
    psql(source, (HERE / "changes.sql").read_text())
    psql(source, "INSERT INTO shop.the_end VALUES (1)")
    end = lsn(source.value("SELECT pg_current_wal_insert_lsn()::text"))
    psql(source, "SELECT pg_logical_emit_message(true, 'walgate-test', '')")  # after which the position moves on
    with ThreadPoolExecutor(len(pipelines)) as threads:
        errors = dict(zip(pipelines, threads.map(lambda pipeline: skipped_up_to(pipeline, end), pipelines.values())))
    return {mode: lines(shared_kafka, pipeline.name, errors[mode]) for mode, pipeline in pipelines.items()}


@pytest.fixture(scope="module")
def copied(pairs, sent, shared_kafka):
    """By mode, what a copy says of all rows that were there at the end."""
    pipelines = {mode: follower(pairs, shared_kafka, mode, name=f"copier_{mode}", target=False, copy=True) for mode in WITH_TARGET}
    for pipeline in pipelines.values():
        pipeline.start(wait=False)
    for pipeline in pipelines.values():
        wait_mirrored(pipeline)
    return {mode: lines(shared_kafka, pipeline.name) for mode, pipeline in pipelines.items()}


def follower(pairs, kafka, mode: str, name: str | None = None, target: bool | None = None, copy: bool | None = None):
    name = name or f"pipeline_{mode}"
    target = mode in WITH_TARGET if target is None else target
    copy = mode == "default" if copy is None else copy
    section = {"format": "flat" if mode == "flat" else "debezium", "schemas": has_schemas(mode), "transactions": has_transactions(mode),
               "copy": copy, **{key.replace(".", "_"): value for key, value in value_modes(mode).items()}}
    config = {"tables": [{"source": "shop.whole_identity", "key": ["id"]},  # Debezium's key is the primary key
                         {"source": 'shop."Mixed Case"', "topic": f"{name}.shop.Mixed_Case"}]} | ({} if target else {"target": ...})
    pair = pairs[mode if target else "default"]
    left_out = REFUSED["default"] if target or copy else []
    return mirrored(pair, kafka, section, config, name=name, publish=tables_without(pair.source, left_out))


def tables_without(source, rows: list[tuple]) -> str:
    """All tables for CREATE PUBLICATION, but not these rows: topic and id."""
    def filtered(name: str) -> str:
        ids = ", ".join(str(id) for topic, id in rows if topic == f"shop.{name}")
        return f" WHERE (id NOT IN ({ids}))" if ids else ""
    return "TABLE " + ", ".join(table + filtered(name) for name, table in source.rows(
        "SELECT tablename, format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname = 'shop'"))


def skipped_up_to(pipeline, end: int) -> list[dict]:
    """Waits until the mirror has reached `end`, and skips every transaction that stops it; their errors."""
    def arrived_or_stopped():
        status = pipeline.running and pipeline.status()
        position = status and status["mirror"] and status["mirror"]["position"]
        return not pipeline.running or position and lsn(position) >= end
    errors = []
    while True:
        wait_until(arrived_or_stopped, 60, lambda: f"{pipeline.name} up to {end:x}: {pipeline.status()}\n{pipeline.log_tail()}")
        if pipeline.running:
            return errors
        errors.append(pipeline.assert_stopped("value_not_mirrored"))
        assert pipeline.command("skip", "--lsn", errors[-1]["lsn"]).code == 0
        pipeline.start(wait=False)


# Records as lines of the recordings

def lines(kafka, name: str, errors: list[dict] = ()) -> list[dict]:
    """All records of the pipeline, and the errors, in the order of the source."""
    topics = [topic for topic in kafka.admin().list_topics(timeout=10).topics
              if topic.startswith(f"{name}.") and not topic.startswith(f"{name}.walgate.")]
    records = map(parsed, read_partitions(kafka.internal_config(), [(topic, 0) for topic in topics]))
    placed = [(place(record), line(record, name)) for record in records if not is_repeated(record, name)]
    placed += [((lsn(error["lsn"]), 0, 0), {"topic": error["relation"].replace('"', ""), "error": error["message"]}) for error in errors]
    return [line for _, line in sorted(placed, key=lambda one: one[0])]


def is_repeated(record: Sent, name: str) -> bool:
    """The topic of the transactions has each TRUNCATE once more."""
    value = payload(record.value) or {}
    return record.topic == f"{name}.transaction" and "t" in (value.get("op"), value.get("__op"))


def place(record: Sent) -> tuple[int, int, int]:
    """The transaction; its BEGIN, its messages and rows, its END; the place in it.  A tombstone has that of its delete."""
    lsn, position = record.position
    return lsn, {"BEGIN": -1, "END": 1}.get((payload(record.value) or {}).get("status"), 0), position


def line(record: Sent, name: str) -> dict:
    def renamed(part):
        return json.loads(json.dumps(part).replace(name, "pipeline"))
    topic = record.topic.removeprefix(f"{name}.")
    if (payload(record.value) or {}).get("op") == "m":
        topic = "message"
    return {"topic": topic, "key": masked(renamed(record.key)), "value": masked(renamed(record.value)), "sent": record}


# Debezium's records as we are to have them

def without_rows(lines: list[dict], rows: list[tuple]) -> list[dict]:
    """Without these rows, and without the marks of transactions in which there was nothing else."""
    gone = {i for i, line in enumerate(lines) if (line["topic"], first_of_key(line)) in rows}
    if any(line["topic"] == "transaction" for line in lines):
        gone |= {i + step for i in gone for step in (-1, 1)}
        assert all(i - 1 in gone or i + 1 in gone for i in gone)
    return [line for i, line in enumerate(lines) if i not in gone]


def expected(mode: str, mine: list[dict]) -> tuple[list[dict], list[dict]]:
    theirs, mine = to_compare(mode, mine)
    if not has_transactions(mode):  # messages go to the topic of transactions
        theirs = [line for line in theirs if line["topic"] != "message"]
    return without_rows(theirs, REFUSED["default"]) if mode in WITH_TARGET else theirs, mine


@pytest.fixture(scope="module")
def needed():
    """By test, which lines of the lists it has needed."""
    return {}


@pytest.mark.parametrize("mode", MODES)
def test_records_are_those_of_debezium(sent, needed, mode):
    different = DIFFERENT + OF_THE_SERVICE + (COMPLETED if mode in WITH_TARGET else [])
    needed[mode] = compare(*expected(mode, sent[mode]), different)


def test_flat_records_are_those_rows_alone(sent, needed):
    """Of format flat Debezium has recorded some tables only.  The row in it is that of the envelope, so the others are
    compared with mode default."""
    recorded = {line["topic"] for line in debeziums("flat")} - {"message"}
    from_default = [row_alone(line) for line in debeziums("default") if operation(line) != "r"]
    assert [row_alone(line) for line in debeziums("flat") if line["topic"] in recorded] == [
        line for line in from_default if line and line["topic"] in recorded]
    theirs = without_rows([line for line in from_default if line], REFUSED["default"])
    mine = [row_alone(line) for line in sent["flat"]]
    needed["flat rows"] = compare(theirs, [line for line in mine if line], DIFFERENT + COMPLETED)


FLAT_FIELDS = [{"type": "string", "optional": True, "field": "__deleted"}, {"type": "string", "optional": True, "field": "__op"},
               {"type": "int64", "optional": True, "field": "__lsn"}]


def row_alone(line: dict) -> dict | None:
    """An envelope's or a flat record's operation and row, as a part of an envelope; None where there is no row."""
    value, op = payload(line["value"]), operation(line)
    if line["value"] is None:
        return {"topic": line["topic"], "key": line["key"], "value": None}
    if op not in ("c", "u", "d"):
        return None
    side = "before" if op == "d" else "after"
    if "op" in value:
        row, = (field for field in line["value"]["schema"]["fields"] if field["field"] == side)
        columns, name, row = row["fields"], row["name"], value[side]
    else:
        columns, name = line["value"]["schema"]["fields"], line["value"]["schema"]["name"]
        assert columns[-3:] == FLAT_FIELDS and (value["__deleted"], value["__lsn"]) == (str(op == "d").lower(), 1)
        columns, row = columns[:-3], {column: of for column, of in value.items() if not column.startswith("__")}
    return {"topic": line["topic"], "key": line["key"],
            "value": {"schema": {"name": name, "fields": [{"field": side, "fields": columns}]}, "payload": {"op": op, side: row}}}


# Copies

def test_rows_of_a_copy_are_those_of_a_snapshot(sent, needed):
    theirs, mine = ([line for line in lines if operation(line) == "r"] for lines in (debeziums("default"), sent["default"]))
    assert [line["topic"] for line in theirs] == ["shop.snapshot_row"] * 2
    needed["snapshot"] = compare(theirs, mine, DIFFERENT + OF_THE_SERVICE)


@pytest.mark.parametrize("mode", WITH_TARGET)
def test_rows_of_a_copy_are_those_of_their_changes(copied, needed, mode):
    """Every type once more, in what a copy says of the rows that the changes have left."""
    mine = {(line["topic"], first_of_key(line)): line for line in copied[mode]}
    assert {operation(line) for line in copied[mode]} == {"r"} and len(mine) == len(copied[mode])
    assert mine.keys() == left(debeziums("default")).keys() - set(REFUSED["default"])
    theirs = {place: read_instead(line) for place, line in left(debeziums(mode)).items() if place in mine}
    assert len(theirs) > (10 if mode == "flat" else 70)
    needed[f"copy {mode}"] = compare([*theirs.values()], [mine[place] for place in theirs], DIFFERENT + OF_THE_SERVICE + COMPLETED)


def left(lines: list[dict]) -> dict:
    """By topic and key, the last change of each row that is left."""
    rows = {}
    for line in lines:
        if line["topic"] in ("transaction", "message", "shop.index_identity"):  # the last is empty, but Debezium's deletes do not say so
            continue
        if operation(line) == "t":
            rows = {place: row for place, row in rows.items() if place[0] != line["topic"]}
        elif operation(line) in (None, "d"):
            rows.pop((line["topic"], first_of_key(line)), None)
        else:
            rows[line["topic"], first_of_key(line)] = line
    return rows


def read_instead(line: dict) -> dict:
    """As the record of a change would be, had the row been read by a snapshot."""
    value = payload(line["value"])
    if "op" in value:
        value = value | {"op": "r", "before": None, "transaction": None, "source": value["source"] | {"snapshot": "true"}}
    else:
        value = value | {"__op": "r"}
    return line | {"value": line["value"] | {"payload": value}}


# The lists

def test_no_difference_is_listed_in_vain(needed):
    if len(needed) < len(MODES) + 4:
        pytest.skip("needs the comparisons of all modes")
    assert {*DIFFERENT, *OF_THE_SERVICE, *COMPLETED} - set().union(*needed.values()) == set()


def test_where_we_differ_our_values_are_the_right_ones(sent):
    assert our_values(sent["default"]) == OUR_VALUES
    assert only_ours(sent["default"]) == ONLY_OURS


@pytest.mark.parametrize("mode", [mode for mode in REFUSED if mode not in WITH_TARGET])
def test_only_values_without_a_form_stop_the_service(sent, mode):
    refused = [(a["topic"], first_of_key(a)) for a, b in zip(*expected(mode, sent[mode])) if "error" in b]
    assert sorted(refused) == sorted(REFUSED[mode])


@pytest.mark.parametrize("mode", WITH_TARGET)
def test_values_that_did_not_change_are_filled_from_the_target(sent, mode):
    for topic in ("shop.toasted", "shop.toasted_key"):
        rows = [payload(line["value"]) for line in sent[mode] if line["topic"] == topic]
        insert, update = (row.get("after", row) for row in rows)
        assert update == insert | {"n": 2} | ({"__op": "u"} if mode == "flat" else {}) and len(insert) > 2


@pytest.mark.parametrize("mode", MODES)
def test_a_truncate_names_its_table_in_the_key(sent, mode):
    assert [(line["topic"], payload(line["key"])) for line in sent[mode] if operation(line) == "t"] == [
        (topic, {"table": topic}) for topic in ("shop.plain", "shop.two_keys", "shop.whole_identity")]


@pytest.mark.parametrize("mode", MODES)
def test_headers_say_what_the_records_say(sent, mode):
    seen = 0
    for record in (line["sent"] for line in sent[mode] if operation(line) in ("c", "u", "d", "t")):
        row, headers = payload(record.value), record.headers
        assert (row.get("__lsn") or row["source"]["lsn"]) == lsn(headers["walgate.lsn"])
        assert mode == "flat" or row["source"]["txId"] == int(headers["walgate.xid"])
        if has_transactions(mode):
            assert row["transaction"]["id"] == f"{headers['walgate.xid']}:{lsn(headers['walgate.lsn'])}"
            assert row["transaction"]["total_order"] == int(headers["walgate.position"])
        seen += 1
    assert seen > 100


@pytest.mark.parametrize("mode", [mode for mode in MODES if has_schemas(mode)])
def test_every_record_is_what_its_schema_says(sent, mode):
    faults = [f"{line['topic']} {operation(line)} {fault}" for line in sent[mode] if "sent" in line for part in ("key", "value")
              if line[part] is not None for fault in mistakes(part, schema(line[part]) or {"type": "struct", "fields": []}, payload(line[part]))]
    assert not faults, "\n".join(faults)


JSON_TYPES = {"struct": dict, "array": list, "map": dict, "string": str, "bytes": str, "boolean": bool, "int16": int, "int32": int,
              "int64": int, "float": (int, float, str), "double": (int, float, str)}


def mistakes(place: str, schema: dict, value):
    """Where Kafka Connect's converter would refuse a value of that schema."""
    if value is None:
        if not schema["optional"]:
            yield f"{place}: null"
    elif not isinstance(value, JSON_TYPES[schema["type"]]) or isinstance(value, bool) != (schema["type"] == "boolean"):
        yield f"{place}: {value!r} for {schema['type']}"
    elif schema["type"] == "array":
        for item in value:
            yield from mistakes(f"{place}[]", schema["items"], item)
    elif schema["type"] == "struct":
        yield from (f"{place}.{name}: not in the schema" for name in value.keys() - {field["field"] for field in schema["fields"]})
        for field in schema["fields"]:
            yield from mistakes(f"{place}.{field['field']}", field, value.get(field["field"]))
