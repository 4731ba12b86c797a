"""Kafka as the only sink: no target is asked for anything."""
import pytest

from harness import Load
from harness.pipeline import lsn
from harness.waiting import wait_until
from mirroring import mirrored, sent, view, wait_mirror_state, wait_mirrored
from test_mirror_copy import churn, prepared, table_view


def only(pair, kafka, kafka_config: dict | None = None, **words):
    return mirrored(pair, kafka, {"copy": True} | (kafka_config or {}), config={"target": ...}, **words)


def target_sessions(pair) -> int:
    return pair.target.value("SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'walgate%%' AND datname = current_database()")


def test_all_commands_work_without_a_target(pair, kafka):
    pair.source.execute("CREATE TABLE item (id int PRIMARY KEY, name text)")
    pair.source.execute("INSERT INTO item SELECT id, 'old' FROM generate_series(1, 20) id")
    pipeline = only(pair, kafka)
    assert pipeline.command("check").code == 0
    for _ in range(2):
        assert pipeline.command("init").code == 0
    pipeline.start()
    wait_mirror_state(pipeline, "streaming")
    pair.source.execute("UPDATE item SET name = 'new' WHERE id = 1")
    pair.source.execute("DELETE FROM item WHERE id = 2")
    wait_mirrored(pipeline)
    records = sent(kafka, f"{pipeline.name}.public.item")
    assert [r.op for r in records] == ["r"] * 20 + ["u", "d", None]
    assert view(records) == table_view(pair.source, "item")
    status = pipeline.command("status", "--json").json
    assert status["state"] == "streaming" and status["applied_lsn"] == status["mirror"]["position"]
    assert [t["target"] for t in status["tables"]] == [f"{pipeline.name}.public.item"]
    assert target_sessions(pair) == 0
    assert pipeline.command("remove").code == 2, "it runs"
    assert pipeline.command("copy", "--table", "public.item").code == 1
    assert pipeline.command("init").code == 0, "and shuts nobody out"
    pair.source.execute("INSERT INTO item VALUES (100, 'x')")
    wait_mirrored(pipeline)
    assert pipeline.stop() == 0
    status = pipeline.command("status", "--json").json
    assert status["state"] == "stopped" and status["mirror"]["position"], status
    assert pipeline.command("remove").code == 0
    assert pipeline.slot_row() is None
    assert pipeline.command("status").code == 2
    assert pair.target.value("SELECT to_regnamespace('walgate') IS NULL")


def test_the_slot_follows(pair, kafka):
    pair.source.execute("CREATE TABLE item (id int PRIMARY KEY)")
    pipeline = only(pair, kafka).start()
    pair.source.execute("INSERT INTO item SELECT generate_series(1, 1000)")
    position = lsn(wait_mirrored(pipeline)["position"])
    wait_until(lambda: lsn(pipeline.slot_row()["confirmed_flush_lsn"]) >= position, 30, lambda: f"{pipeline.slot_row()}")
    assert pipeline.stop() == 0


def test_kills_lose_and_repeat_nothing(pair, kafka):
    prepared(pair)
    with Load(pair.source, churn, sessions=2, pause=0.005):
        pipeline = only(pair, kafka).start()
        wait_mirror_state(pipeline, "streaming", seconds=60)
        for _ in range(5):
            pipeline.kill9()
            pipeline.start()
    wait_mirrored(pipeline)
    records = sent(kafka, f"{pipeline.name}.public.item")
    assert view(records) == table_view(pair.source, "item")
    positions = [r.position for r in records if r.op in ("c", "u", "d")]
    assert positions == sorted(positions) and len(set(positions)) == len(positions)


def test_a_slot_that_moved_is_found_out(pair, kafka):
    pair.source.execute("CREATE TABLE item (id int PRIMARY KEY)")
    pipeline = only(pair, kafka).start()
    pair.source.execute("INSERT INTO item VALUES (1)")
    wait_mirrored(pipeline)
    pipeline.stop()
    pair.source.execute("INSERT INTO item VALUES (2)")
    pair.source.value("SELECT pg_replication_slot_advance(%s, pg_current_wal_lsn())", pipeline.slot)
    pipeline.expect_stop("slot_advanced")
    assert "slot_advanced" in pipeline.command("check").out
    pipeline.drop_slot()
    pipeline.expect_stop("slot_missing")
    pipeline.create_slot()
    pipeline.expect_stop("slot_recreated")
    # All of it again from the tables is the way out.
    assert pipeline.command("mirror", "republish", "--all").code == 0
    pipeline.start()
    wait_mirrored(pipeline)
    assert view(sent(kafka, f"{pipeline.name}.public.item")) == table_view(pair.source, "item")
    assert pipeline.status()["mirror"]["gap"] is None
    pair.source.execute("INSERT INTO item VALUES (3)")
    wait_mirrored(pipeline)
    assert view(sent(kafka, f"{pipeline.name}.public.item")) == table_view(pair.source, "item")


def test_another_source_is_refused(pair, kafka, make_server):
    pair.source.execute("CREATE TABLE item (id int PRIMARY KEY)")
    pipeline = only(pair, kafka).start()
    wait_mirrored(pipeline)
    pipeline.stop()
    other = make_server("other").database(pair.source.name)
    other.execute("CREATE EXTENSION walgate; CREATE TABLE item (id int PRIMARY KEY)")
    other.execute(f"CREATE PUBLICATION {pipeline.name} FOR ALL TABLES")
    other.value("SELECT walgate.create_slot(%s)", pipeline.slot)
    pipeline.write_config(source={"conninfo": other.conninfo()})
    done = pipeline.run_until_exit()
    assert done.code == 2
    assert "mirror_progress_lost" in done.err or "other_source_system" in done.err


def test_one_service_at_a_time(pair, kafka):
    pair.source.execute("CREATE TABLE item (id int PRIMARY KEY)")
    pipeline = only(pair, kafka).start()
    wait_mirrored(pipeline)
    second = pipeline.folder / "second.json"
    second.write_text(pipeline.config_file.read_text().replace(str(pipeline.http_port), "0"))
    done = pipeline.command("run", config=second, seconds=90)
    assert done.code != 0 and ("pipeline_in_use" in done.err or "http" in done.err), done.err
    pair.source.execute("INSERT INTO item VALUES (1)")
    wait_mirrored(pipeline)
    assert pipeline.running


@pytest.mark.parametrize("rows_before", [0, 50000])  # of the same transaction, which Kafka has already got
def test_a_transaction_can_be_left_out(pair, kafka, rows_before):
    pair.source.execute("CREATE TABLE item (id int PRIMARY KEY, n numeric)")
    pipeline = only(pair, kafka).start()
    wait_mirrored(pipeline)
    pair.source.execute(f"INSERT INTO item SELECT -id, 1 FROM generate_series(1, {rows_before}) id; INSERT INTO item VALUES (1, 'NaN')")
    pair.source.execute("INSERT INTO item VALUES (2, 1)")
    error = pipeline.assert_stopped("value_not_mirrored")
    assert pipeline.command("skip", "--lsn", "0/1").code == 2
    assert pipeline.command("skip", "--lsn", error["lsn"]).code == 0
    pipeline.start()
    wait_mirrored(pipeline)
    assert [r.key["id"] for r in sent(kafka, f"{pipeline.name}.public.item")] == [2]
    pipeline.stop()
    assert pipeline.command("status", "--json").json["error"] is None


def test_a_topic_takes_less_at_once_than_is_sent(pair, kafka):
    pair.source.execute("CREATE TABLE item (id int PRIMARY KEY, n text)")
    topic = f"{pair.source.name}.public.item"
    kafka.create_topic(topic, cleanup_policy="compact", max_message_bytes="3000", min_insync_replicas="1")
    pipeline = only(pair, kafka, {"properties": {"compression.codec": "none"}}).start()
    pair.source.execute("INSERT INTO item SELECT id, 'small' FROM generate_series(1, 1000) id")
    wait_mirrored(pipeline)
    assert [record.key["id"] for record in sent(kafka, topic)] == list(range(1, 1001))
    pair.source.execute("INSERT INTO item VALUES (2000, repeat('x', 5000))")
    assert pipeline.assert_stopped("record_too_large")["lsn"]
