"""Rows that were there before the mirror: sent once, before the changes of their table."""
import json

from harness import Load
from harness.waiting import wait_until
from mirroring import mirrored, sent, view, wait_mirror_state, wait_mirrored


def table_view(database, table: str) -> dict:
    """The rows of a table with the key id as the compacted view of its topic shows them."""
    rows = database.rows(f"SELECT id, row_to_json(t)::text FROM {table} t")
    return {json.dumps({"id": id}): json.loads(row) for id, row in rows}


def test_rows_come_before_changes(pair, kafka):
    pair.both("CREATE TABLE item (id int PRIMARY KEY, name text)")
    pair.source.execute("INSERT INTO item SELECT id, 'old' FROM generate_series(1, 100) id")
    pipeline = mirrored(pair, kafka, copy=True).start()
    wait_mirrored(pipeline)
    pair.source.execute("UPDATE item SET name = 'new' WHERE id = 1")
    wait_mirrored(pipeline)
    records = sent(kafka, f"{pipeline.name}.public.item")
    assert [r.op for r in records] == ["r"] * 100 + ["u"]
    assert {r.value["source"]["snapshot"] for r in records[:100]} == {"true"}
    assert {r.value["transaction"] and "block" for r in records[:100]} == {None}
    assert sorted(int(r.headers["walgate.position"]) for r in records[:100]) == list(range(1, 101))
    assert view(records) == table_view(pair.source, "item")
    pair.assert_same("item")
    wait_mirror_state(pipeline, "streaming")
    before = len(records)
    pipeline.stop()
    pipeline.start()
    wait_mirrored(pipeline)
    assert len(sent(kafka, f"{pipeline.name}.public.item")) == before, "a table is copied once"


def test_without_copy_there_are_changes_alone(pair, kafka):
    pair.both("CREATE TABLE item (id int PRIMARY KEY)")
    pair.source.execute("INSERT INTO item VALUES (1)")
    pipeline = mirrored(pair, kafka, {"copy": False}, copy=True).start()
    pair.source.execute("INSERT INTO item VALUES (2)")
    wait_mirrored(pipeline)
    assert [(r.key["id"], r.op) for r in sent(kafka, f"{pipeline.name}.public.item")] == [(2, "c")]


def test_only_published_rows_and_columns_are_sent(pair, kafka):
    pair.both("CREATE TABLE item (id int PRIMARY KEY, name text, secret text)")
    pair.source.execute("INSERT INTO item SELECT id, 'n', 's' FROM generate_series(1, 10) id")
    pipeline = mirrored(pair, kafka, copy=True, publish="TABLE item (id, name) WHERE (id > 7)").start()
    wait_mirrored(pipeline)
    records = sent(kafka, f"{pipeline.name}.public.item")
    assert view(records) == {json.dumps({"id": id}): {"id": id, "name": "n"} for id in (8, 9, 10)}


def test_partitions_are_sent_under_the_name_that_publishes_them(pair, kafka):
    for sql in ("CREATE TABLE item (id int PRIMARY KEY) PARTITION BY RANGE (id)",
                "CREATE TABLE low PARTITION OF item FOR VALUES FROM (0) TO (50)",
                "CREATE TABLE high PARTITION OF item FOR VALUES FROM (50) TO (100)"):
        pair.both(sql)
    pair.source.execute("INSERT INTO item SELECT generate_series(1, 99)")
    pipeline = mirrored(pair, kafka, copy=True, publish="TABLE item WITH (publish_via_partition_root = true)").start()
    pair.source.execute("DELETE FROM item WHERE id IN (1, 99)")
    wait_mirrored(pipeline)
    assert view(sent(kafka, f"{pipeline.name}.public.item")) == table_view(pair.source, "item")


def churn(session, rng, number):
    """One transaction of a writer that never stops: all kinds of changes to the keys 1 to 3000."""
    for _ in range(rng.randint(1, 5)):
        id = rng.randint(1, 3000)
        match rng.randint(0, 3):
            case 0: session.execute("DELETE FROM item WHERE id = %s", (id,))
            case 1: session.execute("UPDATE item SET number = %s WHERE id = %s", (number, id))
            case 2: session.execute("INSERT INTO item VALUES (%s, %s) ON CONFLICT DO NOTHING", (id, number))
            case 3: session.execute("INSERT INTO item VALUES (%s, %s) ON CONFLICT (id) DO UPDATE SET number = excluded.number",
                                    (id, number))


def prepared(pair):
    pair.both("CREATE TABLE item (id int PRIMARY KEY, number int, filler text DEFAULT repeat('x', 300))")
    pair.source.execute("INSERT INTO item SELECT id, 0 FROM generate_series(1, 3000) id")


def test_a_writer_that_never_stops_loses_nothing(pair, kafka):
    prepared(pair)
    with Load(pair.source, churn, sessions=3) as load:
        wait_until(lambda: load.committed > 50, 30, "the load runs")
        pipeline = mirrored(pair, kafka, {"transaction_rows": 500}, copy=True).start()
        wait_mirror_state(pipeline, "streaming", seconds=90)
        wait_until(lambda: load.committed > 1500, 60, "some more changes")
    wait_mirrored(pipeline, 90)
    records = sent(kafka, f"{pipeline.name}.public.item")
    assert view(records) == table_view(pair.source, "item")
    # No change that the snapshot saw is told once more, so each key's first changes fit its row.
    there = set()
    for record in records:
        key = record.key["id"]
        if record.op in ("r", "c"):
            assert key not in there, f"{key} comes a second time at {record.offset}"
            there.add(key)
        elif record.op == "d":
            there.remove(key)
        elif record.op == "u":
            assert key in there
    pair.assert_same("item")


def test_a_copy_that_is_killed_again_and_again_ends_right(pair, kafka):
    prepared(pair)
    with Load(pair.source, churn, sessions=2, pause=0.005):
        pipeline = mirrored(pair, kafka, {"transaction_rows": 100}, copy=True)
        killed = 0
        for _ in range(4):
            before = len(pipeline.log())
            pipeline.start(wait=False)
            pipeline.wait_event("mirror_copy_started", after=before, seconds=60)
            pipeline.kill9()
            killed += not pipeline.events("mirror_table_copied")
        assert killed, "no copy was broken off"
        pipeline.start()
        wait_mirror_state(pipeline, "streaming", seconds=90)
    wait_mirrored(pipeline, 90)
    assert view(sent(kafka, f"{pipeline.name}.public.item")) == table_view(pair.source, "item")
    pair.assert_same("item")


def test_a_table_that_joins_is_copied_before_its_changes(pair, kafka):
    pair.both("CREATE TABLE item (id int PRIMARY KEY); CREATE TABLE later (id int PRIMARY KEY, name text)")
    pair.source.execute("INSERT INTO later SELECT id, 'old' FROM generate_series(1, 20) id")
    pipeline = mirrored(pair, kafka, copy=True, publish="TABLE item").start()
    wait_mirror_state(pipeline, "streaming")
    pair.source.execute(f"ALTER PUBLICATION {pipeline.name} ADD TABLE later")
    pair.source.execute("UPDATE later SET name = 'new' WHERE id = 1")
    pair.source.execute("DELETE FROM later WHERE id = 2")
    wait_until(lambda: pipeline.events("mirror_table_copied", relation="public.later"), 60, pipeline.log_tail)
    pair.source.execute("UPDATE later SET name = 'newer' WHERE id = 3")
    wait_mirrored(pipeline)
    records = sent(kafka, f"{pipeline.name}.public.later")
    assert view(records) == table_view(pair.source, "later")
    assert [r.op for r in records[:18]] == ["r"] * 18
    # It goes and comes back: the changes in between are made up for.
    pair.source.execute(f"ALTER PUBLICATION {pipeline.name} DROP TABLE later")
    pair.source.execute("DELETE FROM later WHERE id BETWEEN 5 AND 10")
    pair.source.execute(f"ALTER PUBLICATION {pipeline.name} ADD TABLE later")
    wait_until(lambda: len(pipeline.events("mirror_table_copied", relation="public.later")) == 2, 60, pipeline.log_tail)
    wait_mirrored(pipeline)
    assert view(sent(kafka, f"{pipeline.name}.public.later")) == table_view(pair.source, "later")


def test_another_table_of_the_same_name_takes_the_place_of_the_old_one(pair, kafka):
    pair.source.execute("CREATE TABLE item (id int PRIMARY KEY)")
    pair.source.execute("INSERT INTO item VALUES (1), (2)")
    pipeline = mirrored(pair, kafka, {"copy": True}, config={"tables": [{"source": "public.*", "target": None}]}).start()
    wait_mirrored(pipeline)
    pair.source.execute("BEGIN; DROP TABLE item; CREATE TABLE item (id int PRIMARY KEY); INSERT INTO item VALUES (2), (3); COMMIT")
    pair.source.execute("INSERT INTO item VALUES (4)")
    wait_until(lambda: len(pipeline.events("mirror_table_copied")) == 2, 60, pipeline.log_tail)
    wait_mirrored(pipeline)
    assert view(sent(kafka, f"{pipeline.name}.public.item")) == table_view(pair.source, "item")


def test_a_lock_on_the_source_makes_the_mirror_wait_and_not_the_target(pair, kafka):
    pair.both("CREATE TABLE item (id int PRIMARY KEY); CREATE TABLE other (id int PRIMARY KEY)")
    pair.source.execute("INSERT INTO item VALUES (1)")
    pipeline = mirrored(pair, kafka, {"copy": True})
    blocker = pair.source.connect(autocommit=False)
    blocker.execute("LOCK TABLE item")
    pipeline.start()
    wait_mirror_state(pipeline, "copying")
    pair.source.execute("INSERT INTO other VALUES (1)")
    pipeline.wait_caught_up()
    pair.assert_same("other")
    assert pipeline.stop() == 0, "a copy that waits does not keep the service from leaving"
    blocker.rollback()
    blocker.close()
    pipeline.start()
    wait_mirrored(pipeline)
    assert [(r.key["id"], r.op) for r in sent(kafka, f"{pipeline.name}.public.item")] == [(1, "r")]
