"""Gates and accidents: the service is killed or away at each step, and nothing is lost, doubled or put in the wrong place."""
import pytest

from harness import Hold, wait_until
from migrating import Files, Witness, writing

BEAT = "CREATE TABLE beat (n int NOT NULL);"
ITEM = "CREATE TABLE item (id int PRIMARY KEY, name text, size int, note text);"
ROWS = "INSERT INTO item SELECT g, 'row ' || g, g * 10, 'note ' || g FROM generate_series(1, 30) g;"
FENCE = "CREATE TABLE fence (id int);"
"""On the target: a migration that writes to it can be held."""

DDL = "ALTER TABLE item RENAME name TO title; ALTER TABLE item ADD level int NOT NULL DEFAULT 7;"
BEFORE = "INSERT INTO item VALUES (41, 'x', 1, 'n'); UPDATE item SET name = 'old' WHERE id = 1;"
INSIDE = "INSERT INTO item VALUES (42, 'x', 1, 'n', 8); UPDATE item SET title = 'new', level = 9 WHERE id IN (2, 41);"
AFTER = "UPDATE item SET level = 10 WHERE id IN (3, 42); DELETE FROM item WHERE id = 4;"
WAYS = ("INSERT INTO item (id, title, level) VALUES ({n}, 'new', {n})", "INSERT INTO item (id, name) VALUES ({n}, 'old')")


@pytest.fixture
def gates(pair):
    """A function: tables on both sides, and a pipeline that has copied them and streams."""
    def make(at_announcement="wait", lock_timeout="100ms") -> Files:
        pair.both(BEAT + ITEM)
        pair.target.execute(FENCE)
        files = Files(pair, publish="ALL TABLES", slot=True, copy=True)
        files.pipeline.write_config(migrations={"at_announcement": at_announcement, "lock_timeout": lock_timeout})
        files.witness = Witness(pair.target)
        pair.source.execute(ROWS)
        files.pipeline.start()
        files.pipeline.wait_caught_up()
        return files
    return make


def change(files, announced=None, ddl=DDL, before=BEFORE, inside=INSIDE, after=AFTER):
    """The transaction that changes the table, and the next one."""
    files.pair.source.execute(before + ddl + (files.announce(announced) if announced else "") + inside)
    files.pair.source.execute(after)


def finish(files, *tables):
    """All is applied, by one run of the migration, and the sides are the same."""
    files.pipeline.wait_state("streaming")
    files.pipeline.wait_caught_up()
    files.passed(*(tables or ("item",)))
    assert set(files.ledger().values()) == {"done"}
    files.witness.saw_only(f"walgate {files.name} migrate")


def test_killed_before_the_gate(gates):
    files = gates()
    with writing(files.pair.source, *WAYS):
        files.pipeline.kill9()
        change(files)
        files.pipeline.start(wait=False)
        files.closed("has renamed the column name to title")
        files.put("0001_x.sql", DDL).up()
    finish(files, "item", "beat")


def test_killed_at_the_gate(gates):
    files = gates()
    with writing(files.pair.source, *WAYS):
        change(files)
        before = files.closed()
        files.pipeline.kill9()
        files.pipeline.start(wait=False)
        assert files.closed() | {"retained_bytes_per_minute": 0} == before | {"retained_bytes_per_minute": 0}
        files.pipeline.kill9()
        files.put("0001_x.sql", DDL).up()
        files.pipeline.start()
    finish(files, "item", "beat")


def test_killed_while_the_announced_migration_runs(gates):
    files = gates("apply")
    files.put("0001_x.sql", DDL + "INSERT INTO fence VALUES (1);")
    hold = Hold(files.pair.target, "fence")
    files.witness.saw_only("")
    with writing(files.pair.source, *WAYS):
        change(files, "0001_x")
        hold.wait_reached()
        files.pipeline.kill9()
        assert files.ledger() == {}
        files.pipeline.start(wait=False)
        files.pipeline.wait_event("migration_waits")
        hold.release()
    finish(files, "item", "beat")
    assert files.pair.target.value("SELECT count(*) FROM fence") == 1


def test_status_tells_of_a_migration_that_runs(gates):
    files = gates("apply")
    files.put("0001_x.sql", DDL + "INSERT INTO fence VALUES (1);")
    hold = Hold(files.pair.target, "fence")
    files.witness.saw_only("")
    assert files.pipeline.stop() == 0
    files.pipeline.start(env={"WALGATE_SLOT_IDLE_SECONDS": "2",  # as a source of 18 may say
                                "WALGATE_GATE_LOG_SECONDS": "1"})
    change(files, "0001_x")
    hold.wait_reached()
    gate = files.closed("announced the migration 0001_x, which the service applies", migration="0001_x")
    assert gate["relation"] is None and "pg_stat_activity" in files.pipeline.status()["next_step"]
    wait_until(lambda: files.pipeline.status()["gate"]["retained_bytes_per_minute"] is not None, what="what it costs")
    files.pipeline.wait_event("gate_waits", migration="0001_x", relation="")
    files.pipeline.wait_event("slot_used")
    files.pipeline.wait_event("slot_used", after=len(files.pipeline.log()))  # and again
    assert not files.pipeline.events("slot_not_used")
    assert files.pipeline.slot_row()["active"] is False and files.ledger() == {}
    hold.release()
    finish(files)
    assert not files.pipeline.events("gate_closed") and len(files.pipeline.events("migration_announced")) == 1


def test_asked_to_leave_while_the_announced_migration_runs(gates):
    files = gates("apply")
    files.put("0001_x.sql", DDL + "INSERT INTO fence VALUES (1);")
    hold = Hold(files.pair.target, "fence")
    files.witness.saw_only("")
    change(files, "0001_x")
    hold.wait_reached()
    assert files.pipeline.stop(30) == 0
    wait_until(lambda: hold.waiting() == 0, what="the statement is given up")
    assert files.ledger() == {}
    files.witness.saw_only()
    hold.release()
    files.pipeline.start()
    finish(files)


def test_a_migration_that_ends_in_time_is_kept(gates):
    files = gates("apply")
    files.put("0001_x.sql", DDL + "INSERT INTO fence VALUES (1);")
    hold = Hold(files.pair.target, "fence")
    files.witness.saw_only("")
    change(files, "0001_x")
    hold.wait_reached()
    files.pipeline.process.terminate()
    files.pipeline.wait_event("stopping")
    hold.release()
    assert files.pipeline.wait_exit() == 0
    assert files.ledger() == {"0001_x": "done"}
    assert files.pair.target.value("SELECT count(*) FROM item WHERE id = 41") == 0
    files.pipeline.start()
    finish(files)


@pytest.mark.parametrize("announced", [True, False])
def test_killed_between_the_migration_and_its_transaction(gates, announced):
    files = gates("apply" if announced else "wait")
    hold = Hold(files.pair.target, "item", "NEW.id = 42")
    files.witness.saw_only("")
    files.put("0001_x.sql", DDL)
    with writing(files.pair.source, *WAYS):
        change(files, "0001_x" if announced else None)
        if not announced:
            files.closed()
            files.up()
        hold.wait_reached()
        assert files.ledger() == {"0001_x": "done"} and files.pair.target.value("SELECT count(*) FROM item WHERE id = 41") == 0
        files.pipeline.kill9()
        hold.release()
        files.pipeline.start()
    finish(files, "item", "beat")


@pytest.mark.parametrize("announced", [True, False])
def test_changed_while_the_service_was_away(gates, announced):
    files = gates("apply" if announced else "wait")
    assert files.pipeline.stop() == 0
    change(files, "0001_x" if announced else None)
    change(files, "0002_y" if announced else None, ddl="ALTER TABLE item DROP note; ALTER TABLE item RENAME level TO height;",
           before="UPDATE item SET note = 'm' WHERE id = 5;", inside="INSERT INTO item VALUES (51, 'x', 1, 2);",
           after="UPDATE item SET height = 3 WHERE id = 5;")
    files.put("0001_x.sql", DDL)
    files.put("0002_y.sql", "ALTER TABLE item RENAME level TO height; ALTER TABLE item DROP note;")
    files.pipeline.start(wait=False)
    if not announced:
        files.closed("has renamed the column name to title")
        assert files.up("--to", "1") == ["0001_x"]
        files.closed("has renamed the column level to height")
        assert files.up() == ["0002_y"]
    finish(files)
    assert files.pair.target.value("SELECT count(*) FROM pg_attribute WHERE attrelid = 'item'::regclass AND attname IN ('height', 'title')") == 2


SWAP = "ALTER TABLE item RENAME name TO x; ALTER TABLE item RENAME note TO name; ALTER TABLE item RENAME x TO note;"
ANEW = "ALTER TABLE item DROP note; ALTER TABLE item ADD note text;"


@pytest.mark.parametrize("killed", [False, True])
@pytest.mark.parametrize("announced", [True, False])
@pytest.mark.parametrize("ddl", [SWAP, ANEW], ids=["swapped", "anew"])
def test_columns_whose_names_tell_nothing(gates, ddl, announced, killed):
    # The rows that the transaction wrote in the old shape fit the new one, in the wrong places.
    files = gates("apply" if announced else "wait")
    hold = Hold(files.pair.target, "item", "NEW.id = 42")
    files.witness.saw_only("")
    files.put("0001_x.sql", ddl)
    change(files, "0001_x" if announced else None, ddl=ddl,
           inside="INSERT INTO item (id, name, note) VALUES (42, 'name', 'note'); UPDATE item SET name = 'changed' WHERE id = 2;",
           after="UPDATE item SET note = 'after' WHERE id = 3; INSERT INTO item (id, name) VALUES (43, 'name');")
    if not announced:
        files.closed("renamed" if ddl == SWAP else "added it again")
        files.up()
    hold.wait_reached()
    if killed:
        files.pipeline.kill9()
    hold.release()
    if killed:
        files.pipeline.start()
    finish(files)


def test_a_table_that_fitted_before_its_transaction_was_held_for_another(pair):
    """What the first pieces of a transaction have taught is forgotten with them."""
    pair.both(ITEM + "CREATE TABLE other (id int PRIMARY KEY);")
    files = Files(pair, publish="ALL TABLES", slot=True, config={"limits": {"batch_rows": 100}})
    files.pipeline.start()
    pair.source.execute(ROWS)
    files.pipeline.wait_caught_up()
    assert files.pipeline.stop() == 0
    pair.target.execute("ALTER TABLE item RENAME name TO title")
    pair.source.execute("ALTER TABLE item RENAME name TO title; INSERT INTO item SELECT g, 'new' FROM generate_series(1000, 2999) g;"
                        "ALTER TABLE other ADD extra int; INSERT INTO other SELECT g, g FROM generate_series(1, 10) g")
    files.pipeline.start(wait=False)
    files.closed("no column extra")
    pair.target.execute("ALTER TABLE item RENAME title TO name; ALTER TABLE item ADD title text; ALTER TABLE other ADD extra int")
    files.closed("has renamed the column name to title")
    pair.target.execute("ALTER TABLE item DROP title; ALTER TABLE item RENAME name TO title")
    files.passed("item", "other")


# Migrations that fail, and that are edited

def test_a_migration_that_fails_leaves_the_gate_closed(gates):
    files = gates()
    with writing(files.pair.source, *WAYS):
        change(files)
        gate = files.closed()
        files.put("0001_x.sql", DDL + "ALTER TABLE item ADD nonsense nonsense;")
        files.refused("migration_failed")
        files.witness.saw_only()
        assert files.closed()["lsn"] == gate["lsn"] and files.ledger() == {}
        files.put("0001_x.sql", DDL)
        assert files.up() == ["0001_x"]
    finish(files, "item", "beat")


def test_an_announced_migration_that_fails_is_tried_again_when_its_file_is_another(gates):
    files = gates("apply")
    files.put("0001_x.sql", DDL + "ALTER TABLE item ADD nonsense nonsense;")
    with writing(files.pair.source, *WAYS):
        change(files, "0001_x")
        gate = files.closed("the announced migration 0001_x has failed: ", migration="0001_x")
        assert '0001_x.sql:1: ' in gate["differences"][0] and gate["relation"] is None
        files.witness.saw_only()
        assert files.ledger() == {}
        files.put("0001_x.sql", DDL)
    finish(files, "item", "beat")


def test_an_applied_file_that_was_edited_is_refused(gates):
    files = gates("apply")
    files.put("0001_x.sql", DDL)
    change(files, "0001_x")
    finish(files)
    files.put("0001_x.sql", DDL + "-- edited")
    files.put("0002_y.sql", "ALTER TABLE item ADD extra int")
    change(files, "0002_y", "ALTER TABLE item ADD extra int;", "", "", "UPDATE item SET extra = 1 WHERE id = 5;")
    files.closed("0001_x.sql", migration="0002_y")
    files.refused("migration_changed")
    files.witness.saw_only()
    files.put("0001_x.sql", DDL)
    finish(files)


# Indexes alone ask for no gate

def test_indexes_are_made_while_the_table_is_loaded(gates):
    files = gates()
    files.pair.target.execute("CREATE EXTENSION IF NOT EXISTS btree_gist")
    files.witness.saw_only("")
    files.put("0001_expression.sql", "CREATE INDEX item_lower ON item (lower(name)); CREATE INDEX item_part ON item (size) WHERE size > 10;")
    files.put("0002_gist.sql", "CREATE INDEX item_gist ON item USING gist (id, size)")
    files.put("0003_apart.sql", "-- walgate: no-transaction\nCREATE INDEX CONCURRENTLY item_apart ON item (note) INCLUDE (size)")
    with writing(files.pair.source, "INSERT INTO item (id, size, name) VALUES ({n}, 1, 'W'); UPDATE item SET size = size + 20 WHERE id = {old}") as load:
        before = load.committed
        assert files.up() == ["0001_expression", "0002_gist", "0003_apart"]
        wait_until(lambda: load.committed > before)
        files.pipeline.wait_caught_up()
    finish(files, "item", "beat")
    assert not files.pipeline.events("gate_closed")
    assert files.pair.target.value("SELECT count(*) FROM pg_index WHERE indrelid = 'item'::regclass AND indisvalid") == 5
