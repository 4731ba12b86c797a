"""The mirror beside the target: what arrives in Kafka, once and in order."""
from clients import read_all
from harness import Hold, wait_until
from harness.pipeline import lsn
from mirroring import assert_stays, mirrored, sent, view, wait_mirror_error, wait_mirror_state, wait_mirrored


def keys(kafka, pipeline, table: str = "item", isolation: str = "read_committed") -> list[int]:
    return [r.key["id"] for r in sent(kafka, f"{pipeline.name}.public.{table}", isolation=isolation)]


def test_changes_arrive_in_order_with_their_place(pair, kafka):
    pair.both("CREATE TABLE item (id int PRIMARY KEY, name text)")
    pipeline = mirrored(pair, kafka).start()
    pair.source.execute("INSERT INTO item VALUES (1, 'bolt'), (2, 'nut')")
    pair.source.execute("UPDATE item SET name = 'screw' WHERE id = 1")
    pair.source.execute("UPDATE item SET id = 3 WHERE id = 2")
    pair.source.execute("DELETE FROM item WHERE id = 1")
    wait_mirrored(pipeline)
    pair.assert_same("item")
    records = sent(kafka, f"{pipeline.name}.public.item")
    assert [(r.key, r.op, r.headers["walgate.position"]) for r in records] == [
        ({"id": 1}, "c", "1"), ({"id": 2}, "c", "2"), ({"id": 1}, "u", "1"),
        ({"id": 2}, "d", "1"), ({"id": 2}, None, "1"), ({"id": 3}, "c", "2"),
        ({"id": 1}, "d", "1"), ({"id": 1}, None, "1")]
    assert [r.position for r in records] == sorted(r.position for r in records)
    assert view(records) == {'{"id": 3}': {"id": 3, "name": "nut"}}
    ends = [r.value for r in sent(kafka, f"{pipeline.name}.transaction") if r.value.get("status") == "END"]
    assert [end["event_count"] for end in ends] == [2, 1, 2, 1]
    assert pipeline.status()["mirror"]["state"] == "streaming"


def test_a_restart_goes_on_where_the_topics_end(pair, kafka):
    pair.both("CREATE TABLE item (id int PRIMARY KEY)")
    pipeline = mirrored(pair, kafka).start()
    for first in range(0, 50, 10):
        pair.source.execute(f"INSERT INTO item SELECT generate_series({first}, {first + 9})")
        if first == 20:
            wait_mirrored(pipeline)
        pipeline.kill9()
        pipeline.start()
    wait_mirrored(pipeline)
    assert [r.key["id"] for r in sent(kafka, f"{pipeline.name}.public.item")] == list(range(50))


def test_a_position_that_is_refused_takes_its_records_with_it(pair, kafka):
    pair.both("CREATE TABLE item (id int PRIMARY KEY)")
    pipeline = mirrored(pair, kafka).start()
    pair.source.execute("INSERT INTO item VALUES (1)")
    wait_mirrored(pipeline)
    kafka.refuse_writes(f"{pipeline.name}.walgate.progress")
    pair.source.execute("INSERT INTO item VALUES (2)")
    error = wait_mirror_error(pipeline, "record_too_large")
    assert "walgate.progress" in error["message"]
    assert keys(kafka, pipeline) == [1]
    kafka.take_writes(f"{pipeline.name}.walgate.progress")
    pipeline.stop()
    pipeline.start()
    wait_mirrored(pipeline)
    assert keys(kafka, pipeline) == [1, 2]


def test_what_a_crash_of_the_target_forgets_is_not_sent_again(own_pair, kafka):
    # Commits that do not wait for the disk stay in memory for seconds here.
    own_pair.target.server.configure(wal_writer_delay="10s", wal_writer_flush_after="1GB")
    own_pair.both("CREATE TABLE item (id int PRIMARY KEY)")
    pipeline = mirrored(own_pair, kafka).start()
    wait_mirror_state(pipeline, "streaming")
    sent_rows = 0

    def forgotten():
        nonlocal sent_rows
        own_pair.source.execute(f"INSERT INTO item VALUES ({sent_rows})")
        sent_rows += 1
        wait_mirrored(pipeline)
        pipeline.kill9()
        own_pair.target.server.kill9()
        own_pair.target.server.start()
        if own_pair.target.value("SELECT count(*) FROM item") < sent_rows:
            return True
        pipeline.start()
        return False
    wait_until(forgotten, 60, "the target forgets a row")
    pipeline.start()
    pipeline.wait_caught_up()
    own_pair.source.execute(f"INSERT INTO item VALUES ({sent_rows})")
    wait_mirrored(pipeline)
    own_pair.assert_same("item")
    assert keys(kafka, pipeline) == list(range(sent_rows + 1))


def test_a_full_queue_lets_go_and_joins_again(pair, kafka):
    pair.both("CREATE TABLE item (id int PRIMARY KEY, filler text)")
    pipeline = mirrored(pair, kafka, {"queue_bytes": "64kB"}).start()
    wait_mirror_state(pipeline, "streaming")
    for first in range(0, 20000, 1000):
        pair.source.execute(f"INSERT INTO item SELECT id, repeat('x', 200) FROM generate_series({first}, {first + 999}) id")
    wait_mirrored(pipeline)
    assert pipeline.events("mirror_behind"), pipeline.log_tail()
    wait_mirror_state(pipeline, "streaming")
    pair.source.execute("INSERT INTO item VALUES (20000)")
    wait_mirrored(pipeline)
    assert [r.key["id"] for r in sent(kafka, f"{pipeline.name}.public.item")] == list(range(20001))


def test_a_large_update_behind_a_small_transaction_stays_one(pair, kafka):
    pair.both("CREATE TABLE item (id int PRIMARY KEY, n int); INSERT INTO item SELECT i, 0 FROM generate_series(1, 20000) i; "
              "CREATE TABLE before (id int PRIMARY KEY)")
    pipeline = mirrored(pair, kafka, {"copy": False}, config={"limits": {"batch_rows": 1000}}).start()
    wait_mirror_state(pipeline, "streaming")
    hold = Hold(pair.target, "before")  # both wait behind it, so that they come together
    pair.source.execute("INSERT INTO before VALUES (1)")
    hold.wait_reached()
    pair.source.execute("UPDATE item SET n = 2 WHERE id = 2")
    pair.source.execute("UPDATE item SET n = n + 3")
    hold.release()
    wait_mirrored(pipeline)
    pair.assert_same("item")
    records = sent(kafka, f"{pipeline.name}.public.item")
    assert [r.position for r in records] == sorted(r.position for r in records)
    assert len(records) == 20001 and len({r.headers["walgate.lsn"] for r in records}) == 2


def test_a_large_transaction_does_not_overtake_a_commit_under_way(pair, kafka):
    pair.both("CREATE TABLE item (id int PRIMARY KEY, n int); INSERT INTO item SELECT i, 0 FROM generate_series(1, 20000) i; "
              "CREATE TABLE first (id int PRIMARY KEY); CREATE TABLE small (id int PRIMARY KEY)")
    pipeline = mirrored(pair, kafka, config={"limits": {"batch_rows": 1000}}).start()
    wait_mirror_state(pipeline, "streaming")
    pair.source.execute("UPDATE item SET n = 1 WHERE id = 1")
    wait_mirrored(pipeline)
    hold, commit = Hold(pair.target, "first"), Hold(pair.target, "small", at_commit=True)
    pair.source.execute("INSERT INTO first VALUES (1)")  # the others wait behind it, so that they come together
    hold.wait_reached()
    pair.source.execute("INSERT INTO small VALUES (1)")
    pair.source.execute("UPDATE item SET n = 2")
    position = lsn(pair.source.value("SELECT pg_current_wal_insert_lsn()::text"))
    wait_until(lambda: lsn(pipeline.status()["received_lsn"]) >= position, 30, pipeline.log_tail)
    hold.release()
    wait_until(lambda: pair.target.value("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                                         " AND wait_event = 'PgSleep' AND query = 'COMMIT'"), 30, "the COMMIT waits")
    assert_stays([1], lambda: keys(kafka, pipeline, isolation="read_uncommitted"))
    commit.release()
    wait_mirrored(pipeline)
    assert len(keys(kafka, pipeline)) == 20001 and keys(kafka, pipeline, "small") == [1]
    ends = [r.value["event_count"] for r in sent(kafka, f"{pipeline.name}.transaction") if r.value.get("status") == "END"]
    assert ends == [1, 1, 1, 20000]


def test_a_large_transaction_is_seen_whole_or_not_at_all(pair, kafka):
    pair.both("CREATE TABLE item (id int PRIMARY KEY)")
    pipeline = mirrored(pair, kafka, {"transaction_rows": 1000}, {"limits": {"batch_rows": 1000}}).start()
    wait_mirror_state(pipeline, "streaming")
    hold = Hold(pair.target, "item", when="NEW.id = 20000")
    pair.source.execute("INSERT INTO item SELECT generate_series(1, 20000)")
    hold.wait_reached()
    topic = f"{pipeline.name}.public.item"
    wait_until(lambda: len(read_all(kafka.internal_config(), topic, isolation="read_uncommitted")) > 10000, 30, "parts are sent")
    assert keys(kafka, pipeline) == []
    hold.release()
    wait_mirrored(pipeline)
    assert keys(kafka, pipeline) == list(range(1, 20001))


def test_a_stream_that_is_cut_in_a_large_transaction_is_read_again(pair, kafka):
    pair.both("CREATE TABLE item (id int PRIMARY KEY, filler text)")
    pipeline = mirrored(pair, kafka, {"copy": False, "queue_bytes": "64kB"}).start()
    wait_mirror_state(pipeline, "streaming")
    slot = f"{pipeline.slot}_mirror"
    pair.source.execute("INSERT INTO item SELECT id, repeat('x', 400) FROM generate_series(1, 100000) id")
    for _ in range(5):
        wait_until(lambda: pair.source.value("SELECT count(*) FROM pg_replication_slots WHERE slot_name = %s AND active", slot)
                   or mirror_is("streaming", pipeline), 60, "the mirror reads")
        pair.source.execute(f"SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = '{slot}' AND active")
    wait_mirrored(pipeline)
    assert [r.key["id"] for r in sent(kafka, f"{pipeline.name}.public.item")] == list(range(1, 100001))


def mirror_is(state: str, pipeline) -> bool:
    return pipeline.status()["mirror"]["state"] == state
