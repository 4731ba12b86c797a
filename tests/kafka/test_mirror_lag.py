"""A mirror that is too far behind: it holds the WAL and says so, or leaves a gap and says so."""
from harness.waiting import wait_until
from mirroring import mirrored, sent, view, wait_mirror_state, wait_mirrored
from test_mirror_copy import table_view

LIMIT = 32 * 1024 * 1024


def fill(pair, table: str, megabytes: int) -> None:
    for _ in range(megabytes):
        pair.source.execute(f"INSERT INTO {table} (filler) SELECT repeat(md5(random()::text), 32) FROM generate_series(1, 1000)")


def mirror_slot(pipeline):
    rows = pipeline.source.rows("SELECT slot_name FROM pg_replication_slots WHERE slot_name = %s", f"{pipeline.slot}_mirror")
    return rows[0][0] if rows else None


def prepared(pair, kafka, at_max_lag: str):
    pair.both("CREATE TABLE item (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, filler text);"
              "CREATE TABLE quiet (id int PRIMARY KEY)")
    pair.source.execute("INSERT INTO quiet VALUES (1)")
    pipeline = mirrored(pair, kafka, {"max_lag_bytes": "32MB", "at_max_lag": at_max_lag}, copy=True).start()
    wait_mirrored(pipeline)
    wait_mirror_state(pipeline, "streaming")
    return pipeline


def test_hold_keeps_the_wal_and_warns_once(pair, make_kafka):
    kafka = make_kafka()
    pipeline = prepared(pair, kafka, "hold")
    kafka.stop()
    fill(pair, "item", 60)
    event = pipeline.wait_event("mirror_lag", seconds=60)
    assert int(event["retained_bytes"]) > LIMIT
    status = wait_mirror_state(pipeline, "retrying")
    assert status["retained_wal_bytes"] > LIMIT and status["gap"] is None
    pipeline.wait_caught_up()
    kafka.start()
    wait_mirrored(pipeline, 120)
    assert len(pipeline.events("mirror_lag")) == 1
    assert view(sent(kafka, f"{pipeline.name}.public.item")) == table_view(pair.source, "item")
    wait_mirror_state(pipeline, "streaming")
    wait_until(lambda: mirror_slot(pipeline) is None, 60, pipeline.log_tail)
    wait_until(lambda: pipeline.status()["mirror"]["retained_wal_bytes"] is None, 10, pipeline.log_tail)


def test_gap_lets_the_wal_go_and_is_told_until_it_is_filled(pair, make_kafka):
    kafka = make_kafka()
    pipeline = prepared(pair, kafka, "gap")
    kafka.stop()
    fill(pair, "item", 60)
    pipeline.wait_event("mirror_gap_left", seconds=60)
    wait_until(lambda: mirror_slot(pipeline) is None, 30, pipeline.log_tail)
    left = pipeline.status()["mirror"]["gap"]
    assert left["from"] and left["to"] is None
    pipeline.stop(40)  # a call to a broker that is away is waited for
    offline = pipeline.command("status", "--json").json
    assert offline["mirror"]["gap"] == left
    pipeline.start()
    fill(pair, "item", 2)
    kafka.start()
    wait_mirror_state(pipeline, "streaming", seconds=120)
    pair.source.execute("INSERT INTO item (filler) VALUES ('a'), ('b')")
    pair.source.execute("INSERT INTO quiet VALUES (2), (3)")
    status = wait_mirrored(pipeline, 60)
    gap = status["gap"]
    assert gap["from"] == left["from"] and gap["to"]
    told = f"{gap['from']}-{gap['to']}"
    for table, count in (("item", 2), ("quiet", 2)):
        records = sent(kafka, f"{pipeline.name}.public.{table}")
        with_gap = [r.headers["walgate.gap"] for r in records if "walgate.gap" in r.headers]
        assert with_gap == [told], table
        assert "walgate.gap" in records[-count].headers, "the first one after the gap tells"
    assert view(sent(kafka, f"{pipeline.name}.public.item")) != table_view(pair.source, "item")
    # It stands until every table was published again.
    pipeline.stop(40)  # a call to a broker that is away is waited for
    pipeline.start()
    assert wait_mirror_state(pipeline, "streaming")["gap"] == gap
    before = len(pipeline.log())
    assert pipeline.command("mirror", "republish", "--table", "public.item").code == 0
    wait_until(lambda: pipeline.events("mirror_table_copied", after=before), 60, pipeline.log_tail)
    assert wait_mirror_state(pipeline, "streaming")["gap"] == gap
    assert pipeline.command("mirror", "republish", "--table", "public.quiet").code == 0
    wait_until(lambda: pipeline.events("mirror_gap_filled"), 60, pipeline.log_tail)
    assert wait_mirror_state(pipeline, "streaming")["gap"] is None
    for table in ("item", "quiet"):
        assert view(sent(kafka, f"{pipeline.name}.public.{table}")) == table_view(pair.source, table)
    pair.assert_same("item")
    pipeline.stop(40)  # a call to a broker that is away is waited for
    assert pipeline.command("status", "--json").json["mirror"]["gap"] is None
