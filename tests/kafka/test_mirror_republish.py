"""`walgate mirror republish`: a topic built again from its table."""
from confluent_kafka import Producer

from harness import Load
from harness.waiting import wait_until
from mirroring import mirrored, sent, view, wait_mirror_state, wait_mirrored
from test_mirror_copy import churn, prepared, table_view


def damage(kafka, topic: str, **records) -> None:
    """Writes records into a topic as nobody should: key=value, both JSON text."""
    producer = Producer(kafka.internal_config())
    for id, value in records.items():
        producer.produce(topic, key='{"id":%s}' % id.lstrip("_"), value=value)
    producer.flush(30)


def republished(pipeline, *words: str, copies: int = 1) -> None:
    before = len(pipeline.log())
    done = pipeline.command("mirror", "republish", *words)
    assert done.code == 0, done.err
    wait_until(lambda: len(pipeline.events("mirror_table_copied", after=before)) >= copies, 60, pipeline.log_tail)
    wait_mirrored(pipeline)


def test_the_topic_equals_the_table_afterwards(pair, kafka):
    pair.both("CREATE TABLE item (id int PRIMARY KEY, name text)")
    pair.source.execute("INSERT INTO item SELECT id, 'old' FROM generate_series(1, 50) id")
    pipeline = mirrored(pair, kafka, copy=True).start()
    wait_mirrored(pipeline)
    topic = f"{pipeline.name}.public.item"
    # Keys that no row has, a row that was changed; a reader of the newest records sees the damage.
    damage(kafka, topic, _900='{"op":"c","before":null,"after":{"id":900,"name":"x"}}', _7='{"op":"u","after":{"id":7,"name":"x"}}')
    assert view(sent(kafka, topic)) != table_view(pair.source, "item")
    republished(pipeline, "--table", "public.item")
    records = sent(kafka, topic)
    assert view(records) == table_view(pair.source, "item")
    gone = [(r.op, r.value and r.value["before"]) for r in records if r.key == {"id": 900}]
    assert gone == [("c", None), ("d", {"id": 900, "name": None}), (None, None)]
    wait_mirror_state(pipeline, "streaming")
    pair.source.execute("UPDATE item SET name = 'after' WHERE id = 8")
    wait_mirrored(pipeline)
    assert view(sent(kafka, topic)) == table_view(pair.source, "item")
    pair.assert_same("item")


def test_in_the_midst_of_changes(pair, kafka):
    prepared(pair)
    pipeline = mirrored(pair, kafka, {"transaction_rows": 500}, copy=True).start()
    wait_mirrored(pipeline)
    topic = f"{pipeline.name}.public.item"
    with Load(pair.source, churn, sessions=2, pause=0.002):
        for _ in range(3):
            damage(kafka, topic, _99999='{"op":"c","after":{"id":99999}}')
            republished(pipeline, "--table", "public.item")
    wait_mirrored(pipeline)
    assert view(sent(kafka, topic)) == table_view(pair.source, "item")


def test_a_stopped_service_does_it_at_the_next_start(pair, kafka):
    pair.both("CREATE TABLE item (id int PRIMARY KEY); CREATE TABLE other (id int PRIMARY KEY)")
    pair.source.execute("INSERT INTO item VALUES (1)")
    pipeline = mirrored(pair, kafka).start()
    wait_mirrored(pipeline)
    pipeline.stop()
    assert pipeline.command("mirror", "republish", "--table", "public.item").code == 0
    pipeline.start()
    wait_until(lambda: pipeline.events("mirror_table_copied"), 60, pipeline.log_tail)
    wait_mirrored(pipeline)
    assert [(r.key["id"], r.op) for r in sent(kafka, f"{pipeline.name}.public.item")] == [(1, "r")]
    pipeline.stop()
    pipeline.start()
    wait_mirrored(pipeline)
    assert len(pipeline.events("mirror_table_copied")) == 1, "a request is done once"


def test_a_table_without_a_key_is_emptied_first(pair, kafka):
    pair.both("CREATE TABLE item (id int)")
    pair.source.execute("INSERT INTO item VALUES (1), (1)")
    pipeline = mirrored(pair, kafka, {"copy": True}, config={"tables": [{"source": "public.*", "target": None}]}).start()
    wait_mirrored(pipeline)
    republished(pipeline, "--table", "public.item")
    assert [r.op for r in sent(kafka, f"{pipeline.name}.public.item")] == ["r", "r", "t", "r", "r"]


def test_the_key_of_a_truncate_is_no_row_that_has_gone(pair, kafka):
    pair.both("CREATE TABLE item (id int PRIMARY KEY)")
    pipeline = mirrored(pair, kafka).start()
    for schemas in (False, True):  # the key's form is that of its time
        pair.source.execute("INSERT INTO item VALUES (1)")
        pair.source.execute("TRUNCATE item")
        wait_mirrored(pipeline)
        pipeline.stop()
        pipeline.write_config(kafka={"schemas": True})
        pipeline.start()
    republished(pipeline, "--table", "public.item")
    records = [r for r in sent(kafka, f"{pipeline.name}.public.item") if r.value is not None]
    gone = [r.key.get("payload", r.key) for r in records if r.value.get("payload", r.value)["op"] == "d"]
    assert gone == [{"id": 1}, {"id": 1}]


def test_tables_that_share_a_topic_keep_their_rows(pair, kafka):
    pair.both("CREATE TABLE item (id int PRIMARY KEY); CREATE TABLE part (part int PRIMARY KEY)")
    pair.source.execute("INSERT INTO item VALUES (1); INSERT INTO part VALUES (1)")
    pipeline = mirrored(pair, kafka, {"topic": "{pipeline}.all"}, copy=True).start()
    wait_mirrored(pipeline)
    republished(pipeline, "--table", "public.item")
    assert view(sent(kafka, f"{pipeline.name}.all")) == {'{"id": 1}': {"id": 1}, '{"part": 1}': {"part": 1}}


def test_what_cannot_be_is_refused(pair, kafka):
    pair.both("CREATE TABLE item (id int PRIMARY KEY)")
    pipeline = mirrored(pair, kafka)
    done = pipeline.command("mirror", "republish", "--table", "public.nothing", "--json")
    assert done.code == 2 and done.json["error"]["name"] == "republish_refused", done.out
    assert pipeline.command("mirror", "republish").code == 1
    assert pipeline.command("mirror", "republish", "--all", "--table", "public.item").code == 1


def test_it_is_the_way_out_of_a_progress_topic_that_was_lost(pair, kafka):
    pair.both("CREATE TABLE item (id int PRIMARY KEY, name text)")
    pair.source.execute("INSERT INTO item SELECT id, 'old' FROM generate_series(1, 10) id")
    pipeline = mirrored(pair, kafka, copy=True).start()
    wait_mirrored(pipeline)
    pipeline.stop()
    topic = f"{pipeline.name}.walgate.progress"
    admin = kafka.admin()  # lives until its answer is here
    admin.delete_topics([topic], operation_timeout=30)[topic].result(30)
    pair.source.execute("DELETE FROM item WHERE id = 3")
    pipeline.start()
    stopped = wait_mirror_state(pipeline, "stopped")
    assert stopped["error"]["name"] == "mirror_progress_lost"
    pair.source.execute("UPDATE item SET name = 'new' WHERE id = 4")
    pipeline.wait_caught_up()
    republished(pipeline, "--all")
    assert view(sent(kafka, f"{pipeline.name}.public.item")) == table_view(pair.source, "item")
    assert wait_mirror_state(pipeline, "streaming")["gap"] is None
    pipeline.kill9()
    pipeline.start()
    wait_mirror_state(pipeline, "streaming")


def test_it_is_the_way_out_of_a_gap(pair, kafka):
    pair.both("CREATE TABLE item (id int PRIMARY KEY, name text); CREATE TABLE other (id int PRIMARY KEY)")
    pair.source.execute("INSERT INTO item SELECT id, 'old' FROM generate_series(1, 10) id")
    pipeline = mirrored(pair, kafka, copy=True).start()
    wait_mirrored(pipeline)
    wait_mirror_state(pipeline, "streaming")
    pipeline.stop()
    # Somebody moves the slot on.
    pair.source.execute("DELETE FROM item WHERE id = 3")
    pipeline.write_config(kafka=...)
    pipeline.start()
    pipeline.wait_caught_up()
    wait_until(lambda: pair.source.value("SELECT confirmed_flush_lsn > %s::pg_lsn FROM pg_replication_slots WHERE slot_name = %s",
                                         pair.source.value("SELECT '0/0'::pg_lsn"), pipeline.slot), 30, "confirmed")
    pipeline.stop()
    pipeline.write_config(kafka={"properties": kafka.client_config()})
    pipeline.start()
    stopped = wait_mirror_state(pipeline, "stopped")
    assert stopped["error"]["name"] == "mirror_gap"
    republished(pipeline, "--all", copies=2)
    assert view(sent(kafka, f"{pipeline.name}.public.item")) == table_view(pair.source, "item")
    assert wait_mirror_state(pipeline, "streaming")["gap"] is None
    pair.source.execute("UPDATE item SET name = 'new' WHERE id = 4")
    wait_mirrored(pipeline)
    assert view(sent(kafka, f"{pipeline.name}.public.item")) == table_view(pair.source, "item")
