"""The initial copy and its seam: not one row is lost, doubled or resurrected while others write."""
import psycopg
import pytest

from copying import (EVENT, HALF, ITEM, ROWS, SMALL_RANGES, catch_up, copy_states, fill, finish, item_pipeline,
                     open_transaction, pid_of, rows_copied, states, table_of, wait_copying, wait_states)
from harness import Background, Hold, Load, compare, wait_until
from test_random_changes import SCHEMA, TABLES, Generator


def test_what_the_tables_hold_is_copied_and_then_streamed(pair):
    pipeline = item_pipeline(pair)
    status = pipeline.start().status()
    pair.assert_same("item", "event")
    for name, rows in (("public.item", ROWS), ("public.event", 3)):
        table = table_of(status, name)
        assert table["state"] in ("copied", "streaming") and table["rows_copied"] == rows, table
        copied, = pipeline.events("table_copied", relation=name)
        assert int(copied["rows"]) == rows and int(copied["bytes"]) > 0, copied
    assert status["copy"] is None
    assert pipeline.events("copy_started") and pipeline.events("copy_finished")
    pair.source.execute("UPDATE item SET n = 1 WHERE id % 2 = 0; DELETE FROM item WHERE id % 3 = 0;"
                        "INSERT INTO event VALUES ('two'), ('three')")
    finish(pair, pipeline)
    wait_states(pipeline, "streaming")
    # The next start has nothing to copy.
    assert pipeline.stop() == 0
    before = len(pipeline.log())
    pair.source.execute("INSERT INTO event VALUES ('two')")
    pipeline.start()
    finish(pair, pipeline)
    assert "copy_started" not in pipeline.log()[before:] and "table_copied" not in pipeline.log()[before:]
    assert table_of(pipeline.status())["rows_copied"] == ROWS


def test_nothing_is_copied_where_the_copy_is_off(pair):
    pipeline = item_pipeline(pair, copy=False).start()
    pair.source.execute("INSERT INTO event VALUES ('streamed')")
    catch_up(pipeline)
    assert pair.target.rows("SELECT body FROM event") == [("streamed",)]
    assert pair.target.value("SELECT count(*) FROM item") == 0
    # A pipeline that streams already goes on as it is when the copy is switched on.
    pipeline.stop()
    pipeline.write_config(copy={"enabled": True})
    pipeline.start()
    pair.source.execute("INSERT INTO event VALUES ('streamed')")
    catch_up(pipeline)
    assert pair.target.rows("SELECT body FROM event") == [("streamed",), ("streamed",)]
    assert pair.target.value("SELECT count(*) FROM item") == 0


# Writers

OLD = 12_000
WRITTEN = """
    CREATE TABLE account (id int PRIMARY KEY, amount int NOT NULL, body text NOT NULL);
    CREATE TABLE event (body text NOT NULL);
    CREATE TABLE note (owner int, body text);
    ALTER TABLE note REPLICA IDENTITY FULL"""


def write(session, rng, number):
    """A transaction that changes rows anywhere in the table, copied or not: `old` are there before, `new` are not."""
    session.execute("INSERT INTO event VALUES (%s)", (f"{number}",))
    for n in range(rng.randint(1, 4)):
        old, new = rng.randrange(OLD + number * 10), OLD + number * 10 + n
        what = rng.randrange(7)
        if what == 0:
            session.execute("INSERT INTO account VALUES (%s, 0, repeat(md5(%s::text), 3))", (new, new))
        elif what == 1:
            session.execute("UPDATE account SET amount = amount + 1 WHERE id = %s", (old,))
        elif what == 2:
            session.execute("DELETE FROM account WHERE id = %s", (old,))
        elif what == 3:
            session.execute("UPDATE account SET id = %s, amount = amount + 1 WHERE id = %s", (new, old))
        elif what == 4:  # the same key again
            session.execute("DELETE FROM account WHERE id = %s", (old,))
            session.execute("INSERT INTO account VALUES (%s, -1, 'back') ON CONFLICT DO NOTHING", (old,))
        elif what == 5:
            session.execute("SAVEPOINT s")
            session.execute("UPDATE account SET amount = amount + 1000 WHERE id = %s", (old,))
            session.execute("INSERT INTO event VALUES (%s)", (f"{number} in a subtransaction",))
            session.execute(rng.choice(["ROLLBACK TO s", "RELEASE s"]))
        else:
            session.execute("INSERT INTO note VALUES (%s, 'new')", (number,))
            session.execute("UPDATE note SET body = body || '.' WHERE owner = %s", (rng.randrange(200),))
            session.execute("DELETE FROM note WHERE owner = %s", (rng.randrange(200),))


@pytest.mark.parametrize("workers", [1, 2])
def test_eight_sessions_write_while_the_tables_are_copied(pair, workers):
    pair.both(WRITTEN)
    pair.source.execute(f"INSERT INTO account SELECT g, 0, repeat(md5(g::text), 3) FROM generate_series(0, {OLD - 1}) g;"
                        "INSERT INTO event SELECT 'old ' || g % 100 FROM generate_series(1, 1000) g;"
                        "INSERT INTO note SELECT g, 'old' FROM generate_series(0, 199) g")
    with Load(pair.source, write, sessions=8, seed=60 + workers, pause=0.01) as load:
        wait_until(lambda: load.committed > 50)
        pipeline = pair.pipeline(copy={"workers": workers, "rows_per_second": 6000}, env=SMALL_RANGES).start(wait=False)
        pipeline.wait_state("copying")
        before = load.committed
        pipeline.wait_state("streaming", seconds=60)
        meanwhile = load.committed - before
        after = load.committed
        wait_until(lambda: load.committed > after + 50)
    status = finish(pair, pipeline, "account", "event", "note")
    assert meanwhile > 50, f"only {meanwhile} transactions while the tables were copied"
    assert status["counters"]["transactions"] > 50
    assert pair.target.value("SELECT count(*) FROM event") >= load.committed + 1000


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_random_transactions_meet_the_copy(pair, seed):
    """Few keys, tables of every kind of identity, and a kill now and then."""
    pair.both(SCHEMA)
    # So many old rows that there is something to copy; the random ones have small keys.
    pair.source.execute("INSERT INTO plain SELECT g, g, g::text FROM generate_series(100, 1500) g;"
                        "INSERT INTO coded SELECT g, g, g::text, 'n' FROM generate_series(100, 1500) g;"
                        "INSERT INTO number SELECT g::numeric(9, 2), 'n' FROM generate_series(100, 1500) g;"
                        "INSERT INTO wide SELECT g, repeat(md5(g::text), 100), 1 FROM generate_series(100, 140) g")
    generator = Generator(seed)

    def transaction(session, rng, number):
        for statement in (generator.statement() for _ in range(rng.randint(1, 4))):
            session.execute("SAVEPOINT s")
            try:
                session.execute(statement)
            except psycopg.Error as refused:
                if not refused.sqlstate or refused.sqlstate.startswith("40"):
                    raise
                session.execute("ROLLBACK TO s")

    with Load(pair.source, transaction, sessions=3, seed=seed, pause=0.01) as load:
        wait_until(lambda: load.committed > 50)
        pipeline = pair.pipeline(copy={"rows_per_second": 3000}, env=SMALL_RANGES)
        for kill in range(3):
            pipeline.start(wait=False)
            pipeline.wait_state("copying", "streaming")
            after = load.committed + seed * 20 + kill * 10
            wait_until(lambda: load.committed > after)
            pipeline.kill9()
        pipeline.start(wait=False).wait_state("streaming", seconds=60)
        after = load.committed
        wait_until(lambda: load.committed > after + 50)
    catch_up(pipeline)
    wrong = [line for table in TABLES for line in compare.differences(pair.source, pair.target, table)]
    assert not wrong, "\n".join(wrong[:12])


def test_rows_changed_on_both_sides_of_where_the_copy_stands(pair):
    """One worker is held in the middle: what it has copied and what it will copy is changed under it."""
    pipeline = item_pipeline(pair, copy={"workers": 1})
    hold = Hold(pair.target, "item", HALF)
    pipeline.start(wait=False)
    hold.wait_reached(what=pipeline.log_tail)
    copied, coming = 10, ROWS - 10
    for at in (copied, coming):
        pair.source.execute(f"UPDATE item SET n = 1 WHERE id = {at};"
                            f"DELETE FROM item WHERE id = {at + 1};"
                            f"UPDATE item SET id = {at + 1} WHERE id = {at + 2};"  # the key of a deleted row
                            f"DELETE FROM item WHERE id = {at + 3}; INSERT INTO item VALUES ({at + 3}, 7, 'again');"
                            f"UPDATE item SET id = id + 10000 WHERE id = {at + 4}")
    # Rows that go from one part of the table to the other.
    pair.source.execute(f"UPDATE item SET id = -1 WHERE id = {copied}; UPDATE item SET id = {copied} WHERE id = {coming};"
                        f"UPDATE item SET id = {coming} WHERE id = -1")
    pair.source.execute("DELETE FROM item WHERE n = 7; INSERT INTO event VALUES ('two'), ('meanwhile')")
    fill(pair.source, 500, first=ROWS + 1)
    hold.release()
    finish(pair, pipeline)
    assert rows_copied(pipeline) == ROWS, "the snapshot has been taken before"


# Transactions that are open

def test_transactions_that_are_open_across_the_snapshot(pair):
    pipeline = item_pipeline(pair)
    before = open_transaction(pair.source, "INSERT INTO event VALUES ('before the service')",
                              "UPDATE item SET n = 1 WHERE id = 1")
    pipeline.start(wait=False)
    waiting = pipeline.wait_event("copy_waiting")
    assert f"process {pid_of(before)}" in waiting["for"], waiting
    assert wait_copying(pipeline, lambda copy: pid_of(before) in str(copy["waiting_for"]))
    # All that begins now is not waited for; the snapshot is yet to come.
    pair.source.execute("INSERT INTO event VALUES ('while it waits'); UPDATE item SET n = 2 WHERE id = 2")
    across = open_transaction(
        pair.source, "INSERT INTO event VALUES ('across')", "UPDATE item SET n = 3 WHERE id = 3",
        "UPDATE item SET id = 9004 WHERE id = 4", "DELETE FROM item WHERE id = 5",
        "SAVEPOINT a", "INSERT INTO event VALUES ('across, subtransaction')", "UPDATE item SET n = 6 WHERE id = 6", "RELEASE a",
        "SAVEPOINT b", "INSERT INTO event VALUES ('across, rolled back')", "DELETE FROM item WHERE id = 7", "ROLLBACK TO b")
    undone = open_transaction(pair.source, "INSERT INTO event VALUES ('never')", "DELETE FROM item WHERE id > 100")
    before.execute("DELETE FROM item WHERE id = 8")
    before.commit()
    undone.rollback()
    pipeline.wait_state("streaming")
    assert pair.target.value("SELECT count(*) FROM item WHERE n <> 0") == 2
    assert pair.target.value("SELECT count(*) FROM item") == ROWS - 1
    across.execute("INSERT INTO event VALUES ('across, later')")
    across.execute("UPDATE item SET n = 33 WHERE id = 3")
    across.commit()
    finish(pair, pipeline)


def test_a_transaction_that_is_open_while_a_table_joins_loses_nothing(pair):
    """Its rows of before ALTER PUBLICATION are not in the stream."""
    pipeline = item_pipeline(pair, publish="TABLE event")
    early = open_transaction(pair.source, "INSERT INTO item (id, body) VALUES (-1, 'before')")
    pair.source.execute(f"ALTER PUBLICATION {pipeline.name} ADD TABLE item")
    pipeline.start(wait=False)
    pipeline.wait_event("copy_waiting")
    early.execute("INSERT INTO item (id, body) VALUES (-2, 'after')")
    early.commit()
    finish(pair, pipeline)


def waits_for_xid(database, session, holder) -> bool:
    """Does the session wait for the end of the other's transaction?"""
    return database.value("SELECT %s = ANY (pg_blocking_pids(%s))", holder.info.backend_pid, session)


def test_transactions_that_are_open_across_the_making_of_the_slot(pair):
    pair.both(ITEM + EVENT)
    fill(pair.source)
    pipeline = pair.pipeline(slot=False, copy=True, env=SMALL_RANGES)
    first = open_transaction(pair.source, "INSERT INTO event VALUES ('first, before')")
    making = Background(pipeline.create_slot)
    creator = wait_until(lambda: blocked_by(pair.source, first))
    second = open_transaction(pair.source, "INSERT INTO event VALUES ('second, while the slot is made')",
                              "UPDATE item SET n = 2 WHERE id = 2")
    first.execute("INSERT INTO event VALUES ('first, while the slot is made')")
    first.commit()
    wait_until(lambda: waits_for_xid(pair.source, creator, second))
    third = open_transaction(pair.source, "INSERT INTO event VALUES ('third, while the slot is made')",
                             "UPDATE item SET id = 9003 WHERE id = 3", "SAVEPOINT s", "DELETE FROM item WHERE id = 4")
    short = open_transaction(pair.source, "INSERT INTO event VALUES ('short, while the slot is made')")
    short.commit()
    second.commit()
    making.result()
    third.execute("INSERT INTO event VALUES ('third, after')")
    pipeline.start(wait=False)
    assert pid_of(third) in pipeline.wait_event("copy_waiting")["for"]
    third.execute("UPDATE item SET n = 3 WHERE id = 9003")
    third.commit()
    finish(pair, pipeline)


def blocked_by(database, session) -> int | None:
    """A session that waits for this one."""
    rows = database.rows("SELECT pid FROM pg_stat_activity WHERE %s = ANY (pg_blocking_pids(pid))", session.info.backend_pid)
    return rows[0][0] if rows else None


# Commits that have written their record but wait for a synchronous standby: others do not see them yet.

NOT_WAITING = "SET LOCAL synchronous_commit = local"


def waiting_commits(database) -> int:
    return database.value("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'")


def test_a_commit_that_waits_for_a_standby_while_the_slot_is_made(own_pair):
    """Its record lies before the slot's starting point: it is not in the stream, and a snapshot does not see it."""
    source = own_pair.source
    own_pair.both(ITEM + EVENT)
    fill(source)
    pipeline = own_pair.pipeline(slot=False, copy=True, env=SMALL_RANGES)
    first = open_transaction(source, NOT_WAITING, "INSERT INTO event VALUES ('first')")
    making = Background(pipeline.create_slot)
    creator = wait_until(lambda: blocked_by(source, first))
    second = open_transaction(source, NOT_WAITING, "INSERT INTO event VALUES ('second')")
    source.server.configure(synchronous_standby_names="nobody")
    first.commit()
    wait_until(lambda: waits_for_xid(source, creator, second))
    hanging = Background(lambda: source.execute("INSERT INTO event VALUES ('hanging'); UPDATE item SET n = 1 WHERE id = 1"))
    wait_until(lambda: waiting_commits(source) == 1)
    second.commit()
    making.result()
    pipeline.start(wait=False)
    pipeline.wait_event("copy_waiting")
    assert own_pair.target.value("SELECT count(*) FROM event") == 0
    source.server.configure(synchronous_standby_names="")
    hanging.result()
    finish(own_pair, pipeline)
    assert own_pair.target.value("SELECT count(*) FROM event WHERE body = 'hanging'") == 1


@pytest.mark.parametrize("last", [True, False], ids=["the last one", "one of several"])
def test_a_commit_that_waits_for_a_standby_across_the_snapshot(own_pair, last):
    """Its record lies before the horizon, but the snapshot does not see it: the stream has to bring it."""
    source = own_pair.source
    pipeline = item_pipeline(own_pair)
    before = open_transaction(source, NOT_WAITING, "INSERT INTO event VALUES ('before')")
    pipeline.start(wait=False)
    pipeline.wait_event("copy_waiting")
    source.server.configure(synchronous_standby_names="nobody")
    hanging = Background(lambda: source.execute("INSERT INTO event VALUES ('hanging'); UPDATE item SET n = 1 WHERE id = 1;"
                                                "UPDATE item SET id = 9002 WHERE id = 2; DELETE FROM item WHERE id = 3"))
    wait_until(lambda: waiting_commits(source) == 1)
    if not last:  # a later one, which the snapshot does see
        source.execute(f"BEGIN; {NOT_WAITING}; INSERT INTO event VALUES ('later'); COMMIT")
    before.commit()
    pipeline.wait_state("streaming")
    wait_until(lambda: own_pair.target.value("SELECT count(*) FROM event WHERE body = 'hanging'") == 1, what=pipeline.log_tail)
    assert hanging.running
    source.server.configure(synchronous_standby_names="")
    hanging.result()
    finish(own_pair, pipeline)


def test_a_prepared_transaction_is_waited_for(own_pair):
    source = own_pair.source
    source.server.settings["max_prepared_transactions"] = 5
    source.server._write_settings()
    source.server.restart()
    pipeline = item_pipeline(own_pair)
    source.execute("BEGIN; INSERT INTO event VALUES ('prepared'); DELETE FROM item WHERE id = 1; PREPARE TRANSACTION 'mine'")
    pipeline.start(wait=False)
    pipeline.wait_event("copy_waiting")
    assert wait_copying(pipeline, lambda copy: copy["waiting_for"]), "the status says for what"
    source.execute("COMMIT PREPARED 'mine'")
    finish(own_pair, pipeline)


# DDL on the source

@pytest.mark.parametrize("ddl, rows", [
    ("ALTER TABLE item ALTER body TYPE text USING body || ''", ROWS), ("TRUNCATE item", 0), ("VACUUM FULL item", ROWS)],
    ids=["alter", "truncate", "vacuum full"])
def test_what_rewrites_the_table_waits_until_it_is_copied(pair, ddl, rows):
    """An old snapshot sees an empty table after these."""
    pipeline = item_pipeline(pair, copy={"workers": 2})
    hold = Hold(pair.target, "item", HALF)
    pipeline.start(wait=False)
    hold.wait_reached(what=pipeline.log_tail)
    session = pair.source.connect()
    rewriting = Background(lambda: session.execute(ddl))
    wait_until(lambda: pair.source.value("SELECT count(*) FROM pg_locks WHERE pid = %s AND NOT granted", pid_of(session)))
    assert wait_copying(pipeline, lambda copy: pid_of(session) in str(copy["blocked"]) and copy)
    # Both workers have ranges left, which they copy beside the waiting one.
    hold.release()
    rewriting.result()
    if ddl.startswith("ALTER"):  # the values that it made are not in the stream
        pipeline.wait_gate("rewritten")
        assert pipeline.command("accept", "--table", "public.item").code == 0
    session.execute("INSERT INTO item (id, body) VALUES (10001, 'after')")
    finish(pair, pipeline)
    assert rows_copied(pipeline) == ROWS
    assert pair.target.value("SELECT count(*) FROM item") == rows + 1
    # And while it streams nothing is locked any more.
    session.execute("TRUNCATE item")
    finish(pair, pipeline)


def test_what_rewrites_a_table_that_no_worker_has_read_yet(pair):
    """Whoever asks for a table after the waiting ALTER waits behind it, also our workers."""
    pipeline = item_pipeline(pair, copy={"workers": 1}, env={"WALGATE_COPY_RANGE_BLOCKS": "50"})  # one snapshot for all
    pair.both("CREATE TABLE aside (id int PRIMARY KEY, body text)")
    fill(pair.source, table="aside")
    holds = [Hold(pair.target, table, "NEW.id = 1") for table in ("item", "aside")]
    pipeline.start(wait=False)
    holds[0].wait_reached(what=pipeline.log_tail)
    # One of the two is being copied, the other one is to come.
    tables = ("item", "aside")
    rewriting = [Background(lambda table=table: pair.source.execute(f"ALTER TABLE {table} ALTER body TYPE text USING body || ''"))
                 for table in tables]
    for table in tables:
        wait_until(lambda: pair.source.value("SELECT count(*) FROM pg_locks WHERE relation = %s::regclass AND NOT granted", table))
    for hold in holds:
        hold.release()
    pipeline.wait_state("streaming")
    for each in rewriting:
        each.result()
    waited = set()  # what the rewriting made is not in the stream, and gates ask, in the order of the commits
    while len(waited) < len(tables):
        gate = wait_until(lambda: (gate := pipeline.wait_gate("the source has rewritten"))["relation"] not in waited and gate)
        waited.add(gate["relation"])
        assert pipeline.command("accept", "--table", gate["relation"]).code == 0
    pair.source.execute("UPDATE item SET n = 1; DELETE FROM aside WHERE id % 2 = 0")
    finish(pair, pipeline, "item", "aside")


def test_the_copy_waits_for_a_table_that_is_locked(pair):
    pipeline = item_pipeline(pair)
    locking = open_transaction(pair.source, "LOCK TABLE item IN ACCESS EXCLUSIVE MODE", "UPDATE item SET n = 1",
                               "ALTER TABLE item ALTER body TYPE text USING body || ''")
    pipeline.start(wait=False)
    assert wait_copying(pipeline, lambda copy: pid_of(locking) in str(copy["waiting_for"]))
    locking.commit()
    finish(pair, pipeline)


# Many, large and empty ones

def test_a_thousand_small_tables(pair):
    number = 1000
    create = "CREATE TABLE t{0} (id int PRIMARY KEY, body text);"
    pair.both("".join(create.format(n) for n in range(number)))
    pair.source.execute("".join(f"INSERT INTO t{n} SELECT g, md5(g::text) FROM generate_series(1, {n % 7}) g;"
                                for n in range(number)))

    def one(session, rng, n):
        session.execute(f"INSERT INTO t{rng.randrange(number)} VALUES (%s, 'streamed')", (100 + n,))
    with Load(pair.source, one, sessions=2, seed=8, pause=0.01):
        pipeline = pair.pipeline(copy=True).start(wait=False)
        pipeline.wait_state("streaming", seconds=90)
    status = catch_up(pipeline)
    assert len(status["tables"]) == number
    everything = " UNION ALL ".join(f"SELECT {n}, id, body FROM t{n}" for n in range(number)) + " ORDER BY 1, 2"
    assert pair.source.rows(everything) == pair.target.rows(everything)
    assert len(pipeline.events("table_copied")) == number


def test_values_of_a_megabyte_that_others_leave_alone_meanwhile(pair):
    pair.both("CREATE TABLE big (id int PRIMARY KEY, note int, body text); ALTER TABLE big ALTER body SET STORAGE EXTERNAL")
    pair.source.execute("INSERT INTO big SELECT g, 0, (SELECT string_agg(md5((g * n)::text), '')"
                        " FROM generate_series(1, 32768) n) FROM generate_series(1, 60) g")
    hold = Hold(pair.target, "big", "NEW.id = 30")
    pipeline = pair.pipeline(copy=True, env={"WALGATE_COPY_RANGE_BLOCKS": "1"}).start(wait=False)
    hold.wait_reached(what=pipeline.log_tail)
    # The stream does not carry these values: they have to be there.
    pair.source.execute("UPDATE big SET note = id; UPDATE big SET id = id + 1000 WHERE id % 10 = 0;"
                        "DELETE FROM big WHERE id = 7")
    hold.release()
    finish(pair, pipeline, "big")
    assert pipeline.peak_memory_bytes() < 200 * 2**20


def test_empty_tables(pair):
    pair.both("CREATE TABLE empty (id int PRIMARY KEY); CREATE TABLE emptied (id int PRIMARY KEY)")
    pair.source.execute("INSERT INTO emptied SELECT generate_series(1, 1000)")
    pair.source.execute("DELETE FROM emptied")
    pipeline = pair.pipeline(copy=True).start()
    assert set(states(pipeline.status()).values()) <= {"copied", "streaming"}
    assert len(pipeline.events("table_copied", rows=0)) == 2
    pair.source.execute("INSERT INTO empty VALUES (1); INSERT INTO emptied VALUES (2)")
    finish(pair, pipeline, "empty", "emptied")


# Accidents

@pytest.mark.parametrize("side", ["source", "target"])
def test_sessions_that_are_terminated_while_the_tables_are_copied(pair, side):
    pipeline = item_pipeline(pair, copy={"workers": 2})
    hold = Hold(pair.target, "item", HALF)
    pipeline.start(wait=False)
    hold.wait_reached(what=pipeline.log_tail)
    database = getattr(pair, side)
    ended = database.value("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database()"
                           " AND application_name LIKE 'walgate%%' AND backend_type = 'client backend'")
    assert ended >= 2
    hold.release()
    finish(pair, pipeline)
    assert pipeline.status()["counters"]["retries"] >= 1


@pytest.mark.parametrize("side", ["source", "target"])
def test_a_server_that_crashes_while_the_tables_are_copied(own_pair, side):
    pipeline = item_pipeline(own_pair, copy={"workers": 2})
    hold = Hold(own_pair.target, "item", HALF)
    pipeline.start(wait=False)
    hold.wait_reached(what=pipeline.log_tail)
    server = getattr(own_pair, side).server
    server.kill9()
    server.start()
    own_pair.source.execute("UPDATE item SET n = 1 WHERE id % 100 = 0; DELETE FROM item WHERE id % 101 = 0")
    hold.release()
    finish(own_pair, pipeline)


def test_a_stop_while_the_tables_are_copied(pair):
    pipeline = item_pipeline(pair)
    hold = Hold(pair.target, "item", HALF)
    pipeline.start(wait=False)
    hold.wait_reached(what=pipeline.log_tail)
    assert pipeline.stop(seconds=10) == 0
    hold.release()
    assert copy_states(pair)["item"] == "copying"
    pipeline.start()
    finish(pair, pipeline)


def test_two_schemas_of_one_database(pair):
    """The copy waits for all transactions of the cluster that were running, but not for its own."""
    database = pair.source
    database.execute("CREATE SCHEMA a; CREATE SCHEMA b; CREATE TABLE a.item (id int PRIMARY KEY, body text);"
                     "CREATE TABLE b.item (id int PRIMARY KEY, body text); CREATE TABLE a.other (id int PRIMARY KEY);"
                     "CREATE TABLE b.other (id int PRIMARY KEY)")
    fill(database, table="a.item")
    database.execute("INSERT INTO a.other SELECT generate_series(1, 1000)")
    pipeline = pair.pipeline(publish="TABLES IN SCHEMA a", copy={"workers": 2}, env=SMALL_RANGES, config={
        "target": {"conninfo": database.conninfo()}, "tables": [{"source": "a.*", "target": "b.*"}]}).start()
    database.execute("UPDATE a.item SET body = 'x' WHERE id % 10 = 0")
    catch_up(pipeline)
    compare.assert_same(database, database, "a.item", "b.item")
    compare.assert_same(database, database, "a.other", "b.other")
