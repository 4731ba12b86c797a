"""The mirror beside the target: what arrives in Kafka, once and in order."""
from harness import Hold, wait_until
from mirroring import mirrored, sent, view, wait_mirror_state, wait_mirrored


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
    ends = [r.value for r in sent(kafka, f"{pipeline.name}.transaction") if r.value["status"] == "END"]
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
