"""The mirror beside the target: what arrives in Kafka, once and in order."""
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
