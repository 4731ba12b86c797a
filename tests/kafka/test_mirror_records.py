"""What arrives besides plain rows, and what the configuration makes of tables, topics and records."""
import pytest
from confluent_kafka.admin import ConfigResource

from mirroring import mirrored, sent, view, wait_in_step, wait_mirror_error, wait_mirrored


def settings(kafka, topic: str) -> tuple[int, str]:
    """The number of partitions and the cleanup.policy of a topic."""
    admin = kafka.admin()
    resource = ConfigResource(ConfigResource.Type.TOPIC, topic)
    described = admin.describe_configs([resource])[resource].result(30)
    return len(admin.list_topics(topic, timeout=10).topics[topic].partitions), described["cleanup.policy"].value


def test_messages_arrive_between_the_changes_of_their_transaction(pair, kafka):
    pair.both("CREATE TABLE item (id int PRIMARY KEY)")
    pipeline = mirrored(pair, kafka).start()
    pair.source.execute("INSERT INTO item VALUES (1); SELECT pg_logical_emit_message(true, 'audit', 'by hand'); INSERT INTO item VALUES (2)")
    pair.source.execute("SELECT pg_logical_emit_message(true, 'audit', 'alone')")
    pair.source.execute("SELECT pg_logical_emit_message(false, 'audit', 'of no transaction')")
    pair.source.execute("BEGIN; SELECT pg_logical_emit_message(true, 'audit', 'taken back'); ROLLBACK")
    wait_mirrored(pipeline)
    markers = [r for r in sent(kafka, f"{pipeline.name}.transaction") if r.key != {"id": None}]
    assert [r.value.get("status") or (r.key, r.op, r.value["message"]) for r in markers] == [
        "BEGIN", ({"prefix": "audit"}, "m", {"prefix": "audit", "content": "YnkgaGFuZA=="}), "END",
        "BEGIN", ({"prefix": "audit"}, "m", {"prefix": "audit", "content": "YWxvbmU="}), "END"]
    assert [r.value["event_count"] for r in markers if r.value.get("status") == "END"] == [2, 0]  # Debezium does not count them either


def test_truncate_reaches_every_partition_in_order(pair, kafka):
    pair.both("CREATE TABLE item (id int PRIMARY KEY, name text)")
    pipeline = mirrored(pair, kafka, config={"tables": [{"source": "public.item", "partitions": 4}]}).start()
    pair.source.execute("INSERT INTO item SELECT id, 'before' FROM generate_series(1, 40) id")
    pair.source.execute("TRUNCATE item")
    pair.source.execute("INSERT INTO item SELECT id, 'after' FROM generate_series(1, 40) id")
    wait_mirrored(pipeline)
    topic = f"{pipeline.name}.public.item"
    assert settings(kafka, topic) == (4, "compact")
    records = sent(kafka, topic, 4)
    for partition in range(4):
        ops = [r.op for r in records if r.partition == partition]
        assert ops.count("t") == 1 and 0 < ops.index("t") < len(ops) - 1
        assert ops == ["c"] * ops.index("t") + ["t"] + ["c"] * (len(ops) - ops.index("t") - 1)
        marker, = (r for r in records if r.partition == partition and r.op == "t")
        assert marker.key == {"table": "public.item"}  # a compacted topic takes no record without a key
    markers = sent(kafka, f"{pipeline.name}.transaction")
    assert [r.value["event_count"] for r in markers if r.value.get("status") == "END"] == [40, 1, 40]
    assert [r.key for r in markers if r.op == "t"] == [{"table": "public.item"}]  # once more, for all partitions
    assert [r.value.get("status") or r.op for r in markers] == ["BEGIN", "END", "BEGIN", "t", "END", "BEGIN", "END"]


def test_a_table_without_a_key_has_a_topic_that_is_not_compacted(pair, kafka):
    pair.both("CREATE TABLE event (body text); CREATE TABLE whole (body text); ALTER TABLE whole REPLICA IDENTITY FULL")
    pipeline = mirrored(pair, kafka).start()
    pair.source.execute("INSERT INTO event VALUES ('same'), ('same')")
    pair.source.execute("INSERT INTO whole VALUES ('old')")
    pair.source.execute("UPDATE whole SET body = 'new'")
    pair.source.execute("DELETE FROM whole")
    pair.source.execute("TRUNCATE event")
    wait_mirrored(pipeline)
    assert settings(kafka, f"{pipeline.name}.public.event") == (1, "delete")
    assert [(r.key, r.op, r.value["after"]) for r in sent(kafka, f"{pipeline.name}.public.event")] == [
        (None, "c", {"body": "same"}), (None, "c", {"body": "same"}), (None, "t", None)]
    whole = sent(kafka, f"{pipeline.name}.public.whole")
    assert all(r.value is None or r.op in "cud" for r in whole)
    assert [(r.op, r.value["before"], r.value["after"]) for r in whole if r.value is not None][:2] == [
        ("c", None, {"body": "old"}), ("u", {"body": "old"}, {"body": "new"})]


def test_rules_say_which_topic_key_and_partitions_a_table_has(pair, kafka):
    pair.both("""CREATE TABLE hidden (id int PRIMARY KEY); CREATE TABLE named (id int PRIMARY KEY);
                 CREATE TABLE line (order_id int, number int, PRIMARY KEY (order_id, number));
                 CREATE TABLE plain (id int PRIMARY KEY)""")
    name = pair.source.name
    pipeline = mirrored(pair, kafka, {"partitions": 2}, {"tables": [
        {"source": "public.hidden", "topic": None},
        {"source": "public.named", "topic": f"{name}_orders", "partitions": 3},
        {"source": "public.line", "key": ["order_id"]}]}).start()
    pair.source.execute("INSERT INTO hidden VALUES (1); INSERT INTO named VALUES (2); INSERT INTO plain VALUES (3)")
    pair.source.execute("INSERT INTO line SELECT o, n FROM generate_series(1, 5) o, generate_series(1, 3) n")
    pair.source.execute("DELETE FROM hidden")
    wait_mirrored(pipeline)
    pair.assert_same("hidden", "named", "line", "plain")
    topics = {topic for topic in kafka.admin().list_topics(timeout=10).topics if topic.startswith(name)}
    assert topics == {f"{name}_orders", f"{name}.public.line", f"{name}.public.plain", f"{name}.transaction",
                      f"{name}.walgate.progress", f"{name}.walgate.schemas"}
    assert settings(kafka, f"{name}_orders")[0] == 3 and settings(kafka, f"{name}.public.plain")[0] == 2
    assert [r.key for r in sent(kafka, f"{name}_orders", 3)] == [{"id": 2}]
    lines = sent(kafka, f"{name}.public.line", 2)
    assert sorted((r.key["order_id"], r.value["after"]["number"]) for r in lines) == [(o, n) for o in range(1, 6) for n in range(1, 4)]
    assert all(set(r.key) == {"order_id"} for r in lines)
    # All lines of an order are in one partition, in order.
    assert all(len({r.partition for r in lines if r.key["order_id"] == order}) == 1 for order in range(1, 6))
    # A transaction in which nothing is mirrored is no transaction there.
    ends = [r.value["event_count"] for r in sent(kafka, f"{name}.transaction") if r.value.get("status") == "END"]
    assert ends == [2, 15]


def test_one_topic_holds_all_tables_in_the_order_of_their_commits(pair, kafka):
    pair.both("CREATE TABLE first (id int PRIMARY KEY); CREATE TABLE second (id int PRIMARY KEY)")
    pipeline = mirrored(pair, kafka, {"topic": "{pipeline}.all"}).start()
    for number in range(10):
        pair.source.execute(f"INSERT INTO first VALUES ({number}); INSERT INTO second VALUES ({number})")
    pair.source.execute("DELETE FROM second WHERE id < 3; TRUNCATE first")
    wait_mirrored(pipeline)
    records = sent(kafka, f"{pipeline.name}.all")
    assert [(r.value["source"]["table"], r.op) for r in records if r.value is not None] == (
        [("first", "c"), ("second", "c")] * 10 + [("second", "d")] * 3 + [("first", "t")])
    assert [r.position for r in records] == sorted(r.position for r in records)
    # Rows of two tables may have the same key: compaction would keep one of them.
    assert settings(kafka, f"{pipeline.name}.all")[1] == "delete"


def test_rules_that_name_one_topic_share_it(pair, kafka):
    pair.both("CREATE TABLE part_a (id int PRIMARY KEY); CREATE TABLE part_b (id int PRIMARY KEY); CREATE TABLE log (body text)")
    name = pair.source.name
    pipeline = mirrored(pair, kafka, {}, {"tables": [
        {"source": "public.part_*", "topic": f"{name}.parts"}, {"source": "public.log", "topic": f"{name}.parts"}]}).start()
    pair.source.execute("INSERT INTO part_a VALUES (1); INSERT INTO part_b VALUES (1); INSERT INTO log VALUES ('x')")
    wait_mirrored(pipeline)
    assert [r.key for r in sent(kafka, f"{name}.parts")] == [{"id": 1}, {"id": 1}, None]
    assert settings(kafka, f"{name}.parts")[1] == "delete"


def test_flat_records_are_the_rows(pair, kafka):
    pair.both("CREATE TABLE item (id int PRIMARY KEY, name text)")
    pipeline = mirrored(pair, kafka, {"format": "flat"}).start()
    pair.source.execute("INSERT INTO item VALUES (1, 'bolt')")
    pair.source.execute("UPDATE item SET name = 'nut'")
    pair.source.execute("DELETE FROM item")
    wait_mirrored(pipeline)
    insert, update, delete, tombstone = sent(kafka, f"{pipeline.name}.public.item")
    assert {key: insert.value[key] for key in ("id", "name", "__op", "__deleted")} == {
        "id": 1, "name": "bolt", "__op": "c", "__deleted": "false"}
    assert (update.value["name"], update.value["__op"], delete.value["__deleted"]) == ("nut", "u", "true")
    assert tombstone.value is None and tombstone.key == {"id": 1}
    assert view([insert, update, delete, tombstone]) == {}


def test_records_carry_their_schema_on_request(pair, kafka):
    pair.both("CREATE TABLE item (id int PRIMARY KEY, name text)")
    pipeline = mirrored(pair, kafka, {"schemas": True, "tombstones": False}).start()
    pair.source.execute("INSERT INTO item VALUES (1, 'bolt')")
    pair.source.execute("DELETE FROM item")
    wait_mirrored(pipeline)
    insert, delete = sent(kafka, f"{pipeline.name}.public.item")
    assert insert.key["payload"] == {"id": 1} and insert.key["schema"]["type"] == "struct"
    assert insert.value["payload"]["after"] == {"id": 1, "name": "bolt"} and delete.value["payload"]["op"] == "d"
    after, = (field for field in insert.value["schema"]["fields"] if field["field"] == "after")
    assert [(column["field"], column["type"]) for column in after["fields"]] == [("id", "int32"), ("name", "string")]


def test_without_transactions_nothing_is_lost_and_the_order_stays(pair, kafka):
    pair.both("CREATE TABLE item (id int PRIMARY KEY)")
    pipeline = mirrored(pair, kafka, {"exactly_once": False}).start()
    for first in range(0, 60, 10):
        pair.source.execute(f"INSERT INTO item SELECT generate_series({first}, {first + 9})")
        pipeline.wait_caught_up()
        pipeline.kill9()
        pipeline.start()
    wait_mirrored(pipeline)
    keys = [r.key["id"] for r in sent(kafka, f"{pipeline.name}.public.item", isolation="read_uncommitted")]
    assert sorted(set(keys)) == list(range(60))
    firsts = list(dict.fromkeys(keys))
    assert firsts == sorted(firsts)  # what comes again comes again as a piece


def test_without_transactions_the_position_waits_for_the_records(pair, kafka):
    pair.both("CREATE TABLE item (id int PRIMARY KEY)")
    pipeline = mirrored(pair, kafka, {"exactly_once": False}).start()
    pair.source.execute("INSERT INTO item VALUES (1)")
    wait_mirrored(pipeline)
    topic = f"{pipeline.name}.public.item"
    kafka.refuse_writes(topic)
    pair.source.execute("INSERT INTO item VALUES (2)")
    wait_mirror_error(pipeline, "record_too_large", seconds=20)
    kafka.take_writes(topic)
    pipeline.stop()
    pipeline.start()
    wait_mirrored(pipeline)
    assert [r.key["id"] for r in sent(kafka, topic)] == [1, 2]


def test_types_and_columns_that_change_while_it_streams(pair, kafka):
    pair.both("CREATE TABLE item (id int PRIMARY KEY, state text)")
    pipeline = mirrored(pair, kafka).start()
    pair.source.execute("INSERT INTO item VALUES (1, 'new')")
    wait_mirrored(pipeline)
    pair.target.execute("CREATE TYPE mood AS ENUM ('good', 'bad'); ALTER TABLE item ADD mood mood")
    pair.source.execute("CREATE TYPE mood AS ENUM ('good', 'bad'); ALTER TABLE item ADD mood mood; INSERT INTO item VALUES (2, 'new', 'bad')")
    wait_mirrored(pipeline)
    assert [r.value["after"] for r in sent(kafka, f"{pipeline.name}.public.item")] == [
        {"id": 1, "state": "new"}, {"id": 2, "state": "new", "mood": "bad"}]


@pytest.mark.parametrize("rows", [20_000, 80_000])
def test_a_large_transaction_is_one_of_kafkas(pair, kafka, rows):
    # Larger than the batches of the target and the limits of Kafka transactions: still whole, and beside the queue.
    pair.both("CREATE TABLE item (id int PRIMARY KEY, filler text)")
    pipeline = mirrored(pair, kafka, {"queue_bytes": "1MB", "transaction_rows": 1000},
                        {"limits": {"batch_rows": 5000}}).start()
    pair.source.execute("INSERT INTO item VALUES (0)")
    wait_mirrored(pipeline)
    pair.source.execute(f"INSERT INTO item SELECT id, repeat('x', 20) FROM generate_series(1, {rows}) id")
    pair.source.execute("DELETE FROM item WHERE id > 10")
    wait_mirrored(pipeline)
    wait_in_step(pipeline)
    ends = [r.value["event_count"] for r in sent(kafka, f"{pipeline.name}.transaction") if r.value.get("status") == "END"]
    assert ends == [1, rows, rows - 10]
    records = sent(kafka, f"{pipeline.name}.public.item")
    assert [r.key["id"] for r in records if r.op == "c"] == list(range(rows + 1))
    assert len(view(records)) == 11
