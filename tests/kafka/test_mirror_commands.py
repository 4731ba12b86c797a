"""`walgate mirror check`, `plan` and `verify` against a broker, with good inputs and bad ones."""
import itertools
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from confluent_kafka import Producer

from clients import produce, read_all
from harness import paths
from harness.waiting import wait_until
from mirroring import Sent, mirrored, sent, wait_mirror_state, wait_mirrored

NOBODY = {"properties": {"bootstrap.servers": "127.0.0.1:9"}}


def findings(pipeline, *words, code: int | None = None) -> dict:
    """What the command found: name → the findings with it."""
    done = pipeline.command(*(words or ("mirror", "check")), "--json", seconds=90)
    assert code is None or done.code == code, (done.code, done.out, done.err)
    found: dict = {}
    for finding in done.json:
        found.setdefault(finding["name"], []).append(finding)
    return found


@contextmanager
def writing(database, sql: str):
    """Runs the statements again and again, each time as one transaction."""
    over = threading.Event()

    def run():
        with database.connect() as session:
            while not over.is_set():
                session.execute(sql)
                over.wait(0.02)
    with ThreadPoolExecutor(1) as threads:
        done = threads.submit(run)
        try:
            yield
        finally:
            over.set()
            done.result(30)


def resend(kafka, record: Sent) -> None:
    """Writes a record once more, behind all others of its partition."""
    producer = Producer(kafka.internal_config())
    (original,) = [m for m in read_all(kafka.internal_config(), record.topic, record.partition + 1)
                   if (m.partition(), m.offset()) == (record.partition, record.offset)]
    producer.produce(record.topic, key=original.key(), value=original.value(), partition=record.partition, headers=original.headers())
    assert producer.flush(30) == 0


def delete_before(kafka, topic: str, partition: int, offset: int) -> None:
    """What retention does: the partition begins at this offset."""
    file = kafka.folder / "delete.json"
    file.write_text(json.dumps({"partitions": [{"topic": topic, "partition": partition, "offset": offset}], "version": 1}))
    paths.give_to_server(file)
    kafka._java("org.apache.kafka.tools.DeleteRecordsCommand", "--offset-json-file", str(file),
                "--bootstrap-server", kafka.internal_config()["bootstrap.servers"])


def errors(found: dict) -> set:
    return {name for name, list in found.items() if any(finding["severity"] == "error" for finding in list)}


# check


def test_check_tells_what_will_be_made(pair, kafka):
    pair.both("CREATE TABLE item (id int PRIMARY KEY); CREATE TABLE log (line text)")
    pipeline = mirrored(pair, kafka, {"partitions": 3})
    found = findings(pipeline, code=0)
    assert kafka.id in found["mirror_configured"][0]["finding"]
    missing = {finding["object"] for finding in found["topic_missing"]}
    name = pipeline.name
    assert missing == {f'topic "{name}.{rest}"' for rest in
                       ("public.item", "public.log", "transaction", "walgate.progress", "walgate.schemas")}
    assert [f["object"] for f in found["mirror_table_without_key"]] == ["public.log"]
    assert "transactional_id_not_tested" not in found
    text = pipeline.command("mirror", "check")
    assert text.code == 0 and "name: topic_missing" in text.out and "0 errors, 0 warnings" in text.out
    assert "topic_missing" in findings(pipeline, "check", code=0)


def test_check_of_a_running_mirror_leaves_it_alone(pair, kafka):
    pair.both("CREATE TABLE item (id int PRIMARY KEY)")
    pipeline = mirrored(pair, kafka).start()
    pair.source.execute("INSERT INTO item VALUES (1)")
    wait_mirrored(pipeline)
    found = findings(pipeline, code=0)
    assert set(found) == {"mirror_configured", "transactional_id_not_tested"}
    pair.source.execute("INSERT INTO item VALUES (2)")
    wait_mirrored(pipeline)
    assert wait_mirror_state(pipeline, "streaming") and not pipeline.events("mirror_fenced")


def test_check_knows_what_the_cluster_cannot_do(pair, kafka):
    pair.both("CREATE TABLE item (id int PRIMARY KEY)")
    pipeline = mirrored(pair, kafka, {"replication_factor": 2, "topic_settings": {"min.insync.replicas": "3", "retentoin.ms": "1"}})
    kafka.create_topic(f"{pipeline.name}.public.item", partitions=1)
    found = findings(pipeline, code=2)
    assert errors(found) == {"replication_factor_above_brokers", "min_insync_above_replication_factor", "topic_setting_unknown"}
    assert errors(findings(pipeline, "check", code=2)) == errors(found)


def test_check_refuses_to_change_the_partitions_of_a_live_topic(pair, kafka):
    pair.both("CREATE TABLE item (id int PRIMARY KEY)")
    pipeline = mirrored(pair, kafka, {"partitions": 2}).start()
    pair.source.execute("INSERT INTO item VALUES (1)")
    wait_mirrored(pipeline)
    assert pipeline.stop() == 0
    assert errors(findings(pipeline, code=0)) == set()
    pipeline.write_config(kafka={"partitions": 3})
    found = findings(pipeline, code=2)
    assert errors(found) == {"partition_count_differs"}
    assert found["partition_count_differs"][0]["object"] == f'topic "{pipeline.name}.public.item"'
    pair.source.execute("INSERT INTO item VALUES (2)")
    pipeline.start()
    assert wait_mirror_state(pipeline, "stopped")["error"]["name"] == "mirror_topic_unfit"


def test_check_refuses_own_topics_that_forget(pair, kafka):
    pair.both("CREATE TABLE item (id int PRIMARY KEY)")
    pipeline = mirrored(pair, kafka)
    kafka.create_topic(f"{pipeline.name}.walgate.progress", partitions=2, cleanup_policy="delete")
    kafka.create_topic(f"{pipeline.name}.walgate.schemas", cleanup_policy="delete")
    found = findings(pipeline, code=2)
    assert errors(found) == {"own_topic_not_compacted", "progress_topic_partitions"}
    assert len(found["own_topic_not_compacted"]) == 2
    pipeline.start()
    assert wait_mirror_state(pipeline, "stopped")["error"]["name"] == "mirror_topic_unfit"


def test_check_says_when_nobody_is_there(pair):
    pair.both("CREATE TABLE item (id int PRIMARY KEY)")
    pipeline = pair.pipeline(config={"kafka": NOBODY})
    found = findings(pipeline, code=4)
    assert errors(found) == {"kafka_unavailable"}
    found = findings(pipeline, "check", code=0)
    assert [finding["severity"] for finding in found["kafka_unavailable"]] == ["warning"]


@pytest.mark.parametrize("command", [("mirror", "check"), ("check",), ("run",)])
def test_properties_that_librdkafka_does_not_take_are_mistakes(pair, command):
    pair.both("CREATE TABLE item (id int PRIMARY KEY)")
    pipeline = pair.pipeline(config={"kafka": {"properties": NOBODY["properties"] | {"linger.ms": "soon", "acks": "0", "no.such": 1}}})
    done = pipeline.command(*command, "--json")
    assert done.code == 1
    error = done.json["error"]
    assert error["name"] == "configuration_invalid"
    assert [mistake["path"] for mistake in error["mistakes"]] == [
        "kafka.properties.acks", 'kafka.properties["linger.ms"]', 'kafka.properties["no.such"]']


def test_properties_that_do_not_go_together_are_found(pair, kafka):
    pair.both("CREATE TABLE item (id int PRIMARY KEY)")
    pipeline = mirrored(pair, kafka, {"properties": kafka.client_config() | {
        "transaction.timeout.ms": "1000", "message.timeout.ms": "2000"}})
    assert errors(findings(pipeline, code=2)) == {"configuration_invalid"}


def test_check_tries_the_transactional_id(pair, kafka):
    """More than the brokers' transaction.max.timeout.ms is refused when the id is taken over."""
    pair.both("CREATE TABLE item (id int PRIMARY KEY)")
    pipeline = mirrored(pair, kafka, {"properties": kafka.client_config() | {"transaction.timeout.ms": "1000000"}})
    found = findings(pipeline, code=2)
    assert errors(found) == {"kafka_refused"}


def test_check_finds_columns_and_keys_that_cannot_be_mirrored(pair, kafka):
    pair.both("CREATE TYPE pair AS (a int, b int); CREATE TABLE bad (id int PRIMARY KEY, both_of pair);"
              "CREATE TABLE keyed (id int PRIMARY KEY, name text); CREATE TABLE wrong (id int PRIMARY KEY)")
    pipeline = mirrored(pair, kafka, config={"tables": [{"source": "public.keyed", "key": ["name"]},
                                                        {"source": "public.wrong", "key": ["nothing"]}]})
    found = findings(pipeline, code=2)
    assert errors(found) == {"column_not_mirrored", "mirror_key_unknown"}
    assert {finding["object"] for finding in found["mirror_key_unknown"]} == {"public.keyed", "public.wrong"}
    assert "both_of" in found["column_not_mirrored"][0]["finding"]


def test_check_finds_topics_that_collide(pair, kafka):
    pair.both("CREATE TABLE a_b (id int PRIMARY KEY); CREATE TABLE c (id int PRIMARY KEY); CREATE TABLE d (id int PRIMARY KEY);"
              "CREATE TABLE e (line text)")
    name = pair.source.name
    pipeline = mirrored(pair, kafka, config={"tables": [
        {"source": "public.c", "topic": f"{name}_public_a_b"}, {"source": "public.d", "topic": f"{name}.shared", "partitions": 2},
        {"source": "public.e", "topic": f"{name}.shared"}]})
    kafka.create_topic(f"{pipeline.name}_shared")
    found = findings(pipeline, code=2)
    assert errors(found) == {"topic_name_taken", "topic_shared_unlike"}
    assert len(found["topic_name_taken"]) == 2


def test_without_a_mirror_there_is_nothing_to_check(pair):
    pipeline = pair.pipeline()
    for words in (("mirror", "check"), ("mirror", "plan"), ("mirror", "verify")):
        done = pipeline.command(*words, "--json")
        assert (done.code, done.json["error"]["name"]) == (1, "configuration_invalid"), words
    assert "mirror_configured" not in findings(pipeline, "check")


def test_the_documented_rights_are_enough_and_each_is_needed(pair, make_kafka):
    kafka = make_kafka(protocol="SASL_PLAINTEXT", users={"mirror": "mirror-secret"}, acls=True)
    pair.both("CREATE TABLE item (id int PRIMARY KEY)")
    pipeline = pair.pipeline(config={"kafka": {"properties": kafka.client_config("mirror")}})
    kafka.allow("mirror", ["Describe", "DescribeConfigs", "Create", "Write", "Read"], topic=f"{pipeline.name}.*")
    found = findings(pipeline, code=2)
    assert errors(found) == {"kafka_refused"} and "ransactional" in found["kafka_refused"][0]["finding"]
    kafka.allow("mirror", ["Describe", "Write"], transactional_id=f"{pipeline.name}.walgate")
    assert errors(findings(pipeline, code=0)) == set()
    pipeline.start()
    pair.source.execute("INSERT INTO item VALUES (1)")
    wait_mirrored(pipeline)
    assert verify(pipeline, 0)["public.item"]["keys"] == 1


# plan


def test_plan_measures_changes_and_records(pair, kafka):
    pair.source.execute("CREATE TABLE busy (id int PRIMARY KEY, filler text); CREATE TABLE quiet (id int PRIMARY KEY);"
                        "CREATE TABLE empty (id int PRIMARY KEY); CREATE TABLE log (line text)")
    pair.source.execute("INSERT INTO busy SELECT id, repeat('x', 900) FROM generate_series(1, 2000) id")
    pair.source.execute("INSERT INTO quiet VALUES (1); INSERT INTO log VALUES ('a'); ANALYZE")
    pipeline = mirrored(pair, kafka, {"partitions": 2})
    kafka.create_topic(f"{pipeline.name}.public.quiet", partitions=2)
    with writing(pair.source, "UPDATE busy SET filler = filler || 'y' WHERE id <= 100; INSERT INTO log SELECT 'b' FROM generate_series(1, 50)"):
        done = pipeline.command("mirror", "plan", "--interval", "4s", "--partition-rate", "1kB", "--consumer-rate", "100000", "--json")
    assert done.code == 0, done.err
    plan = done.json
    assert plan["brokers"] == 1 and plan["replication_factor"] == 1 and plan["seconds"] >= 4
    tables = {table["table"]: table for table in plan["tables"]}
    busy, log = tables["public.busy"], tables["public.log"]
    assert plan["tables"][0] == busy
    assert busy["updates"] >= 100 and busy["inserts"] == 0, busy
    assert 900 < busy["record_bytes"] < 1500 and busy["record_bytes_from"] == "rows"
    assert busy["partitions"] == max(1, -(-busy["bytes_per_second"] // 1024)) and busy["partitions"] > 2
    assert log["inserts"] >= 50 and not log["has_key"] and log["partitions"] == 1
    assert tables["public.quiet"]["existing_partitions"] == 2 and tables["public.quiet"]["partitions"] == 1
    assert tables["public.empty"]["record_bytes"] is None
    text = pipeline.command("mirror", "plan", "--interval", "1ms")
    assert text.code == 0 and "partitions = max(1, ceil(bytes/s / 10.0 MB per partition)" in text.out, text


def test_plan_needs_no_broker_and_no_nonsense(pair):
    pair.source.execute("CREATE TABLE item (id int PRIMARY KEY)")
    pipeline = pair.pipeline(config={"kafka": NOBODY})
    done = pipeline.command("mirror", "plan", "--interval", "1s", "--json")
    assert done.code == 0 and done.json["brokers"] is None, done
    for words in (("--interval", "soon"), ("--interval", "0s"), ("--partition-rate", "much"), ("--consumer-rate", "0")):
        assert pipeline.command("mirror", "plan", *words).code == 1, words


def test_plan_falls_back_on_statistics_where_the_role_may_not_read(pair, kafka):
    pair.source.execute("CREATE TABLE item (id int PRIMARY KEY, name text)")
    pair.source.execute("INSERT INTO item SELECT id, 'x' FROM generate_series(1, 100) id; ANALYZE item")
    role = pair.role(pair.source)
    pipeline = mirrored(pair, kafka)
    pipeline.write_config(source={"conninfo": pair.source.conninfo(user=role)})
    done = pipeline.command("mirror", "plan", "--interval", "1ms", "--json")
    assert done.code == 0, done
    assert done.json["tables"][0]["record_bytes_from"] == "nothing"  # pg_stats shows what the role may read
    pair.source.execute(f"GRANT SELECT (name) ON item TO {role}")
    done = pipeline.command("mirror", "plan", "--interval", "1ms", "--json")
    assert done.json["tables"][0]["record_bytes_from"] == "statistics"


# verify


def verify(pipeline, code: int, *words) -> dict:
    done = pipeline.command("mirror", "verify", "--json", "--timeout", "40s", *words, seconds=180)
    assert done.code == code, (done.code, done.out, done.err)
    assert done.json["equal"] == (code == 0)
    return {table["table"]: table for table in done.json["tables"]}


def test_verify_agrees_with_every_form(pair, kafka):
    """Types with forms of their own, values out of line, key changes, truncates, new columns, row filters, no keys."""
    pair.both("CREATE TABLE item (id int PRIMARY KEY, name text, price numeric(10, 2), f float8, j jsonb, a int[], t timestamptz,"
              " x xml, c \"char\");"
              "CREATE TABLE emptied (id int PRIMARY KEY); CREATE TABLE log (line text);"
              "CREATE TABLE wholly (a int, b text); ALTER TABLE wholly REPLICA IDENTITY FULL;"
              "CREATE TABLE part (id int PRIMARY KEY, v text) PARTITION BY RANGE (id);"
              "CREATE TABLE part1 PARTITION OF part FOR VALUES FROM (0) TO (100)")
    pipeline = mirrored(pair, kafka, {"partitions": 3}, config={"tables": [{"source": "public.wholly", "key": ["a"]}]}).start()
    pair.source.execute("INSERT INTO item SELECT id, 'name ' || id, id / 3.0, id / 7.0, jsonb_build_object('n', id), ARRAY[id, NULL],"
                        " '2026-01-01 00:00+00'::timestamptz + id * interval '1 s', '<a/>', 'c' FROM generate_series(1, 500) id")
    pair.source.execute("UPDATE item SET name = (SELECT string_agg(md5(i::text), '') FROM generate_series(1, 300) i) WHERE id = 7")
    pair.source.execute("UPDATE item SET price = 1 WHERE id = 7")  # its name is not in the WAL
    pair.source.execute("UPDATE item SET id = 1000 WHERE id = 8; DELETE FROM item WHERE id < 5")
    pair.source.execute("INSERT INTO emptied SELECT generate_series(1, 50); TRUNCATE emptied; INSERT INTO emptied VALUES (1)")
    pair.source.execute("INSERT INTO log VALUES ('a'), ('a'); INSERT INTO wholly VALUES (1, 'x'); UPDATE wholly SET b = 'y'")
    pair.source.execute("INSERT INTO part SELECT id, 'v' FROM generate_series(1, 20) id")
    wait_mirrored(pipeline)
    pair.both("ALTER TABLE item ADD more text")
    pair.source.execute("UPDATE item SET more = 'x' WHERE id > 490")
    wait_mirrored(pipeline)
    tables = verify(pipeline, 0)
    item = tables["public.item"]
    assert (item["keys"], item["rows"]) == (496, 496)
    assert item["older"] == 485  # all but those that have the new column
    assert tables["public.emptied"]["keys"] == 1
    assert tables["public.log"]["not_compared"] and tables["public.log"]["records"] == 2
    assert tables["public.wholly"]["keys"] == 1
    assert sum(table["transactions"]["complete"] for table in tables.values()) == 9
    assert all(table["transactions"]["cut"] == 0 for table in tables.values())


def test_verify_under_load(pair, kafka):
    pair.both("CREATE TABLE item (id int PRIMARY KEY, n int)")
    pipeline = mirrored(pair, kafka, {"partitions": 2}).start()
    pair.source.execute("INSERT INTO item SELECT id, 0 FROM generate_series(1, 200) id")
    with writing(pair.source, "UPDATE item SET n = n + 1 WHERE id % 20 = 0; DELETE FROM item WHERE id = 3; INSERT INTO item VALUES (3, 1)"):
        tables = verify(pipeline, 0)
    assert tables["public.item"]["keys"] >= 199
    assert verify(pipeline, 0)["public.item"]["undecided"] == 0


def test_verify_finds_what_differs_and_prints_no_value(pair, kafka):
    pair.both("CREATE TABLE item (id int PRIMARY KEY, name text, secret text)")
    pipeline = mirrored(pair, kafka, {"copy": True}).start()
    pair.source.execute("INSERT INTO item SELECT id, 'n', 'hunter2' FROM generate_series(1, 10) id")
    wait_mirrored(pipeline)
    assert verify(pipeline, 0)["public.item"]["rows"] == 10
    # What the stream does not bring: changes of a session that is not decoded.
    pair.source.execute("ALTER PUBLICATION \"" + pipeline.name + "\" SET (publish = 'truncate')")
    pair.source.execute("UPDATE item SET secret = 'correct horse' WHERE id = 2; DELETE FROM item WHERE id = 3; INSERT INTO item VALUES (11)")
    tables = verify(pipeline, 3)
    item = tables["public.item"]
    assert (item["different"], item["unexpected"], item["missing"], item["columns"]) == (1, 1, 1, ["secret"])
    assert {(example["kind"], example["offset"] is None) for example in item["examples"]} == {
        ("different", False), ("unexpected", False), ("missing", True)}
    text = pipeline.command("mirror", "verify", seconds=120)
    assert text.code == 3 and "columns that differ: secret" in text.out and "do not agree" in text.out
    for value in ("hunter2", "correct horse"):
        assert value not in text.out + text.err + json.dumps(item)


def test_verify_finds_records_that_are_gone_repeated_or_foreign(pair, kafka):
    pair.both("CREATE TABLE item (id int PRIMARY KEY, n int)")
    pipeline = mirrored(pair, kafka, {"partitions": 2}).start()
    pair.source.execute("INSERT INTO item SELECT id, 0 FROM generate_series(1, 10) id")
    wait_mirrored(pipeline)
    topic = f"{pipeline.name}.public.item"
    produce(kafka.internal_config(), topic, [(b"{}", b"{}")])
    done = pipeline.command("mirror", "verify", "--json", seconds=120)
    assert done.code == 3 and done.json["topics"] == [{"topic": topic, "foreign": 1}]
    # The first record once more: out of order, and a record too many for its transaction.
    records = sent(kafka, topic, 2)
    again = records[0]
    resend(kafka, again)
    item = verify(pipeline, 3)["public.item"]
    assert item["out_of_order"] == 1 and item["transactions"]["exceeded"] == 1
    assert [(e["kind"], e["partition"]) for e in item["examples"]] == [("out_of_place", again.partition)]


def test_verify_of_a_topic_cut_by_retention_concludes_nothing_from_what_is_gone(pair, kafka):
    pair.both("CREATE TABLE item (id int PRIMARY KEY, n int)")
    pipeline = mirrored(pair, kafka, {"topic_settings": {"cleanup.policy": "delete"}}).start()
    for number in range(10):
        pair.source.execute(f"INSERT INTO item VALUES ({number}, 0)")
    wait_mirrored(pipeline)
    assert verify(pipeline, 0)["public.item"]["transactions"] == {
        "complete": 10, "cut": 0, "incomplete": 0, "exceeded": 0, "strays": 0, "positions": []}
    records = sent(kafka, f"{pipeline.name}.public.item")
    delete_before(kafka, records[0].topic, 0, records[6].offset)
    item = verify(pipeline, 0)["public.item"]
    assert item["not_sent"] == 6 and item["keys"] == 4
    assert (item["transactions"]["cut"], item["transactions"]["complete"]) == (6, 4)


def test_verify_of_a_compacted_topic_finds_the_same_rows(pair, kafka):
    pair.both("CREATE TABLE item (id int PRIMARY KEY, n int)")
    settings = {"segment.ms": "1000", "min.cleanable.dirty.ratio": "0.001", "delete.retention.ms": "0"}
    pipeline = mirrored(pair, kafka, {"topic_settings": settings}).start()
    pair.source.execute("INSERT INTO item SELECT id, 0 FROM generate_series(1, 10) id")
    for number in range(5):
        pair.source.execute(f"UPDATE item SET n = {number} WHERE id < 6")
    pair.source.execute("DELETE FROM item WHERE id = 1")
    wait_mirrored(pipeline)
    written = len(sent(kafka, f"{pipeline.name}.public.item"))
    extra = itertools.count(100)

    def compacted():
        pair.source.execute(f"INSERT INTO item VALUES ({next(extra)}, 0)")  # ends the segment of before
        records = sent(kafka, f"{pipeline.name}.public.item")
        return sum(record.key["id"] < 100 for record in records) < written - 10
    wait_until(compacted, 90, "the brokers compact the topic", every=1.5)
    item = verify(pipeline, 0)["public.item"]
    assert item["transactions"]["cut"] >= 1 and item["keys"] == item["rows"]


def test_verify_waits_for_the_mirror_and_not_for_ever(pair, kafka):
    pair.both("CREATE TABLE item (id int PRIMARY KEY)")
    pipeline = mirrored(pair, kafka)
    done = pipeline.command("mirror", "verify", "--json")
    assert (done.code, done.json["error"]["name"]) == (2, "mirror_not_caught_up")
    pipeline.start()
    pair.source.execute("INSERT INTO item VALUES (1)")
    wait_mirrored(pipeline)
    assert pipeline.stop() == 0
    pair.source.execute("INSERT INTO item VALUES (2)")
    done = pipeline.command("mirror", "verify", "--timeout", "1s", "--json")
    assert (done.code, done.json["error"]["name"]) == (4, "mirror_not_caught_up")
    pipeline.start()
    assert verify(pipeline, 0)["public.item"]["keys"] == 2


def test_verify_of_tables_that_share_a_topic(pair, kafka):
    pair.both("CREATE TABLE a (id int PRIMARY KEY, n int); CREATE TABLE b (id int PRIMARY KEY, n int)")
    pipeline = mirrored(pair, kafka, {"topic": "{pipeline}.all", "partitions": 2, "topic_settings": {"cleanup.policy": "delete"}}).start()
    pair.source.execute("INSERT INTO a SELECT id, 1 FROM generate_series(1, 9) id; INSERT INTO b SELECT id, 2 FROM generate_series(1, 9) id")
    pair.source.execute("DELETE FROM a WHERE id = 1; UPDATE b SET n = 3 WHERE id = 1; TRUNCATE a; INSERT INTO a VALUES (5, 5)")
    wait_mirrored(pipeline)
    tables = verify(pipeline, 0)
    assert (tables["public.a"]["keys"], tables["public.b"]["keys"]) == (1, 9)


@pytest.mark.parametrize("section", [{"format": "flat"}, {"schemas": True}, {"format": "flat", "schemas": True}, {"transactions": False},
                                     {"tombstones": False}, {"exactly_once": False}], ids=lambda section: "_".join(section))
def test_verify_reads_every_format(pair, kafka, section):
    pair.both("CREATE TABLE item (id int PRIMARY KEY, name text, p point)")
    pipeline = mirrored(pair, kafka, section).start()
    pair.source.execute("INSERT INTO item SELECT id, 'n', '(1,2)' FROM generate_series(1, 20) id")
    pair.source.execute("UPDATE item SET name = 'x' WHERE id = 2; DELETE FROM item WHERE id = 3; UPDATE item SET id = 30 WHERE id = 4")
    wait_mirrored(pipeline)
    item = verify(pipeline, 0)["public.item"]
    assert item["keys"] == item["rows"] == 19
    assert (item["transactions"] is None) == (section == {"transactions": False})
