"""Whatever is killed, cut or lost: every change reaches the target once.

Two exact counters watch the target.  A table without any key, where a repeated insert is one more row; and a trigger that
fires ALWAYS (also in a replica session) and writes down every applied row change, beside the same trigger on the source.
"""
import random
import time

import pytest

from harness import Load, assert_same, lsn, wait_until

COUNTED = """
    CREATE TABLE account (id int PRIMARY KEY, amount int NOT NULL);
    CREATE TABLE event (body text NOT NULL);
    CREATE TABLE counted (op text, id int, amount int);
    CREATE FUNCTION count_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF TG_OP = 'DELETE' THEN INSERT INTO public.counted VALUES (TG_OP, OLD.id, NULL);
      ELSE INSERT INTO public.counted VALUES (TG_OP, NEW.id, NEW.amount); END IF;
      RETURN NULL;
    END $$;
    CREATE TRIGGER count_change AFTER INSERT OR UPDATE OR DELETE ON account FOR EACH ROW EXECUTE FUNCTION count_change();
    ALTER TABLE account ENABLE ALWAYS TRIGGER count_change"""


def counted_pipeline(pair, **more):
    pair.both(COUNTED)
    return pair.pipeline(publish="TABLE account, event WITH (publish = 'insert, update, delete')", **more)


def work(session, rng, number):
    """A transaction with some of everything; its events are unique."""
    first = number * 10
    for n in range(rng.randint(1, 4)):
        session.execute("INSERT INTO account VALUES (%s, 0)", (first + n,))
        session.execute("INSERT INTO event VALUES (%s)", (f"{number}/{n}",))
    session.execute("UPDATE account SET amount = amount + 1 WHERE id = %s", (first,))
    old = rng.randrange(max(1, number)) * 10
    session.execute("UPDATE account SET amount = amount + 1 WHERE id = %s", (old,))
    if rng.random() < 0.3:
        session.execute("DELETE FROM account WHERE id = %s", (old + 1,))


def assert_exact(pair):
    """Nothing is missing and nothing was done twice."""
    assert_same(pair.source, pair.target, "event")
    assert_same(pair.source, pair.target, "account")
    assert_same(pair.source, pair.target, "counted")


def test_a_hundred_kills_of_the_service(pair, make_proxy):
    proxy = make_proxy(pair.target.server)
    proxy.delay = 0.002  # a COMMIT is under way long enough to be hit
    pipeline = counted_pipeline(pair, config={"target": {"conninfo": proxy.conninfo(pair.target)}, "limits": {"batch_rows": 20}})
    rng = random.Random(41)
    kills = in_transaction = in_commit = while_starting = 0
    with Load(pair.source, work, sessions=2, seed=41, pause=0.02):
        while kills < 100 or in_transaction < 10 or in_commit < 10:
            assert kills < 250, f"{in_transaction} open transactions and {in_commit} COMMITs hit by {kills} kills"
            starting = kills % 10 == 9
            pipeline.start(wait=not starting)
            time.sleep(rng.uniform(0, 0.25))
            assert pipeline.running, pipeline.log_tail()
            pipeline.freeze()
            commit_is_under_way = proxy.unanswered_commits() > 0
            transaction_is_open = pair.target.value(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND backend_xid IS NOT NULL") > 0
            pipeline.kill9()
            kills += 1
            while_starting += starting
            in_commit += commit_is_under_way
            in_transaction += transaction_is_open and not commit_is_under_way
    print(f"{kills} kills: {in_transaction} in an open transaction, {in_commit} in a COMMIT, {while_starting} while starting")
    pipeline.start().wait_caught_up()
    assert_exact(pair)
    assert pair.target.value("SELECT count(*) FROM event") > 1000
    assert kills - while_starting >= 90


def test_commits_whose_replies_are_lost(pair, make_proxy):
    proxy = make_proxy(pair.target.server)
    pipeline = counted_pipeline(pair, config={"target": {"conninfo": proxy.conninfo(pair.target)}}).start()
    with Load(pair.source, work, sessions=2, seed=5, pause=0.01):
        for lost in range(1, 16):
            proxy.lose_commit_replies()
            wait_until(lambda: proxy.commits_lost == lost, 30, lambda: pipeline.log_tail())
            before = lsn((pipeline.status() or {}).get("applied_lsn"))
            wait_until(lambda: lsn((pipeline.status() or {}).get("applied_lsn")) > before, 30, lambda: pipeline.log_tail())
    status = pipeline.wait_caught_up()
    assert_exact(pair)
    assert status["counters"]["retries"] >= 15


def test_several_replies_are_lost_in_a_row(pair, make_proxy):
    proxy = make_proxy(pair.target.server)
    pipeline = counted_pipeline(pair, config={"target": {"conninfo": proxy.conninfo(pair.target)}}).start()
    with Load(pair.source, work, sessions=2, seed=6, pause=0.005):
        for _ in range(4):
            # The second one is that of the new session, which takes the pipeline over.
            before = pipeline.source.value("SELECT pg_current_wal_insert_lsn()::text")
            lost = proxy.commits_lost
            proxy.lose_commit_replies(2)
            wait_until(lambda: proxy.commits_lost == lost + 2, 60, lambda: pipeline.log_tail())
            pipeline.wait_applied(before)
    pipeline.wait_caught_up()
    assert_exact(pair)


@pytest.mark.parametrize("rows", [100, 50_000], ids=["whole", "cut off"])
def test_the_statements_of_a_killed_service_arrive_late(pair, make_proxy, rows):
    # The old service's transaction lies in a dead network, whole or (more than all buffers hold) its first part, while its
    # sessions stay; a new service starts; then the network gives everything back.
    proxy = make_proxy(pair.target.server)
    pipeline = counted_pipeline(pair, config={"target": {"conninfo": proxy.conninfo(pair.target)}}).start()
    pair.source.execute("INSERT INTO event VALUES ('before')")
    pipeline.wait_caught_up()
    proxy.pause()
    pair.source.execute(f"INSERT INTO event SELECT repeat('late ', 50) || n FROM generate_series(1, {rows}) n")
    wait_until(lambda: proxy.held_bytes, 20, "the service has sent something into the dead network")
    pipeline.kill9()
    pipeline.write_config(target={"conninfo": pair.target.conninfo()})
    pipeline.start(wait=False)
    # Whether the new service ends the old sessions or waits for them, what they hold must not be done twice.
    wait_until(lambda: (pipeline.status() or {}).get("state") in ("starting", "retrying", "streaming"), 10)
    proxy.resume()
    pipeline.wait_state("streaming", seconds=60)
    pair.source.execute("INSERT INTO event VALUES ('after')")
    pipeline.wait_caught_up()
    assert_exact(pair)
    assert pair.target.value("SELECT count(*) FROM event") == rows + 2


def test_a_service_that_was_fenced_off_cannot_commit(pair):
    # What a second service does first, done behind the first one's back: from then on nothing of the first may commit.
    pipeline = counted_pipeline(pair).start()
    pair.source.execute("INSERT INTO event VALUES ('before')")
    pipeline.wait_caught_up()
    pair.target.execute("UPDATE walgate.progress SET epoch = epoch + 1")
    before = pair.target.rows("SELECT position::text, epoch FROM walgate.progress")
    pair.source.execute("INSERT INTO event VALUES ('fenced off')")
    pipeline.assert_stopped("position_moved")
    assert pair.target.rows("SELECT body FROM event") == [("before",)]
    assert pair.target.rows("SELECT position::text, epoch FROM walgate.progress") == before
    pipeline.start().wait_caught_up()
    assert_exact(pair)


def test_a_position_that_somebody_moved_stops(pair):
    pipeline = counted_pipeline(pair).start()
    pair.source.execute("INSERT INTO event VALUES ('before')")
    pipeline.wait_caught_up()
    pair.target.execute("UPDATE walgate.progress SET position = position + 16")
    pair.source.execute("INSERT INTO event VALUES ('not applied')")
    pipeline.assert_stopped("position_moved")
    assert pair.target.rows("SELECT body FROM event") == [("before",)]


def test_restarts_of_either_server(own_pair):
    pipeline = counted_pipeline(own_pair).start()
    rng = random.Random(7)
    accidents = [(side, how) for side in ("source", "target") for how in ("fast", "immediate", "kill9")] * 2
    rng.shuffle(accidents)
    with Load(own_pair.source, work, sessions=3, seed=7, pause=0.004, survives=True):
        for side, how in accidents:
            time.sleep(rng.uniform(0.05, 0.4))
            server = getattr(own_pair, side).server
            if how == "kill9":
                server.kill9()
                server.start()
            else:
                server.restart(how)
            before = own_pair.source.value("SELECT pg_current_wal_insert_lsn()::text")
            pipeline.wait_applied(before, 60)
    pipeline.wait_caught_up()
    assert_exact(own_pair)


def test_a_crash_of_the_target_loses_nothing_that_was_acknowledged(own_pair):
    # Commits that do not wait for the disk stay in memory for seconds here, and a killed server forgets them: whoever
    # acknowledges them to the source before they are durable loses them.
    own_pair.target.server.configure(wal_writer_delay="3s", wal_writer_flush_after="16MB")
    pipeline = counted_pipeline(own_pair).start()
    for round_ in range(4):
        with Load(own_pair.source, work, sessions=3, seed=round_, pause=0.002, first=round_ * 100_000) as load:
            wait_until(lambda: load.committed > 300)
        pipeline.wait_caught_up()
        own_pair.target.server.kill9()
        # The source forgets what was acknowledged; only its slot knows.
        own_pair.source.execute("CHECKPOINT")
        own_pair.target.server.start()
        pipeline.wait_caught_up()
        assert_exact(own_pair)


def test_nothing_is_acknowledged_before_it_is_durable(own_pair):
    # As above, seen from the slot: it stays behind the position that the target's disk holds.
    own_pair.target.server.configure(wal_writer_delay="10s", wal_writer_flush_after="1GB")
    pipeline = counted_pipeline(own_pair).start()
    own_pair.source.execute("INSERT INTO event SELECT 'event ' || n FROM generate_series(1, 1000) n")
    pipeline.wait_caught_up()
    confirmed = pipeline.slot_row()["confirmed_flush_lsn"]
    own_pair.target.server.kill9()
    pipeline.kill9()
    own_pair.target.server.start()
    pipeline.start().wait_caught_up()
    assert_exact(own_pair)
    assert lsn(pipeline.slot_row()["confirmed_flush_lsn"]) >= lsn(confirmed)


def test_sessions_that_are_terminated_on_either_server(pair):
    pipeline = counted_pipeline(pair).start()
    rng = random.Random(9)
    with Load(pair.source, work, sessions=2, seed=9, pause=0.01):
        for _ in range(15):
            database = rng.choice([pair.source, pair.target])
            time.sleep(rng.uniform(0, 0.1))
            wait_until(lambda: database.value(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database()"
                " AND application_name LIKE 'walgate%'"), 30, "a session of the service to terminate", every=0.05)
            before = pair.source.value("SELECT pg_current_wal_insert_lsn()::text")
            pipeline.wait_applied(before)
    pipeline.wait_caught_up()
    assert_exact(pair)


def test_cut_connections_to_either_server(pair, make_proxy):
    to_source, to_target = make_proxy(pair.source.server), make_proxy(pair.target.server)
    pipeline = counted_pipeline(pair, config={"source": {"conninfo": to_source.conninfo(pair.source)},
                                              "target": {"conninfo": to_target.conninfo(pair.target)}}).start()
    rng = random.Random(11)
    with Load(pair.source, work, sessions=2, seed=11, pause=0.01):
        for _ in range(20):
            time.sleep(rng.uniform(0, 0.15))
            rng.choice([to_source, to_target]).cut()
            before = pair.source.value("SELECT pg_current_wal_insert_lsn()::text")
            pipeline.wait_applied(before)
    pipeline.wait_caught_up()
    assert_exact(pair)


def test_sigterm_leaves_in_time_with_a_transaction_in_flight(pair):
    pipeline = counted_pipeline(pair)
    with Load(pair.source, work, sessions=3, seed=13, pause=0.002):
        for _ in range(8):
            pipeline.start()
            time.sleep(0.1)
            assert pipeline.stop(seconds=10) == 0
    pipeline.start().wait_caught_up()
    assert_exact(pair)


def test_a_large_transaction_in_flight_is_rolled_back_at_sigterm(pair):
    # A lock on the target keeps the transaction from ending: it cannot be finished, so it is rolled back.
    pipeline = counted_pipeline(pair).start()
    with pair.target.connect(autocommit=False) as blocker:
        blocker.execute("LOCK TABLE account")
        pair.source.execute("INSERT INTO event VALUES ('x'); INSERT INTO account VALUES (1, 1)")
        wait_until(lambda: pair.target.value("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                                             " AND datname = current_database()"), what="the service waits for the lock")
        assert pipeline.stop(seconds=10) == 0
        wait_until(lambda: not pair.target.value("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                                                 " AND datname = current_database()"), what="the session is gone")
    assert pair.target.value("SELECT count(*) FROM event") == 0
    pipeline.start().wait_caught_up()
    assert_exact(pair)
