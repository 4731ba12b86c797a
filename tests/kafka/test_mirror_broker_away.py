"""The broker is down, away or hangs: the target goes on, the source is relieved, and Kafka gets everything later, in order."""
import json
import time

from confluent_kafka import Producer

from clients import read_all
from harness.pipeline import lsn
from harness.waiting import wait_until
from mirroring import (mirror_slot, mirrored, sent, view, wait_in_step, wait_mirror_error, wait_mirror_state, wait_mirrored)


def write(pair, first: int) -> None:
    """Twenty transactions of all kinds, over keys from `first` on."""
    with pair.source.connect() as session:
        for key in range(first, first + 10):
            session.execute("INSERT INTO item VALUES (%s, 'new'), (%s, 'other')", (key, key + 500_000))
            session.execute("UPDATE item SET name = 'changed' WHERE id = %s", (key,))
        session.execute("DELETE FROM item WHERE id = %s", (first,))
        session.execute("UPDATE item SET id = id + 1000000 WHERE id = %s", (first + 1,))


def assert_complete(pair, kafka, pipeline) -> None:
    """The topic holds what the table went through, each change once and in order."""
    records = sent(kafka, f"{pipeline.name}.public.item")
    changes = [record.position for record in records if record.value is not None]
    assert changes == sorted(set(changes))
    rows = {f'{{"id": {number}}}': {"id": number, "name": name} for number, name in pair.source.rows("SELECT id, name FROM item")}
    assert view(records) == rows
    ends = [record.value["event_count"] for record in sent(kafka, f"{pipeline.name}.transaction") if record.value.get("status") == "END"]
    assert sum(ends) == len(changes)


def wait_slot_follows(pair, pipeline, seconds: float = 60) -> None:
    """Waits until the slot has been told that everything of now may be forgotten."""
    position = pair.source.value("SELECT pg_current_wal_insert_lsn()::text")
    pair.source.execute("INSERT INTO item VALUES ((SELECT max(id) FROM item) + 1, 'later')")
    wait_until(lambda: lsn(pipeline.slot_row()["confirmed_flush_lsn"]) >= lsn(position), seconds,
               lambda: f"the slot passes {position}: {pipeline.slot_row()} {pipeline.status()}\n{pipeline.log_tail()}")


def test_the_target_goes_on_while_the_broker_is_down(pair, mortal_kafka):
    pair.both("CREATE TABLE item (id int PRIMARY KEY, name text)")
    pipeline = mirrored(pair, mortal_kafka).start()
    write(pair, 0)
    wait_mirrored(pipeline)
    assert not mirror_slot(pipeline)

    mortal_kafka.nodes[0].kill9()
    write(pair, 100)
    pipeline.wait_caught_up()
    pair.assert_same("item")
    error = wait_mirror_error(pipeline, "kafka_unavailable", "retrying")
    assert error["message"] and "brokers" in error["remedy"]
    assert pipeline.status()["state"] == "streaming" and not pipeline.status()["error"]

    # The slot follows the target alone; its copy keeps the WAL.
    wait_slot_follows(pair, pipeline)
    assert lsn(mirror_slot(pipeline)["confirmed_flush_lsn"]) < lsn(pipeline.slot_row()["confirmed_flush_lsn"])
    write(pair, 200)
    pipeline.wait_caught_up()

    mortal_kafka.start()
    wait_mirrored(pipeline)
    wait_in_step(pipeline)
    write(pair, 300)
    wait_mirrored(pipeline)
    assert_complete(pair, mortal_kafka, pipeline)


def test_catching_up_is_done_in_steps(pair, mortal_kafka):
    """What a mirror does on its course is committed as it goes, however little of the WAL is for it."""
    pair.both("CREATE TABLE item (id int PRIMARY KEY, name text)")
    pipeline = mirrored(pair, mortal_kafka, {"catch_up_time": "8s"}).start()
    wait_mirrored(pipeline)
    mortal_kafka.nodes[0].kill9()
    for key in range(40):
        pair.source.execute("INSERT INTO item VALUES (%s, 'new')", key)
        pair.source.execute("SELECT pg_switch_wal()")  # 16 MB further
    wait_mirror_error(pipeline, "kafka_unavailable", "retrying")
    mortal_kafka.start()
    positions = set()

    def in_step() -> bool:
        mirror = pipeline.status()["mirror"]
        positions.add(mirror["position"])
        return mirror["state"] == "streaming"
    wait_until(in_step, 60, pipeline.log_tail, every=0.05)
    wait_mirrored(pipeline)
    assert len(positions) > 10, positions
    assert_complete(pair, mortal_kafka, pipeline)


def test_the_service_is_restarted_while_the_broker_is_down(pair, mortal_kafka):
    pair.both("CREATE TABLE item (id int PRIMARY KEY, name text)")
    pipeline = mirrored(pair, mortal_kafka).start()
    write(pair, 0)
    wait_mirrored(pipeline)
    mortal_kafka.nodes[0].kill9()
    for number, end in enumerate((pipeline.stop, pipeline.kill9, pipeline.stop)):
        write(pair, 100 * number + 100)
        pipeline.wait_caught_up()
        end()
        write(pair, 100 * number + 150)
        pipeline.start()
    pipeline.wait_caught_up()
    pair.assert_same("item")
    wait_mirror_error(pipeline, "kafka_unavailable", "retrying")
    wait_slot_follows(pair, pipeline)
    mortal_kafka.start()
    wait_mirrored(pipeline)
    wait_in_step(pipeline)
    assert_complete(pair, mortal_kafka, pipeline)


def test_the_position_of_a_commit_that_cannot_be_seen_yet_is_waited_for(pair, mortal_kafka):
    # A commit is answered before its end is in the topics.  Another producer stands for the mirror of before: what it
    # says is in Kafka is not sent again.  Its end has no room in the topic, and only a broker that starts tries again.
    pair.both("CREATE TABLE item (id int PRIMARY KEY)")
    pipeline = mirrored(pair, mortal_kafka, {"properties": {"reconnect.backoff.max.ms": "200"}}).start()
    pair.source.execute("INSERT INTO item VALUES (1)")
    wait_mirrored(pipeline)
    pipeline.stop()
    pair.source.execute("INSERT INTO item VALUES (2)")
    topic = f"{pipeline.name}.walgate.progress"
    last = [r for r in read_all(mortal_kafka.internal_config(), topic) if json.loads(r.key()) == {"pipeline": pipeline.name}][-1]
    position = json.loads(last.value()) | {"lsn": pair.source.value("SELECT pg_current_wal_insert_lsn()::text")}
    before = Producer(mortal_kafka.internal_config() | {"transactional.id": f"{pipeline.name}.walgate"})
    before.init_transactions(30)
    before.begin_transaction()
    before.produce(topic, key=last.key(), value=json.dumps(position))
    before.flush(30)
    mortal_kafka.alter_topic(topic, max_message_bytes=1)
    before.commit_transaction(30)
    pipeline.start()
    time.sleep(1)  # for a mirror that reads too early to have done so
    mortal_kafka.take_writes(topic)
    mortal_kafka.nodes[0].kill9()
    mortal_kafka.start()
    pair.source.execute("INSERT INTO item VALUES (3)")
    wait_mirrored(pipeline)
    assert [r.key["id"] for r in sent(mortal_kafka, f"{pipeline.name}.public.item")] == [1, 3]


def test_the_first_start_finds_no_broker(pair, mortal_kafka):
    mortal_kafka.nodes[0].kill9()
    pair.both("CREATE TABLE item (id int PRIMARY KEY, name text)")
    pipeline = mirrored(pair, mortal_kafka).start()
    write(pair, 0)
    pipeline.wait_caught_up()
    pair.assert_same("item")
    wait_mirror_error(pipeline, "kafka_unavailable", "retrying")
    pipeline.stop()
    write(pair, 100)
    pipeline.start()
    mortal_kafka.start()
    wait_mirrored(pipeline)
    wait_in_step(pipeline)
    assert_complete(pair, mortal_kafka, pipeline)


def test_a_broker_that_hangs_for_a_while_delays_and_breaks_nothing(pair, mortal_kafka):
    # The commit that is under way is resumed, or a new producer finds out what became of it.
    pair.both("CREATE TABLE item (id int PRIMARY KEY, name text)")
    pipeline = mirrored(pair, mortal_kafka).start()
    for number in range(3):
        write(pair, 1000 * number)
        mortal_kafka.nodes[0].freeze()
        write(pair, 1000 * number + 500)
        pipeline.wait_caught_up()
        mortal_kafka.nodes[0].thaw()
        wait_mirrored(pipeline)
    pair.assert_same("item")
    assert_complete(pair, mortal_kafka, pipeline)


def test_a_full_queue_holds_nobody_up_while_the_broker_hangs(pair, mortal_kafka):
    pair.both("CREATE TABLE item (id int PRIMARY KEY, name text)")
    pipeline = mirrored(pair, mortal_kafka, {"queue_bytes": "64kB"}).start()
    write(pair, 0)
    wait_mirrored(pipeline)
    mortal_kafka.nodes[0].freeze()
    with pair.source.connect() as session:
        for first in range(1000, 6000, 500):
            session.execute(f"INSERT INTO item SELECT id, repeat('x', 200) FROM generate_series({first}, {first + 499}) id")
    pipeline.wait_caught_up(9)  # sooner than the mirror gives up
    mortal_kafka.nodes[0].thaw()
    wait_mirrored(pipeline)
    wait_in_step(pipeline)
    pair.assert_same("item")
    assert_complete(pair, mortal_kafka, pipeline)


def test_sigterm_ends_the_service_in_time_while_the_broker_hangs(pair, mortal_kafka):
    pair.both("CREATE TABLE item (id int PRIMARY KEY, name text)")
    pipeline = mirrored(pair, mortal_kafka).start()
    write(pair, 0)
    wait_mirrored(pipeline)
    # With a commit under way; then while it starts and waits for the first answers; then after it has given up.
    for number, state in enumerate((None, "starting", "retrying")):
        mortal_kafka.nodes[0].freeze()
        write(pair, 100 * number + 100)
        if state == "starting":
            pipeline.start()
        elif state == "retrying":
            pipeline.start()
            wait_mirror_state(pipeline, "retrying")
        pipeline.wait_caught_up()
        assert pipeline.stop(10) == 0
    mortal_kafka.nodes[0].thaw()
    pipeline.start()
    wait_mirrored(pipeline)
    wait_in_step(pipeline)
    assert_complete(pair, mortal_kafka, pipeline)


def test_a_stop_sends_what_the_target_has(pair, mortal_kafka):
    # Nothing is left behind when there is no reason for it: the next start finds both in step.
    pair.both("CREATE TABLE item (id int PRIMARY KEY, name text)")
    pipeline = mirrored(pair, mortal_kafka).start()
    wait_mirror_state(pipeline, "streaming")
    write(pair, 0)
    pipeline.wait_caught_up()
    assert pipeline.stop() == 0
    assert_complete(pair, mortal_kafka, pipeline)
