"""What the mirror must not do, or is not let do: it says so, does nothing wrong, and the target goes on."""
import json
import threading

import pytest
from confluent_kafka import Producer

from clients import read_all
from harness.pipeline import lsn
from harness.waiting import wait_until
from mirroring import (mirror_slot, mirrored, sent, view, wait_in_step, wait_mirror_error, wait_mirror_state, wait_mirrored)


@pytest.fixture
def item(pair):
    """A pair with a table on both sides."""
    pair.both("CREATE TABLE item (id int PRIMARY KEY, name text)")
    return pair


def insert(pair, pipeline, first: int, count: int = 5) -> None:
    """Rows that must reach the target, whatever has become of the mirror."""
    pair.source.execute(f"INSERT INTO item SELECT id, 'row' FROM generate_series({first}, {first + count - 1}) id")
    pipeline.wait_caught_up()
    pair.assert_same("item")


def keys(kafka, pipeline) -> list[int]:
    return [record.key["id"] for record in sent(kafka, f"{pipeline.name}.public.item")]


def assert_slot_follows(pair, pipeline, row: int) -> None:
    """The mirror keeps WAL by its copy of the slot alone."""
    position = pair.source.value("SELECT pg_current_wal_insert_lsn()::text")
    insert(pair, pipeline, row, 1)
    wait_until(lambda: lsn(pipeline.slot_row()["confirmed_flush_lsn"]) >= lsn(position), 30, lambda: f"{pipeline.slot_row()}")


# Another one has taken over

def test_a_mirror_that_was_fenced_off_stops(item, kafka):
    pipeline = mirrored(item, kafka).start()
    insert(item, pipeline, 0)
    wait_mirrored(pipeline)
    intruder = Producer(kafka.internal_config() | {"transactional.id": f"{pipeline.name}.walgate"})
    intruder.init_transactions(30)
    insert(item, pipeline, 10)
    error = wait_mirror_error(pipeline, "mirror_fenced")
    assert "transactional id" in error["message"] and error["remedy"]
    assert pipeline.status()["state"] == "streaming"
    assert_slot_follows(item, pipeline, 20)
    assert keys(kafka, pipeline) == list(range(5))
    # Two services would take turns for ever: it does not try again before a person has started it anew.
    assert pipeline.stop() == 0
    pipeline.start()
    wait_mirrored(pipeline)
    wait_in_step(pipeline)
    assert keys(kafka, pipeline) == [*range(5), *range(10, 15), 20]


def test_a_large_transaction_that_is_fenced_off_is_named_so(item, kafka):
    pipeline = mirrored(item, kafka).start()
    insert(item, pipeline, 0)
    wait_mirrored(pipeline)
    Producer(kafka.internal_config() | {"transactional.id": f"{pipeline.name}.walgate"}).init_transactions(30)
    item.source.execute("INSERT INTO item SELECT id, repeat('x', 500) FROM generate_series(1000, 60000) id")
    wait_mirror_error(pipeline, "mirror_fenced")
    pipeline.wait_caught_up()
    item.assert_same("item")
    assert keys(kafka, pipeline) == list(range(5))


# Rights

def test_what_refuses_the_mirror_is_named_and_nothing_secret_is(item, make_kafka):
    kafka = make_kafka(protocol="SASL_SSL", users={"mirror": "mirror-secret"}, acls=True)

    def start(password: str = "mirror-secret", **properties):
        config = kafka.client_config("mirror", password) | properties
        pipeline.write_config(kafka={"properties": config})
        return pipeline.start()

    def refused(*words: str) -> None:
        def named():
            error = wait_mirror_error(pipeline, "kafka_refused", "retrying")
            return all(word in error["message"] for word in words)
        wait_until(named, 60, lambda: f"{words} in {pipeline.status()}\n{pipeline.log_tail()}")
        shown = json.dumps(pipeline.status()) + pipeline.log() + pipeline.command("config", "show").out
        shown += pipeline.command("status", "--json").out
        assert "mirror-secret" not in shown and "not-the-word" not in shown

    pipeline = mirrored(item, kafka)
    start("not-the-word")
    insert(item, pipeline, 0)
    refused("uthentication")
    assert_slot_follows(item, pipeline, 100)
    pipeline.stop()

    start(**{"ssl.ca.location": str(kafka.certificates.other_ca)})
    insert(item, pipeline, 10)
    refused("certificate")
    pipeline.stop()

    # Each right, one after the other; no restart, nor anything else, is needed.
    start()
    insert(item, pipeline, 20)
    refused("create topic", f"{pipeline.name}.walgate.progress")
    for topic in ("walgate.progress", "walgate.schemas", "transaction"):
        kafka.allow("mirror", ["Create", "Describe", "DescribeConfigs", "Read", "Write"], topic=f"{pipeline.name}.{topic}")
    refused("ransactional", f"{pipeline.name}.walgate")
    kafka.allow("mirror", ["Write", "Describe"], transactional_id=f"{pipeline.name}.walgate")
    refused(f"{pipeline.name}.public.item")
    kafka.allow("mirror", ["Create", "Describe", "DescribeConfigs"], topic=f"{pipeline.name}.public*")
    refused(f"{pipeline.name}.public.item")
    kafka.allow("mirror", ["Write"], topic=f"{pipeline.name}.public*")
    wait_mirrored(pipeline)
    wait_in_step(pipeline)
    assert keys(kafka, pipeline) == [*range(5), 100, *range(10, 15), *range(20, 25)]


# Values without a form

def test_a_value_without_a_form_stops_the_mirror_until_it_is_mended(item, kafka):
    item.both("CREATE TABLE price (id int PRIMARY KEY, amount numeric)")
    pipeline = mirrored(item, kafka).start()
    item.source.execute("INSERT INTO price VALUES (1, 'NaN')")
    item.source.execute("INSERT INTO price VALUES (2, 2)")
    insert(item, pipeline, 0)
    error = wait_mirror_error(pipeline, "value_not_mirrored")
    assert error["relation"] == "public.price" and "mirror republish" in error["remedy"]
    item.assert_same("price")
    item.source.execute("UPDATE price SET amount = 1")
    assert pipeline.command("mirror", "republish", "--table", "public.price").code == 0
    wait_mirrored(pipeline)
    wait_in_step(pipeline)
    assert view(sent(kafka, f"{pipeline.name}.public.price")).keys() == {'{"id": 1}', '{"id": 2}'}
    assert keys(kafka, pipeline) == list(range(5))


def test_a_transaction_that_the_mirror_alone_stands_at_is_left_out(item, kafka):
    item.both("CREATE TABLE price (id int PRIMARY KEY, amount numeric)")
    pipeline = mirrored(item, kafka).start()
    item.source.execute("INSERT INTO price VALUES (1, 1)")
    for first, stop in ((10, False), (20, True)):
        item.source.execute(f"INSERT INTO item VALUES ({first}, 'left out, too'); INSERT INTO price VALUES ({first}, 'NaN')")
        insert(item, pipeline, first + 1)
        error = wait_mirror_error(pipeline, "value_not_mirrored")
        assert "walgate skip --lsn" in error["remedy"]
        for lsn_of_others in ("0/1", pipeline.status()["applied_lsn"]):
            refusal = pipeline.command("skip", "--lsn", lsn_of_others, "--json")
            assert refusal.code == 2 and refusal.json["error"]["name"] == "skip_refused", refusal
        if stop:
            pipeline.stop()
        assert pipeline.command("skip", "--lsn", error["lsn"]).code == 0
        if stop:
            pipeline.start()
        wait_mirrored(pipeline)
        assert 'changes="public.item 1, public.price 1"' in pipeline.log() and pipeline.status()["counters"]["transactions_skipped"] == 0
        assert pipeline.command("skip", "--lsn", error["lsn"]).code == 2, "it does not stand there any more"
    wait_in_step(pipeline)
    item.assert_same("item", "price")
    assert keys(kafka, pipeline) == [*range(11, 16), *range(21, 26)]
    assert view(sent(kafka, f"{pipeline.name}.public.price")).keys() == {'{"id": 1}'}


def test_a_copied_row_without_a_form_is_no_transaction_to_be_left_out(item, kafka):
    item.both("CREATE TABLE price (id int PRIMARY KEY, amount numeric)")
    item.source.execute("INSERT INTO price VALUES (1, 'NaN')")
    pipeline = mirrored(item, kafka, {"copy": True}, copy=True).start()
    error = wait_mirror_error(pipeline, "value_not_mirrored")
    assert error["relation"] == "public.price" and error["lsn"] is None
    item.source.execute("UPDATE price SET amount = 1")
    assert pipeline.command("mirror", "republish", "--table", "public.price").code == 0
    wait_mirrored(pipeline)


def test_sigterm_ends_a_mirror_that_stands_and_asks_a_dead_source(item, kafka, make_proxy):
    to_source = make_proxy(item.source.server)
    pipeline = mirrored(item, kafka, {"properties": {"message.max.bytes": "2000"}})
    pipeline.write_config(source={"conninfo": to_source.conninfo(item.source)})
    pipeline.start()
    item.source.execute("INSERT INTO item VALUES (10, repeat('x', 5000))")
    wait_mirror_error(pipeline, "record_too_large")
    wait_until(lambda: mirror_slot(pipeline), 30, "the mirror has let go")
    asked = threading.Event()

    def die_when_asked(kind, body):
        if b"FROM pg_catalog.pg_replication_slots" in body:
            to_source.pause()
            asked.set()
        return body
    to_source.rewrite_client = die_when_asked
    assert asked.wait(30)
    assert pipeline.stop(20) == 0, pipeline.log_tail()


# Records that are too large

def test_a_record_that_is_too_large_stops_the_mirror_alone(item, kafka):
    pipeline = mirrored(item, kafka, {"properties": {"message.max.bytes": "2000"}}).start()
    insert(item, pipeline, 0)
    wait_mirrored(pipeline)
    item.source.execute("INSERT INTO item VALUES (10, repeat('x', 5000))")
    insert(item, pipeline, 20)
    error = wait_mirror_error(pipeline, "record_too_large")
    assert f"{pipeline.name}.public.item" in error["message"] and lsn(error["lsn"]) > 0
    assert "xxx" not in pipeline.log()
    assert_slot_follows(item, pipeline, 30)
    assert keys(kafka, pipeline) == list(range(5))
    # Once it fits, everything follows.
    pipeline.stop()
    pipeline.write_config(kafka={"properties": {"message.max.bytes": "100000"}})
    pipeline.start()
    wait_mirrored(pipeline)
    assert keys(kafka, pipeline) == [*range(5), 10, *range(20, 25), 30]


def test_a_pointer_stands_for_a_record_that_is_too_large(item, kafka):
    pipeline = mirrored(item, kafka, {"properties": {"message.max.bytes": "2000"}, "oversize": "pointer"}).start()
    insert(item, pipeline, 0, 1)
    item.source.execute("INSERT INTO item VALUES (10, repeat('x', 5000))")
    insert(item, pipeline, 20, 1)
    wait_mirrored(pipeline)
    first, large, last = sent(kafka, f"{pipeline.name}.public.item")
    assert (first.key, large.key, last.key) == ({"id": 0}, {"id": 10}, {"id": 20})
    pointer = large.value["walgate_pointer"]
    assert lsn(pointer["lsn"]) == large.position[0] and pointer["position"] == 1 and pointer["bytes"] > 5000
    assert large.headers["walgate.pointer"] == str(pointer["bytes"])


@pytest.mark.parametrize("exactly_once", [True, False])
@pytest.mark.parametrize("oversize", ["stop", "pointer"])
def test_a_topic_that_takes_less_than_the_mirror_sends(item, kafka, oversize, exactly_once):
    topic = f"{item.source.name}.public.item"
    kafka.create_topic(topic, cleanup_policy="compact", max_message_bytes="3000", min_insync_replicas="1")
    pipeline = mirrored(item, kafka, {"properties": {"compression.codec": "none"}, "oversize": oversize,
                                      "exactly_once": exactly_once}).start()
    # Many small ones are more than the topic takes at once, and no record is.
    insert(item, pipeline, 0, 1000)
    wait_mirrored(pipeline)
    # Behind it in its transaction comes so much that the broker refuses it while we still send.
    item.source.execute("INSERT INTO item SELECT id, CASE id WHEN 2000 THEN repeat('x', 5000) END FROM generate_series(2000, 2000 + 9999) id")
    insert(item, pipeline, 20000, 1)
    if oversize == "stop":
        error = wait_mirror_error(pipeline, "record_too_large")
        assert topic in error["message"] and lsn(error["lsn"]) > 0
        wanted = list(range(1000))
    else:
        wait_mirrored(pipeline)
        wanted = [*range(1000), *range(2000, 12000), 20000]
    found = keys(kafka, pipeline)
    assert found == wanted if exactly_once else list(dict.fromkeys(found))[:len(wanted)] == wanted


@pytest.mark.parametrize("oversize", ["stop", "pointer"])
def test_the_record_that_the_topic_refuses_is_the_one_that_is_named(item, kafka, oversize):
    topic = f"{item.source.name}.public.item"
    kafka.create_topic(topic, cleanup_policy="compact", max_message_bytes="3000", min_insync_replicas="1")
    pipeline = mirrored(item, kafka, {"properties": {"compression.codec": "none"}, "oversize": oversize}).start()
    insert(item, pipeline, 0, 1)
    wait_mirrored(pipeline)
    pipeline.stop()
    # One transaction of Kafka's takes them all, and the refusal comes while later ones are sent.
    with item.source.connect() as session:
        session.execute("INSERT INTO item VALUES (2000, repeat('x', 5000))")
        xid = int(session.execute("SELECT xmin::text FROM item WHERE id = 2000").fetchone()[0])
        for row in range(3000, 3100):
            session.execute("INSERT INTO item SELECT id, 'small' FROM generate_series(%s, %s) id", (row * 100, row * 100 + 99))
    pipeline.start()
    if oversize == "stop":
        assert wait_mirror_error(pipeline, "record_too_large")["xid"] == xid
        assert keys(kafka, pipeline) == [0]
    else:
        wait_mirrored(pipeline)
        pointers = [record for record in sent(kafka, topic) if "walgate.pointer" in record.headers]
        assert [record.key["id"] for record in pointers] == [2000]
        assert keys(kafka, pipeline) == [0, 2000, *range(300000, 310000)]


# A position that is not where it was

def test_a_progress_topic_that_was_deleted_stops_the_mirror(item, kafka):
    pipeline = mirrored(item, kafka).start()
    insert(item, pipeline, 0)
    wait_mirrored(pipeline)
    pipeline.stop()
    kafka.delete_topic(f"{pipeline.name}.walgate.progress")
    for row in (10, 20):
        pipeline.start()
        insert(item, pipeline, row)
        error = wait_mirror_error(pipeline, "mirror_progress_lost")
        assert f"{pipeline.name}.walgate.progress" in error["message"]
        assert_slot_follows(item, pipeline, row + 8)
        assert pipeline.stop() == 0
    assert keys(kafka, pipeline) == list(range(5))


def test_a_progress_topic_that_is_deleted_while_it_is_used(item, kafka):
    pipeline = mirrored(item, kafka).start()
    insert(item, pipeline, 0)
    wait_mirrored(pipeline)
    kafka.delete_topic(f"{pipeline.name}.walgate.progress")
    insert(item, pipeline, 10)
    wait_mirror_error(pipeline, "mirror_progress_lost", seconds=120)
    insert(item, pipeline, 20)
    assert keys(kafka, pipeline) == list(range(5))


def test_another_cluster_gets_nothing(item, kafka, mortal_kafka):
    pipeline = mirrored(item, kafka).start()
    insert(item, pipeline, 0)
    wait_mirrored(pipeline)
    pipeline.stop()
    before = set(mortal_kafka.admin().list_topics(timeout=10).topics)
    pipeline.write_config(kafka={"properties": mortal_kafka.client_config()})
    pipeline.start()
    insert(item, pipeline, 10)
    error = wait_mirror_error(pipeline, "mirror_progress_lost")
    assert kafka.id in error["message"] and mortal_kafka.id in error["message"]
    assert set(mortal_kafka.admin().list_topics(timeout=10).topics) == before
    pipeline.stop()
    # Back at the right one everything follows.
    pipeline.write_config(kafka={"properties": kafka.client_config()})
    pipeline.start()
    wait_mirrored(pipeline)
    assert keys(kafka, pipeline) == [*range(5), *range(10, 15)]


def test_a_copy_of_the_slot_that_is_gone_leaves_a_gap_that_is_named(item, mortal_kafka):
    pipeline = mirrored(item, mortal_kafka).start()
    insert(item, pipeline, 0)
    wait_mirrored(pipeline)
    pipeline.stop()
    mortal_kafka.nodes[0].kill9()
    pipeline.start()
    insert(item, pipeline, 10)
    wait_mirror_state(pipeline, "retrying")
    assert_slot_follows(item, pipeline, 20)
    item.source.value("SELECT pg_drop_replication_slot(%s)", f"{pipeline.slot}_mirror")
    mortal_kafka.start()
    error = wait_mirror_error(pipeline, "mirror_gap")
    assert f"{pipeline.slot}_mirror" in error["message"] and error["detail"]
    insert(item, pipeline, 30)
    assert keys(mortal_kafka, pipeline) == list(range(5))
    pipeline.stop()
    pipeline.start()
    wait_mirror_error(pipeline, "mirror_gap")
    assert keys(mortal_kafka, pipeline) == list(range(5))
