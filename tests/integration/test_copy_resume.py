"""The initial copy is broken off, in every phase, and goes on: nothing is lost or doubled, and little is done twice."""
import random
import time

import psycopg
import pytest

from copying import (HALF, ROWS, catch_up, committed_ranges, copy_states, fill, finish, item_pipeline, open_transaction,
                     states)
from harness import Hold, Load, wait_until
from test_copy import OLD, WRITTEN, write

MANY = 6000
"""Rows of `item` here: about fifty ranges."""


def kill(pipeline, hold=None) -> None:
    """The service is gone, and so are its sessions on the target."""
    pipeline.kill9()
    if hold:
        hold.release()
    wait_sessions_gone(pipeline)


def wait_sessions_gone(pipeline) -> None:
    wait_until(lambda: pipeline.target.value(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        " AND backend_type <> 'autovacuum worker'") == 0, what="the killed service's sessions on the target are gone")


def rows_written(pair, pipeline, table: str = "item") -> int:
    """All rows that were ever inserted into a table of the target, also by transactions that were rolled back."""
    wait_sessions_gone(pipeline)  # a session reports at its end
    return pair.target.value("SELECT n_tup_ins FROM pg_stat_user_tables WHERE relid = %s::regclass", table)


def hold_table_state(pair, pipeline) -> Hold:
    """Holds who says that `item` is copied: all its rows are there."""
    done = pipeline.command("init")
    assert done.code == 0, done
    return Hold(pair.target, "walgate.copies", "NEW.source_table = 'item' AND NEW.state = 'copied'", "INSERT OR UPDATE")


# Where the service is killed: each function starts it, and returns when it stands there, with what holds it.

class OpenTransaction:
    """Holds the copy before its snapshot."""

    def __init__(self, database):
        self._session = open_transaction(database, "INSERT INTO event VALUES ('open')")

    def release(self):
        self._session.commit()
        self._session.close()


def waiting_for_transactions(pair, pipeline):
    hold = OpenTransaction(pair.source)
    pipeline.start(wait=False)
    pipeline.wait_event("copy_waiting")
    return hold


def before_the_first_range(pair, pipeline):
    hold = Hold(pair.target, "item")
    pipeline.start(wait=False)
    return hold.wait_reached(what=pipeline.log_tail)


def between_ranges(pair, pipeline):
    hold = Hold(pair.target, "item", f"NEW.id = {MANY // 2}")
    pipeline.start(wait=False)
    return hold.wait_reached(what=pipeline.log_tail)


def in_the_last_range(pair, pipeline):
    hold = Hold(pair.target, "item", f"NEW.id = {MANY}")
    pipeline.start(wait=False)
    return hold.wait_reached(what=pipeline.log_tail)


def after_the_last_range(pair, pipeline):
    hold = hold_table_state(pair, pipeline)
    pipeline.start(wait=False)
    return hold.wait_reached(what=pipeline.log_tail)


def just_before_streaming(pair, pipeline):
    pipeline.start(wait=False)
    pipeline.wait_event("copy_finished")


def while_streaming(pair, pipeline):
    pipeline.start()


PHASES = [waiting_for_transactions, before_the_first_range, between_ranges, in_the_last_range, after_the_last_range,
          just_before_streaming, while_streaming]


@pytest.mark.parametrize("phase", PHASES, ids=lambda phase: phase.__name__)
def test_a_kill(pair, phase):
    pipeline = item_pipeline(pair, MANY, copy={"workers": 1})
    hold = phase(pair, pipeline)
    half_copied = phase in (between_ranges, in_the_last_range)
    kill(pipeline, hold)
    if half_copied:
        assert committed_ranges(pair) > 5
        assert copy_states(pair)["item"] == "copying"
        assert states(pipeline.command("status", "--json").json)["public.item"] == "copying"
    pair.source.execute("UPDATE item SET n = 1 WHERE id % 100 = 0; INSERT INTO event VALUES ('two')")
    pipeline.start(wait=False)
    finish(pair, pipeline)
    if half_copied:
        kept, = pipeline.events("copy_resumed", relation="public.item")
        assert int(kept["rows_kept"]) > 300, kept
    assert pipeline.stop() == 0
    assert rows_written(pair, pipeline) < 1.2 * MANY


def test_kills_in_every_phase_one_after_the_other(pair):
    """Whatever was done twice in all of them together: less than a fifth of the table."""
    pipeline = item_pipeline(pair, MANY, copy={"workers": 2})
    for at in (0, MANY // 4, MANY // 2, 3 * MANY // 4):
        hold = Hold(pair.target, "item", f"NEW.id > {at}")
        pipeline.start(wait=False)
        hold.wait_reached(2, what=pipeline.log_tail)  # both workers
        kill(pipeline, hold)
    for phase in (in_the_last_range, after_the_last_range, just_before_streaming, while_streaming):
        kill(pipeline, phase(pair, pipeline))
    pipeline.start()
    finish(pair, pipeline)
    assert len(pipeline.events("copy_resumed", relation="public.item")) >= 4
    assert pipeline.stop() == 0
    assert rows_written(pair, pipeline) < 1.2 * MANY
    assert rows_written(pair, pipeline, "event") <= 6


def test_kills_beside_eight_writing_sessions(pair):
    pair.both(WRITTEN)
    pair.source.execute(f"INSERT INTO account SELECT g, 0, repeat(md5(g::text), 3) FROM generate_series(0, {OLD - 1}) g;"
                        "INSERT INTO event SELECT 'old ' || g % 100 FROM generate_series(1, 1000) g;"
                        "INSERT INTO note SELECT g, 'old' FROM generate_series(0, 199) g")
    pipeline = pair.pipeline(copy={"rows_per_second": 8000}, env={"WALGATE_COPY_RANGE_BLOCKS": "2"})
    rng = random.Random(61)
    while_copying = 0
    with Load(pair.source, write, sessions=8, seed=61, pause=0.02) as load:
        for _ in range(8):
            pipeline.start(wait=False)
            pipeline.wait_state("copying", "streaming")
            time.sleep(rng.uniform(0, 0.5))
            assert pipeline.running, pipeline.log_tail()
            while_copying += pipeline.status()["state"] == "copying"
            pipeline.kill9()
        pipeline.start(wait=False).wait_state("streaming", seconds=60)
        after = load.committed
        wait_until(lambda: load.committed > after + 50)
    finish(pair, pipeline, "account", "event", "note")
    assert while_copying >= 3


# What has changed when it goes on

def half_copied(pair, **more):
    """A pipeline whose service was killed when the rows of the first half of `item` had been copied."""
    pipeline = item_pipeline(pair, copy={"workers": 1}, **more)
    hold = Hold(pair.target, "item", HALF)
    pipeline.start(wait=False)
    hold.wait_reached(what=pipeline.log_tail)
    kill(pipeline, hold)
    assert pair.target.value("SELECT count(*) FROM item") > ROWS // 3
    return pipeline


def test_rows_that_changed_meanwhile(pair):
    pipeline = half_copied(pair)
    pair.source.execute("UPDATE item SET n = 1 WHERE id % 7 = 0; DELETE FROM item WHERE id % 11 = 0;"
                        "UPDATE item SET id = id + 10000 WHERE id % 13 = 0")
    # New rows take the places of deleted ones, and some their keys; frozen rows still show who wrote them.
    pair.source.execute("VACUUM (FREEZE) item")
    fill(pair.source, 300, first=20001)
    pair.source.execute("INSERT INTO item SELECT id, 5, 'again' FROM generate_series(11, 900, 22) id ON CONFLICT DO NOTHING")
    pair.source.execute("VACUUM (FREEZE) item")
    # Rows pass from the half that was copied to the other one, and back.
    pair.source.execute(f"UPDATE item SET id = -1 WHERE id = 1; UPDATE item SET id = 1 WHERE id = {ROWS - 1};"
                        f"UPDATE item SET id = {ROWS - 1} WHERE id = -1")
    pipeline.start()
    finish(pair, pipeline)
    assert pipeline.events("copy_resumed", relation="public.item")
    pair.source.execute("UPDATE item SET n = 3; DELETE FROM item WHERE id % 2 = 0")
    finish(pair, pipeline)


def test_all_rows_that_were_copied_are_gone_meanwhile(pair):
    pipeline = half_copied(pair)
    pair.source.execute(f"DELETE FROM item WHERE id <= {ROWS // 2}")
    pair.source.execute("VACUUM item")
    pipeline.start()
    finish(pair, pipeline)


def test_transactions_that_were_open_across_the_kill(pair):
    """Their rows have an xid of before the old snapshot's end, but it did not see them."""
    pipeline = item_pipeline(pair, copy={"workers": 1})
    hold = Hold(pair.target, "item", HALF)
    before = open_transaction(pair.source, "INSERT INTO event VALUES ('before')")
    pipeline.start(wait=False)
    pipeline.wait_event("copy_waiting")
    across = open_transaction(pair.source, "UPDATE item SET n = 1 WHERE id = 1", "DELETE FROM item WHERE id = 2",
                              "UPDATE item SET id = 9003 WHERE id = 3", "INSERT INTO event VALUES ('across')",
                              "SAVEPOINT s", "UPDATE item SET n = 4 WHERE id = 4")
    # A later one, which the snapshot does see.
    pair.source.execute("UPDATE item SET n = 5 WHERE id = 5")
    before.commit()
    hold.wait_reached(what=pipeline.log_tail)
    kill(pipeline, hold)
    pipeline.start(wait=False)
    pipeline.wait_event("copy_waiting", after=pipeline.log().rindex("copy_waiting"))
    across.commit()
    finish(pair, pipeline)


@pytest.mark.parametrize("change", [
    "TRUNCATE item; INSERT INTO item VALUES (1, 7, 'new'), (5000, 7, 'new')", "VACUUM FULL item",
    "ALTER TABLE item ALTER body TYPE text USING upper(body)", "CLUSTER item USING item_pkey"],
    ids=["truncate", "vacuum full", "alter", "cluster"])
def test_a_table_that_was_rewritten_meanwhile_is_copied_anew(pair, change):
    pipeline = half_copied(pair)
    for statement in change.split("; "):
        pair.source.execute(statement)
    pair.source.execute("UPDATE item SET n = 1 WHERE id % 100 = 0")
    pipeline.start()
    finish(pair, pipeline)
    assert pipeline.events("copy_restarted", relation="public.item")[0]["reason"]


def test_a_table_without_a_key_is_copied_anew(pair):
    pair.both("CREATE TABLE line (n int, v text); ALTER TABLE line REPLICA IDENTITY FULL")
    pair.source.execute("INSERT INTO line SELECT g % 500, repeat('v', 100) FROM generate_series(1, 3000) g")
    hold = Hold(pair.target, "line", "NEW.n = 7")
    pipeline = pair.pipeline(copy={"workers": 1}, env={"WALGATE_COPY_RANGE_BLOCKS": "2"}).start(wait=False)
    wait_until(lambda: hold.waiting() and pipeline.status(), what=pipeline.log_tail)
    kill(pipeline, hold)
    pair.source.execute("UPDATE line SET v = 'w' WHERE n = 8")
    pipeline.start()
    finish(pair, pipeline, "line")


def test_a_target_table_whose_key_went_meanwhile(pair):
    """Without a key nobody can say which rows of the target are still right."""
    pipeline = half_copied(pair)
    pair.both("ALTER TABLE item DROP CONSTRAINT item_pkey; ALTER TABLE item REPLICA IDENTITY FULL")
    pair.source.execute("UPDATE item SET n = 1 WHERE id % 10 = 0")
    pipeline.start()
    finish(pair, pipeline)


def test_rows_that_somebody_put_into_a_half_copied_table_are_gone_at_its_end(pair):
    pipeline = half_copied(pair)
    pair.target.execute("INSERT INTO item VALUES (77777, 1, 'of somebody else'); DELETE FROM item WHERE id = 1")
    pipeline.start()
    catch_up(pipeline)
    assert pair.target.value("SELECT count(*) FROM item WHERE id = 77777") == 0


def test_a_pipeline_that_is_removed_in_the_middle(pair):
    pipeline = half_copied(pair)
    done = pipeline.command("remove")
    assert done.code == 0, done
    assert pair.target.value("SELECT count(*) FROM walgate.copies") == committed_ranges(pair) == 0
    pipeline.create_slot()
    done = pipeline.run_until_exit()
    assert done.code == 2 and "target_not_empty" in done.err, done
    pair.target.execute("TRUNCATE item, event")
    pipeline.start()
    finish(pair, pipeline)


def test_another_configuration_goes_on_where_the_first_stopped(pair):
    pipeline = half_copied(pair)
    pipeline.write_config(copy={"workers": 4, "rows_per_second": 100_000})
    pipeline.start()
    finish(pair, pipeline)
    assert pipeline.events("copy_resumed", relation="public.item")


@pytest.mark.parametrize("existing_rows", ["keep", "truncate"])
def test_another_way_of_copying_than_before(pair, existing_rows):
    """The rows of the half-copied table are ours, not existing ones."""
    pipeline = half_copied(pair)
    pipeline.write_config(copy={"existing_rows": existing_rows})
    pair.source.execute("UPDATE item SET n = 1 WHERE id % 10 = 0")
    pipeline.start()
    finish(pair, pipeline)


def test_a_foreign_key_that_came_to_a_half_copied_table(pair):
    pair.both("CREATE TABLE parent (id int PRIMARY KEY)")
    pipeline = half_copied(pair, config={"target": {"replica_role": "never"}})
    pair.source.execute("INSERT INTO parent SELECT generate_series(0, 9); ALTER TABLE item ADD FOREIGN KEY (n) REFERENCES parent")
    pair.target.execute("DELETE FROM item; INSERT INTO parent SELECT 0; ALTER TABLE item ADD FOREIGN KEY (n) REFERENCES parent;"
                        "DELETE FROM parent")
    pair.source.execute("UPDATE item SET n = 5 WHERE id % 10 = 0")
    pipeline.start()
    finish(pair, pipeline, "item", "event", "parent")


def test_the_copy_is_switched_off_in_the_middle(pair):
    """A half-copied table never looks complete: what has begun is finished."""
    pipeline = half_copied(pair)
    pipeline.write_config(copy={"enabled": False})
    pair.source.execute("UPDATE item SET n = 1 WHERE id % 10 = 0")
    pipeline.start()
    finish(pair, pipeline)


# Two services

@pytest.mark.parametrize("at", [1, ROWS // 2], ids=["first range", "middle"])
def test_the_ranges_of_a_killed_service_arrive_late(pair, make_proxy, at):
    """They lie in a dead network while a new service copies; then the network gives them back."""
    proxy = make_proxy(pair.target.server)
    pipeline = item_pipeline(pair, copy={"workers": 2}, config={"target": {"conninfo": proxy.conninfo(pair.target)}})
    hold = Hold(pair.target, "item", f"NEW.id = {at}")
    pipeline.start(wait=False)
    hold.wait_reached(what=pipeline.log_tail)
    proxy.pause()
    hold.release()
    pipeline.kill9()
    pipeline.write_config(target={"conninfo": pair.target.conninfo()})
    pipeline.start(wait=False)
    wait_until(lambda: (pipeline.status() or {}).get("state") in ("starting", "copying", "retrying", "streaming"), 10)
    proxy.resume()
    finish(pair, pipeline)


def test_a_service_that_was_fenced_off_copies_no_more(pair):
    """What a second service does first, done behind the first one's back: nothing of the first may commit after it."""
    pipeline = item_pipeline(pair, copy={"workers": 2})
    hold = waiting_for_transactions(pair, pipeline)
    pair.target.execute("UPDATE walgate.progress SET epoch = epoch + 1")
    hold.release()
    pipeline.assert_stopped("position_moved")
    assert pair.target.value("SELECT count(*) FROM item") == 0
    assert copy_states(pair)["item"] == "waiting"
    pipeline.start()
    finish(pair, pipeline)


def test_nobody_takes_over_while_a_range_is_under_way(pair):
    pipeline = item_pipeline(pair, copy={"workers": 1})
    hold = Hold(pair.target, "item", HALF)
    pipeline.start(wait=False)
    hold.wait_reached(what=pipeline.log_tail)
    with pytest.raises(psycopg.errors.LockNotAvailable):
        pair.target.execute("SET lock_timeout = '100ms'; UPDATE walgate.progress SET epoch = epoch + 1")
    hold.release()
    finish(pair, pipeline)
