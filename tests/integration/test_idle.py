"""While nothing that is published changes, the slot follows the WAL, and the source gets no write from us."""
import pytest

from harness import lsn, wait_until

MEGABYTE = 1024 * 1024


def behind(pipeline, column):
    """Bytes of WAL between the slot's position and the end."""
    end = lsn(pipeline.source.value("SELECT pg_current_wal_insert_lsn()::text"))
    return end - lsn(pipeline.slot_row()[column])


@pytest.fixture
def quiet(own_pair):
    """A running pipeline whose source role can neither write nor change anything."""
    own_pair.source.server.configure(autovacuum="off")  # its transactions would look like ours
    own_pair.both("CREATE TABLE item (id int PRIMARY KEY)")
    own_pair.source.execute("CREATE TABLE foreign_one (body text)")
    role = own_pair.role(own_pair.source, "REPLICATION")
    own_pair.source.execute(f"ALTER ROLE {role} SET default_transaction_read_only = on")
    pipeline = own_pair.pipeline(publish="TABLE item", config={"source": {"conninfo": own_pair.source.conninfo(user=role)}})
    pipeline.start()
    own_pair.source.execute("INSERT INTO item VALUES (1)")
    pipeline.wait_caught_up()
    return pipeline


def test_the_slot_follows_a_gigabyte_of_foreign_wal(quiet):
    source = quiet.source
    other = source.server.database("another_database")
    other.execute("CREATE TABLE foreign_two (body text)")
    before = lsn(source.value("SELECT pg_current_wal_insert_lsn()::text"))
    for _ in range(4):
        for database, table in ((source, "foreign_one"), (other, "foreign_two")):
            database.execute(f"INSERT INTO {table} SELECT repeat(md5(n::text), 30) FROM generate_series(1, 135000) n")
            assert quiet.running, quiet.log_tail()
    assert lsn(source.value("SELECT pg_current_wal_insert_lsn()::text")) - before > 1024 * MEGABYTE

    def followed():
        # A checkpoint writes the list of running transactions without which no slot can let go of WAL.
        source.execute("CHECKPOINT")
        return behind(quiet, "restart_lsn") < 32 * MEGABYTE and behind(quiet, "confirmed_flush_lsn") < 32 * MEGABYTE
    wait_until(followed, 45, lambda: f"restart_lsn {behind(quiet, 'restart_lsn')}, confirmed {behind(quiet, 'confirmed_flush_lsn')}"
                                     f" behind\n{quiet.log_tail()}", every=1)

    # Nobody but us is there now: a write of ours would take a transaction id.
    next_xid = "SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint"
    at_rest = source.value(next_xid)
    confirmed = quiet.slot_row()["confirmed_flush_lsn"]
    source.execute("CHECKPOINT; SELECT pg_switch_wal()")
    end = source.value("SELECT pg_current_wal_insert_lsn()::text")
    wait_until(lambda: lsn(quiet.slot_row()["confirmed_flush_lsn"]) > lsn(confirmed) or lsn(end) <= lsn(confirmed), 30)
    assert source.value(next_xid) == at_rest, "someone wrote to the source"

    # The position that was acknowledged is on the target: a restart goes on from there.
    assert quiet.stop() == 0
    source.execute("INSERT INTO item VALUES (2)")
    quiet.start().wait_caught_up()
    assert quiet.target.rows("SELECT id FROM item ORDER BY id") == [(1,), (2,)]


def test_an_idle_pipeline_does_not_write_to_the_target_all_the_time(quiet):
    # One write may be under way; then, with no foreign WAL at all, there is nothing to write down.
    next_xid = "SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint"
    quiet.target.server.configure(autovacuum="off")
    position = quiet.source.value("SELECT pg_current_wal_insert_lsn()::text")
    wait_until(lambda: lsn(quiet.slot_row()["confirmed_flush_lsn"]) >= lsn(position), 30)
    at_rest = quiet.target.value(next_xid)
    status = quiet.status()
    wait_until(lambda: (quiet.status() or {}).get("state") == "streaming", 5)
    assert quiet.target.value(next_xid) - at_rest <= 1
    assert status["retained_wal_bytes"] is not None
