"""Announced migrations: the source says in its own transaction which one the target needs there."""
import pytest

from harness import Hold, wait_until
from migrating import Files, Witness

ITEM = "CREATE TABLE item (id int PRIMARY KEY, name text);"
ADD = "ALTER TABLE item ADD {} int DEFAULT 5;"


@pytest.fixture
def gates(pair):
    """A function: `item` with one row, and a pipeline that streams."""
    def make(at_announcement="apply", **more) -> Files:
        pair.both(ITEM)
        files = Files(pair, **({"publish": "ALL TABLES", "slot": True} | more))
        files.pipeline.write_config(migrations={"at_announcement": at_announcement})
        files.witness = Witness(pair.target)
        files.pipeline.start()
        pair.source.execute("INSERT INTO item VALUES (1, 'before')")
        files.pipeline.wait_caught_up()
        return files
    return make


BEING_BUILT = "SELECT count(*) FROM pg_stat_progress_create_index WHERE command = 'CREATE INDEX CONCURRENTLY'"


def add(files, column="a", announced="0001_a", rows="INSERT INTO item VALUES (2, 'inside', 6);"):
    files.pair.source.execute(ADD.format(column) + files.announce(announced) + rows)


def test_without_leave_to_apply_the_stream_waits_for_a_person(gates):
    files = gates("wait").put("0001_a.sql", ADD.format("a"))
    add(files)
    gate = files.closed("announced the migration 0001_a, which is not applied", migration="0001_a")
    assert gate["relation"] is None and "walgate migrate up" in files.pipeline.status()["next_step"]
    files.witness.saw_only()
    assert files.up() == ["0001_a"]
    files.passed()


def test_the_default_is_to_apply_where_there_is_a_role_for_it(gates, pair):
    files = gates(...).put("0001_a.sql", ADD.format("a")).put("0002_b.sql", ADD.format("b"))
    add(files)
    files.closed(migration="0001_a")
    files.pipeline.write_config(migrations={"conninfo": pair.target.conninfo()})
    assert files.pipeline.stop() == 0
    files.pipeline.start()
    add(files, "b", "0002_b", "INSERT INTO item VALUES (3, 'inside', 6, 7);")
    files.passed()
    assert files.ledger() == {"0001_a": "done", "0002_b": "done"}


@pytest.mark.parametrize("policy", ["apply", "wait"])
def test_what_is_applied_already_asks_for_nothing(gates, policy):
    files = gates(policy).put("0001_a.sql", ADD.format("a"))
    assert files.up() == ["0001_a"]
    add(files)
    files.pair.source.execute(files.announce("0001_a") + "INSERT INTO item VALUES (3, 'again', 7)")  # announced twice
    files.passed()
    assert not files.pipeline.events("gate_closed")


def test_two_announcements_in_one_transaction(gates):
    files = gates().put("0001_a.sql", ADD.format("a")).put("0002_b.sql", ADD.format("b"))
    files.pair.source.execute(ADD.format("a") + files.announce("0001_a") + "INSERT INTO item VALUES (2, 'x', 6);" + ADD.format("b")
                              + files.announce("0002_b") + files.announce("0001_a") + "INSERT INTO item VALUES (3, 'y', 7, 8);")
    files.passed()
    assert files.ledger() == {"0001_a": "done", "0002_b": "done"}
    assert len(files.pipeline.events("migration_applied")) == 2


def test_an_announcement_brings_the_files_before_it_and_none_after_it(gates):
    files = gates().put("0001_a.sql", ADD.format("a")).put("0002_b.sql", "CREATE INDEX ON item (name)").put("0003_c.sql", ADD.format("c"))
    add(files, announced="0002_b")
    files.passed()
    assert files.ledger() == {"0001_a": "done", "0002_b": "done"}


def test_an_announcement_behind_the_rows_that_it_is_for(gates):
    files = gates().put("0001_a.sql", ADD.format("a"))
    files.pair.source.execute(ADD.format("a") + "INSERT INTO item VALUES (2, 'inside', 6);" + files.announce("0001_a"))
    files.passed()
    assert not files.pipeline.events("gate_closed")


def test_an_announcement_in_a_transaction_of_its_own(gates):
    files = gates().put("0001_a.sql", "CREATE INDEX item_name ON item (name)")
    files.pair.source.execute(files.announce("0001_a"))
    files.passed()
    assert files.ledger() == {"0001_a": "done"}
    files.pair.source.execute(files.announce("0002_b"))
    files.closed("has no file 0002_b.sql", migration="0002_b")
    files.put("0002_b.sql", "DROP INDEX item_name")
    files.passed()
    files.witness.saw_only(f"walgate {files.name} migrate")


def test_a_missing_file_holds_the_stream_until_it_is_there(gates):
    files = gates()
    add(files)
    files.closed("has no file 0001_a.sql", migration="0001_a")
    assert files.pair.target.value("SELECT count(*) FROM item") == 1
    files.put("0001_a.sql", ADD.format("a"))
    files.passed()


def test_others_announcements_and_odd_messages_are_none_of_ours(gates):
    files = gates()
    files.pair.source.execute("SELECT walgate.announce_migration('another', '0001_a'); INSERT INTO item VALUES (2, 'x')")
    for content in ("", "x", "[]", "{}", '{"pipeline": 1}', f'{{"pipeline": "{files.name}"}}', f'{{"pipeline": "{files.name}", "migration": 7}}',
                    f'{{"pipeline": "{files.name}", "migration": ""}}', '{"pipeline": "' + "x" * 100000, "\\xff\\xfe"):
        files.pair.source.rows("SELECT pg_logical_emit_message(true, 'walgate.migration', %s)", content)
    # What is not part of a transaction announces nothing.
    files.pair.source.rows("SELECT pg_logical_emit_message(false, 'walgate.migration', %s)", f'{{"pipeline": "{files.name}", "migration": "0001_a"}}')
    with pytest.raises(Exception, match="is no name of a migration"):
        files.pair.source.execute("SELECT walgate.announce_migration('another', '1_a')")
    files.passed()
    assert not files.pipeline.events("gate_closed") and files.pipeline.status()["state"] == "streaming"


@pytest.mark.parametrize("name", ["nonsense", "../../etc/passwd", "0000_zero", "0001_a.sql", "0001_a'; DROP TABLE item; --", "0001_" + "x" * 5000], ids=range(6))
def test_a_name_that_is_none_holds_the_stream_until_a_person_leaves_it_out(gates, name):
    files = gates().put("0001_a.sql", ADD.format("a"))
    files.pair.source.rows("SELECT pg_logical_emit_message(true, 'walgate.migration', jsonb_build_object('pipeline', %s::text, 'migration', %s::text)::text)",
                           files.name, name)
    gate = files.closed("which is no name of a migration", migration=name)
    assert files.pipeline.command("skip", "--lsn", gate["lsn"]).code == 0
    files.pair.source.execute("INSERT INTO item VALUES (2, 'x')")
    files.passed()
    assert files.ledger() == {}
    files.witness.saw_only()


INDEX = "-- walgate: no-transaction\nCREATE INDEX CONCURRENTLY item_name ON item (name)"


def test_the_stream_waits_for_an_announced_index(gates):
    files = gates().put("0001_a.sql", INDEX)
    with files.pair.target.connect(autocommit=False) as old:
        old.execute("SELECT txid_current()")
        old.execute("INSERT INTO item VALUES (99, 'x')")
        files.pair.source.execute(files.announce("0001_a") + "INSERT INTO item VALUES (2, 'x')")
        wait_until(lambda: files.pair.target.value(BEING_BUILT) == 1, what="the index is begun")
        files.pipeline.kill9()  # the session on the target lives, and goes on
        assert files.ledger() == {"0001_a": "running"}
        files.pipeline.start(wait=False)
        files.pipeline.wait_event("migration_waits")
        assert files.pair.target.value("SELECT count(*) FROM item") == 1
        oid = files.pair.target.value("SELECT indexrelid::int FROM pg_index WHERE indexrelid = to_regclass('item_name')")
        old.rollback()
    files.pipeline.wait_state("streaming")
    files.passed()
    assert files.ledger() == {"0001_a": "done"}
    assert files.pair.target.rows("SELECT 'item_name'::regclass::int, indisvalid FROM pg_index WHERE indexrelid = 'item_name'::regclass") == [(oid, True)]


def test_an_announced_index_that_was_cut_off_waits_for_a_person(gates):
    files = gates().put("0001_a.sql", INDEX)
    with files.pair.target.connect(autocommit=False) as old:
        old.execute("SELECT txid_current()")
        old.execute("INSERT INTO item VALUES (99, 'x')")
        files.pair.source.execute(files.announce("0001_a") + "INSERT INTO item VALUES (2, 'x')")
        wait_until(lambda: files.pair.target.value(BEING_BUILT) == 1, what="the index is begun")
        files.pipeline.kill9()
        files.pair.target.rows("SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE '%%migrate'")
        old.rollback()
    files.pipeline.start(wait=False)
    files.closed("is there and invalid", migration="0001_a")
    assert "DROP INDEX CONCURRENTLY public.item_name" in files.pipeline.status()["next_step"]
    files.pair.target.execute("DROP INDEX CONCURRENTLY item_name")
    assert files.up() == ["0001_a"]
    files.passed()


# Files that wait for the copy

def test_files_that_wait_for_the_copy_are_applied_by_the_service(pair):
    pair.both("CREATE TABLE item (id int PRIMARY KEY, name text); CREATE TABLE line (id int PRIMARY KEY, item int);")
    pair.source.execute("INSERT INTO item SELECT g, 'x' FROM generate_series(1, 100) g; INSERT INTO line SELECT g, g FROM generate_series(1, 100) g")
    files = Files(pair, publish="ALL TABLES", slot=True, copy={"workers": 1})
    files.pipeline.write_config(migrations={"at_announcement": "apply"})
    files.put("0001_key.sql", "-- walgate: after-copy\nALTER TABLE line ADD FOREIGN KEY (item) REFERENCES item").put("0002_more.sql", ADD.format("a"))
    hold = Hold(pair.target, "line", "NEW.id = 50")
    files.pipeline.start(wait=False)
    hold.wait_reached()
    pair.source.execute("INSERT INTO item VALUES (200, 'y'); INSERT INTO line VALUES (200, 200)")
    pair.source.execute("DELETE FROM line WHERE id = 1")
    pair.source.execute("DELETE FROM item WHERE id = 1")
    assert files.ledger() == {}
    hold.release()
    wait_until(lambda: files.ledger() == {"0001_key": "done"}, what=lambda: files.pipeline.log_tail())
    files.pipeline.wait_state("streaming")
    files.passed("item", "line")
    assert pair.target.value("SELECT count(*) FROM pg_constraint WHERE conrelid = 'line'::regclass AND contype = 'f' AND convalidated") == 1
    assert files.pipeline.stop() == 0
    files.pipeline.start()
    pair.source.execute("INSERT INTO item VALUES (201, 'y'); INSERT INTO line VALUES (201, 201)")
    files.passed("item", "line")
    assert len(files.pipeline.events("migration_applied")) == 1 and files.states() == {"0001_key": "applied", "0002_more": "pending"}
