"""What passes by itself is waited for; the source can always shut down."""
import threading
import time

import psycopg
import pytest

from harness import wait_until


@pytest.fixture
def shop(pair):
    pair.both("CREATE TABLE item (id int PRIMARY KEY, name text)")
    return pair.pipeline().start()


@pytest.fixture
def own_shop(own_pair):
    own_pair.both("CREATE TABLE item (id int PRIMARY KEY, name text)")
    return own_pair.pipeline()


def test_a_target_that_is_down_is_waited_for(own_shop):
    own_shop.start()
    own_shop.target.server.stop()
    own_shop.source.execute("INSERT INTO item VALUES (1, 'while it was down')")
    status = own_shop.wait_state("retrying")
    assert status["error"]["name"] in ("connection_lost", "connection_failed", "server_shutting_down"), status
    own_shop.target.server.start()
    status = own_shop.wait_caught_up()
    assert status["state"] == "streaming" and status["error"] is None
    assert status["counters"]["retries"] > 0
    assert own_shop.target.rows("SELECT name FROM item") == [("while it was down",)]


def test_a_source_that_is_down_is_waited_for(own_shop):
    own_shop.start()
    own_shop.source.server.stop()
    own_shop.wait_state("retrying")
    own_shop.source.server.start()
    own_shop.source.execute("INSERT INTO item VALUES (1, 'after')")
    own_shop.wait_caught_up()
    assert own_shop.target.rows("SELECT name FROM item") == [("after",)]


@pytest.mark.parametrize("side", ["source", "target"])
def test_a_server_that_is_down_at_the_start_is_waited_for(own_shop, side):
    server = getattr(own_shop, side).server
    server.stop()
    own_shop.start(wait=False)
    own_shop.wait_state("retrying", "starting")
    wait_until(lambda: "connection_failed" in own_shop.log(), 10, own_shop.log_tail)
    assert own_shop.running
    server.start()
    own_shop.wait_state("streaming")


def test_the_source_shuts_down_while_the_service_runs(own_shop):
    own_shop.start()
    own_shop.source.execute("INSERT INTO item SELECT n, 'x' FROM generate_series(1, 20000) n")
    own_shop.source.server.stop("fast", seconds=20)
    own_shop.source.server.start()
    own_shop.wait_caught_up()
    assert own_shop.target.value("SELECT count(*) FROM item") == 20000


def test_the_source_shuts_down_while_the_target_is_down(own_shop):
    own_shop.start()
    own_shop.target.server.stop("immediate")
    own_shop.source.execute("INSERT INTO item SELECT n, repeat('x', 100) FROM generate_series(1, 20000) n")
    own_shop.wait_state("retrying")
    own_shop.source.server.stop("fast", seconds=45)
    own_shop.source.server.start()
    own_shop.target.server.start()
    own_shop.wait_caught_up()
    assert own_shop.target.value("SELECT count(*) FROM item") == 20000


def test_the_source_shuts_down_while_the_target_is_locked(own_shop):
    own_shop.start()
    with own_shop.target.connect(autocommit=False) as blocker:
        blocker.execute("LOCK TABLE item")
        own_shop.source.execute("INSERT INTO item SELECT n, repeat('x', 100) FROM generate_series(1, 20000) n")
        wait_until(lambda: own_shop.target.value("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"),
                   what="the service waits for the lock")
        own_shop.source.server.stop("fast", seconds=60)
    own_shop.source.server.start()
    own_shop.wait_caught_up()
    assert own_shop.target.value("SELECT count(*) FROM item") == 20000


def test_the_source_shuts_down_while_the_network_to_the_target_is_dead(own_shop, make_proxy):
    proxy = make_proxy(own_shop.target.server)
    own_shop.write_config(target={"conninfo": proxy.conninfo(own_shop.target)})
    own_shop.start()
    proxy.pause()
    own_shop.source.execute("INSERT INTO item SELECT n, repeat('x', 100) FROM generate_series(1, 20000) n")
    own_shop.source.server.stop("fast", seconds=60)
    own_shop.source.server.start()
    proxy.resume()
    own_shop.wait_caught_up()
    assert own_shop.target.value("SELECT count(*) FROM item") == 20000


def test_sigterm_ends_the_service_in_time_whatever_is_down(own_shop):
    own_shop.start()
    own_shop.target.server.stop("immediate")
    own_shop.source.execute("INSERT INTO item VALUES (1)")
    own_shop.wait_state("retrying")
    assert own_shop.stop(10) == 0
    own_shop.start(wait=False)
    own_shop.source.server.stop("immediate")
    wait_until(lambda: "connection_failed" in own_shop.log(), 20, own_shop.log_tail)
    assert own_shop.stop(10) == 0


def test_sigterm_ends_the_service_in_time_when_the_networks_are_dead(shop, pair, make_proxy):
    shop.stop()
    to_source, to_target = make_proxy(pair.source.server), make_proxy(pair.target.server)
    shop.write_config(source={"conninfo": to_source.conninfo(pair.source)},
                      target={"conninfo": to_target.conninfo(pair.target)})
    shop.start()
    pair.source.execute("INSERT INTO item VALUES (1)")
    shop.wait_caught_up()
    to_target.pause()
    pair.source.execute("INSERT INTO item VALUES (2)")
    wait_until(lambda: to_target.held_bytes, 10, "the service has sent the transaction")
    to_source.pause()
    assert shop.stop(10) == 0


def test_a_lock_on_the_target_is_waited_for(shop, pair):
    with pair.target.connect(autocommit=False) as blocker:
        blocker.execute("LOCK TABLE item")
        pair.source.execute("INSERT INTO item VALUES (1)")
        wait_until(lambda: pair.target.value("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                                             " AND datname = current_database()"), what="the service waits for the lock")
        assert shop.running
    shop.wait_caught_up()
    pair.assert_same("item")


def test_a_lock_timeout_of_the_role_is_no_permanent_error(shop, pair):
    # Whether the service sets its own time-out or meets the role's, 55P03 is tried again.
    shop.stop()
    role = pair.target_role("item")
    pair.target.execute(f"ALTER ROLE {role} SET lock_timeout = '50ms'; ALTER ROLE {role} SET statement_timeout = '200ms';"
                        f"ALTER ROLE {role} SET idle_in_transaction_session_timeout = '200ms'")
    pair.target.execute(f"GRANT ALL ON SCHEMA walgate TO {role}; GRANT ALL ON ALL TABLES IN SCHEMA walgate TO {role}")
    shop.close()
    other = pair.pipeline(name=pair.source.name + "_role", config={
        "target": {"conninfo": pair.target.conninfo(user=role), "replica_role": "never"}}).start()
    with pair.target.connect(autocommit=False) as blocker:
        blocker.execute("LOCK TABLE item")
        pair.source.execute("INSERT INTO item VALUES (1)")
        wait_until(lambda: pair.target.value("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                                             " AND datname = current_database()"), what="the service waits for the lock")
        time.sleep(1)  # longer than the role's time-outs
        assert other.running, other.log_tail()
    other.wait_caught_up()
    pair.assert_same("item")


def test_deadlocks_with_sessions_of_the_target_are_tried_again(shop, pair):
    pair.target.server.configure(deadlock_timeout="100ms")
    pair.source.execute("INSERT INTO item VALUES (1, ''), (2, '')")
    shop.wait_caught_up()
    with pair.target.connect(autocommit=False) as other:
        other.execute("SET deadlock_timeout = '20s'")  # so that the service is the one that is chosen
        other.execute("UPDATE item SET name = name WHERE id = 2")
        pair.source.execute("BEGIN; UPDATE item SET name = 'one' WHERE id = 1; UPDATE item SET name = 'two' WHERE id = 2; COMMIT")
        wait_until(lambda: pair.target.value("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                                             " AND datname = current_database()"), what="the service waits for the lock")
        thread = threading.Thread(target=lambda: other.execute("UPDATE item SET name = name WHERE id = 1"))
        thread.start()
        thread.join()
    status = shop.wait_caught_up()
    pair.assert_same("item")
    assert status["counters"]["retries"] >= 1
    assert "serialization_failure" in shop.log() or "40P01" in shop.log(), shop.log_tail()


def test_a_target_out_of_connections_is_waited_for(own_shop):
    own_shop.start()
    own_shop.stop()
    own_shop.target.server.configure(max_connections=6, max_wal_senders=0, superuser_reserved_connections=0)
    own_shop.target.server.restart()
    crowd = []
    with pytest.raises(psycopg.OperationalError):
        while True:
            crowd.append(own_shop.target.connect())
    own_shop.start(wait=False)
    wait_until(lambda: "too many clients" in own_shop.log(), 20, own_shop.log_tail)
    assert own_shop.running
    for session in crowd:
        session.close()
    own_shop.wait_state("streaming")


def test_retries_back_off(own_shop):
    # For ever, but not in a busy loop: a handful of lines in the log, not thousands.
    own_shop.start()
    own_shop.target.server.stop()
    own_shop.source.execute("INSERT INTO item VALUES (1)")
    own_shop.wait_state("retrying")
    before = own_shop.log().count("\n")
    time.sleep(3)
    assert own_shop.log().count("\n") - before < 30, own_shop.log_tail()
    assert own_shop.running
