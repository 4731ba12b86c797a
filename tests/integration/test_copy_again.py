"""Tables that are copied later than the others, or once more; the copy's limits and how it is seen."""
import pytest

from copying import (HALF, ROWS, copy_states, fill, finish, item_pipeline, open_transaction, rows_copied, states, table_of,
                     wait_copying, wait_states)
from harness import Hold, Load, wait_until

# Tables that come later


def add_event(session, rng, number):
    session.execute("INSERT INTO event VALUES (%s)", (f"{number}",))


def test_a_table_that_joins_the_publication_is_copied_while_the_others_stream(pair):
    pipeline = item_pipeline(pair, publish="TABLE event").start()
    with Load(pair.source, add_event, sessions=2, seed=3, pause=0.01) as load:
        wait_until(lambda: load.committed > 20)
        early = open_transaction(pair.source, "INSERT INTO item (id, body) VALUES (-1, 'before it joins')")
        pair.source.execute(f"ALTER PUBLICATION {pipeline.name} ADD TABLE item")
        early.execute("INSERT INTO item (id, body) VALUES (-2, 'after')")
        early.commit()
        pair.source.execute("UPDATE item SET n = 1 WHERE id % 10 = 0; DELETE FROM item WHERE id % 11 = 0")
        pipeline.wait_event("table_copied", relation="public.item")
        after = load.committed
        wait_until(lambda: load.committed > after + 20)
    finish(pair, pipeline)
    assert rows_copied(pipeline, "public.event") == 3, "the others are not copied again"
    wait_states(pipeline, "streaming")


def test_a_new_table_of_a_publication_of_all_tables(pair):
    """Its rows are in the stream from the first one on, and in the copy: once on the target."""
    pipeline = item_pipeline(pair).start()
    pair.both("CREATE TABLE late (id int, body text)")
    for n in range(20):
        pair.source.execute(f"INSERT INTO late VALUES ({n}, 'x'), ({n}, 'y')")
    finish(pair, pipeline, "item", "event", "late")
    assert rows_copied(pipeline) == ROWS


def test_a_table_that_a_rule_kept_out_is_copied_when_the_rule_goes(pair):
    pipeline = item_pipeline(pair, config={"tables": [{"source": "public.item", "target": None}]}).start()
    pipeline.stop()
    pair.source.execute("INSERT INTO event VALUES ('while it is down'); UPDATE item SET n = 1 WHERE id = 1")
    pipeline.write_config(tables=...)
    pair.source.execute("INSERT INTO event VALUES ('two')")
    pipeline.start()
    pair.source.execute("UPDATE item SET n = 2 WHERE id = 2")
    finish(pair, pipeline)
    assert rows_copied(pipeline) == ROWS and rows_copied(pipeline, "public.event") == 3


def test_a_table_that_came_while_the_service_was_down(pair):
    pipeline = item_pipeline(pair, publish="TABLE event").start()
    pipeline.kill9()
    pair.source.execute(f"UPDATE item SET n = 1; ALTER PUBLICATION {pipeline.name} ADD TABLE item;"
                        "UPDATE item SET n = 2 WHERE id % 2 = 0; INSERT INTO event VALUES ('two')")
    pipeline.start()
    finish(pair, pipeline)
    assert rows_copied(pipeline, "public.event") == 3


# The command

def copy_table(pipeline, name: str = "public.item"):
    done = pipeline.command("copy", "--table", name)
    assert done.code == 0, done
    return done


def test_one_table_is_copied_again_beside_the_running_service(pair):
    pipeline = item_pipeline(pair).start()
    pair.target.execute("DELETE FROM item WHERE id % 3 = 0; INSERT INTO item VALUES (-5, 0, 'somebody else''s')")
    with Load(pair.source, add_event, sessions=2, seed=4, pause=0.01):
        before = len(pipeline.log())
        copy_table(pipeline)
        pipeline.wait_event("table_copied", after=before, relation="public.item")
        pair.source.execute("UPDATE item SET n = 1 WHERE id % 10 = 0")
    finish(pair, pipeline)
    assert rows_copied(pipeline) == 2 * ROWS and rows_copied(pipeline, "public.event") == 3


def test_one_table_is_copied_again_by_the_next_start(pair):
    pipeline = item_pipeline(pair).start()
    pipeline.stop()
    pair.target.execute("UPDATE item SET n = 9")
    pair.source.execute("UPDATE item SET n = 1 WHERE id % 10 = 0; INSERT INTO event VALUES ('two')")
    copy_table(pipeline)
    copy_table(pipeline)  # twice is once
    assert states(pipeline.command("status", "--json").json)["public.item"] == "waiting"
    pipeline.start()
    finish(pair, pipeline)
    assert rows_copied(pipeline) == 2 * ROWS and rows_copied(pipeline, "public.event") == 3


def test_a_table_is_copied_again_where_others_refer_to_it(pair):
    pair.both("CREATE TABLE parent (id int PRIMARY KEY); CREATE TABLE child (id int PRIMARY KEY, parent int REFERENCES parent)")
    pair.source.execute("INSERT INTO parent SELECT generate_series(1, 100);"
                        "INSERT INTO child SELECT g, g FROM generate_series(1, 100) g")
    pipeline = pair.pipeline(copy=True).start()
    pair.target.execute("SET session_replication_role = replica; DELETE FROM parent WHERE id < 50")
    pipeline.stop()
    copy_table(pipeline, "public.parent")
    pipeline.start()
    finish(pair, pipeline, "parent", "child")
    assert rows_copied(pipeline, "public.parent") == 200
    assert rows_copied(pipeline, "public.child") == 100


@pytest.mark.parametrize("end", ["stop", "kill9"])
def test_a_copy_once_more_that_is_broken_off(pair, end):
    pipeline = item_pipeline(pair, copy={"workers": 1}).start()
    pipeline.stop()
    hold = Hold(pair.target, "item", HALF)
    copy_table(pipeline)
    pipeline.start(wait=False)
    hold.wait_reached(what=pipeline.log_tail)
    getattr(pipeline, end)()
    hold.release()
    pair.source.execute("UPDATE item SET n = 1 WHERE id % 10 = 0; DELETE FROM item WHERE id % 11 = 0")
    pipeline.start()
    finish(pair, pipeline)


def test_a_copy_that_runs_is_asked_for_once_more(pair):
    pipeline = item_pipeline(pair, copy={"workers": 1})
    hold = Hold(pair.target, "item", HALF)
    pipeline.start(wait=False)
    hold.wait_reached(what=pipeline.log_tail)
    copy_table(pipeline)
    hold.release()
    pipeline.wait_event("copy_asked")
    wait_until(lambda: copy_states(pair)["item"] == "copied")
    finish(pair, pipeline)


@pytest.mark.parametrize("name, code, message", [
    ("public.nothing", 2, "name: copy_refused"), ("public.unmapped", 2, "name: copy_refused"),
    ("not a name", 1, "--table"), ("", 1, "--table")])
def test_a_table_that_cannot_be_copied_is_refused(pair, name, code, message):
    pair.both("CREATE TABLE unmapped (id int PRIMARY KEY)")
    pipeline = item_pipeline(pair, publish="TABLE item, event").start()
    done = pipeline.command("copy", "--table", name)
    assert done.code == code and message in done.err, done
    assert copy_states(pair).keys() == {"item", "event"}
    assert pipeline.command("copy").code == 1


def test_the_command_before_the_first_start(pair):
    pipeline = item_pipeline(pair)
    done = pipeline.command("copy", "--table", "public.item")
    assert done.code in (0, 2), done
    pipeline.start()
    finish(pair, pipeline)
    assert rows_copied(pipeline) == ROWS


# Limits, and what is seen

def test_a_snapshot_that_gets_too_old_stops(pair):
    pipeline = item_pipeline(pair, copy={"workers": 1, "max_snapshot_age": "1s"})
    hold = Hold(pair.target, "item", HALF)
    assert pipeline.expect_stop("copy_snapshot_too_old")["phase"] == "copy"
    # Nothing of ours holds the source's vacuum back any more.
    assert pair.source.value("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                             " AND backend_xmin IS NOT NULL AND pid <> pg_backend_pid()") == 0
    hold.release()
    pipeline.write_config(copy={"max_snapshot_age": "0s"})
    pipeline.start()
    finish(pair, pipeline)
    assert pipeline.events("copy_resumed", relation="public.item")


def test_what_the_status_tells_while_tables_are_copied(pair):
    pair.both("CREATE TABLE zlast (id int PRIMARY KEY, body text)")
    fill(pair.source, 10, table="zlast")
    pair.source.execute("ANALYZE")
    pipeline = item_pipeline(pair, copy={"workers": 1})
    pair.source.execute("ANALYZE")
    hold = Hold(pair.target, "item", HALF)
    pipeline.start(wait=False)
    hold.wait_reached(what=pipeline.log_tail)
    copy = wait_copying(pipeline, lambda copy: copy["rows"] and copy)
    assert set(copy) == {"rows", "rows_estimated", "bytes", "rows_per_second", "eta_seconds", "snapshot_age_seconds",
                         "waiting_for", "blocked"}
    assert 0 < copy["rows"] < ROWS and copy["bytes"] > copy["rows"] and copy["snapshot_age_seconds"] >= 0, copy
    assert not copy["waiting_for"] and not copy["blocked"], copy
    status = pipeline.wait_state("copying")
    assert status["retained_wal_bytes"] is not None and status["applied_lsn"]
    item = table_of(status)
    assert item["state"] == "copying" and 0 < item["rows_copied"] < ROWS, item
    assert item["rows_estimated"] == pytest.approx(ROWS, rel=0.1), item
    shown = pipeline.command("status")
    assert shown.code == 0 and "copying" in shown.out, shown
    # With the service gone a half-copied table does not look complete.
    pipeline.kill9()
    hold.release()
    status = pipeline.command("status", "--json").json
    assert states(status)["public.item"] == "copying", status
    assert states(status)["public.zlast"] in ("waiting", "copying", "copied"), status
    assert copy_states(pair)["item"] == "copying"
    pipeline.start()
    finish(pair, pipeline, "item", "event", "zlast")
    assert pipeline.status()["copy"] is None


def test_rows_per_second_and_the_line_in_the_log(pair):
    pipeline = item_pipeline(pair, copy={"rows_per_second": 300, "workers": 2}).start(wait=False)
    pipeline.wait_state("copying")
    progress = pipeline.wait_event("copy_progress", seconds=20)
    assert 0 < int(progress["rows"]) < ROWS, progress
    assert pipeline.status()["state"] == "copying"
    # The limit goes with the next start.
    assert pipeline.stop() == 0
    pipeline.write_config(copy={"rows_per_second": 0})
    pipeline.start()
    finish(pair, pipeline)
