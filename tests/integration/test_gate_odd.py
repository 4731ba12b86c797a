"""Gates: changes of tables that are less usual."""
import pytest

from harness import Background, Hold, assert_same, wait_until
from migrating import gates, Files, ITEM, ROWS


APPLY = {"migrations": {"at_announcement": "apply"}}


def test_columns_that_came_and_went_within_a_transaction(gates):
    files = gates()
    files.pair.source.execute("ALTER TABLE item ADD x int; INSERT INTO item VALUES (20, 'a', 1, 'n', 5); UPDATE item SET x = 6 WHERE id = 1;"
                              "ALTER TABLE item DROP x; INSERT INTO item VALUES (21, 'b', 2, 'm')")
    files.passed()
    assert not files.pipeline.events("gate_closed")


def test_many_steps_within_a_transaction(gates):
    files = gates()
    files.pair.source.execute("INSERT INTO item VALUES (20, 'a', 1, 'n'); ALTER TABLE item RENAME name TO a; INSERT INTO item VALUES (21, 'b', 1, 'n');"
                              "ALTER TABLE item RENAME a TO b; UPDATE item SET b = 'c' WHERE id = 20; ALTER TABLE item ADD a text; UPDATE item SET a = b;"
                              "ALTER TABLE item ALTER b TYPE varchar(50); ALTER TABLE item ADD y int; UPDATE item SET y = 3; ALTER TABLE item DROP y, DROP note;"
                              "DELETE FROM item WHERE id = 21; INSERT INTO item (id, b, a) VALUES (22, 'd', 'e')")
    files.closed()
    files.put("0001_a.sql", "ALTER TABLE item RENAME name TO b; ALTER TABLE item ALTER b TYPE varchar(50); ALTER TABLE item ADD a text; ALTER TABLE item DROP note").up()
    files.passed()


def test_what_was_rolled_back_asks_for_nothing(gates):
    files = gates(APPLY)
    files.pair.source.execute("BEGIN; SAVEPOINT s; ALTER TABLE item RENAME name TO title; INSERT INTO item (id, title) VALUES (20, 'x');"
                              + files.announce("0001_a") + "ROLLBACK TO s; INSERT INTO item (id, name) VALUES (21, 'y'); COMMIT")
    files.passed()
    assert not files.pipeline.events("gate_closed")


@pytest.mark.parametrize("announced", [True, False])
def test_a_change_alone_and_rows_later(gates, announced):
    files = gates(APPLY)
    ddl = "ALTER TABLE item RENAME name TO x; ALTER TABLE item RENAME note TO name; ALTER TABLE item RENAME x TO note;"
    files.put("0001_a.sql", ddl)
    files.pair.source.execute(ddl + (files.announce("0001_a") if announced else ""))
    files.pair.source.execute("UPDATE item SET name = 'new' WHERE id = 1; INSERT INTO item VALUES (20, 'x', 1, 'y')")
    if not announced:
        files.closed("renamed")
        files.up()
    files.passed()


@pytest.mark.parametrize("announced", [True, False])
def test_a_table_is_dropped_on_both_sides(gates, announced):
    files = gates(APPLY, tables=ITEM + "CREATE TABLE other (id int PRIMARY KEY);")
    files.put("0001_a.sql", "DROP TABLE item")
    files.pair.source.execute("INSERT INTO item VALUES (20); INSERT INTO other VALUES (1); DROP TABLE item;"
                              + (files.announce("0001_a") if announced else "") + "INSERT INTO other VALUES (2)")
    if not announced:
        files.passed("other")
        files.up()
    files.pair.source.execute("INSERT INTO other VALUES (3)")
    files.passed("other")


def test_a_label_of_an_enum_is_renamed(gates):
    files = gates(tables="CREATE TYPE colour AS ENUM ('red', 'blue'); CREATE TABLE item (id int PRIMARY KEY, colour colour, more colour[]);",
                  rows="INSERT INTO item VALUES (1, 'red', '{blue,red}'), (2, 'blue', NULL)")
    files.pair.source.execute("ALTER TYPE colour RENAME VALUE 'red' TO 'crimson'")
    files.pair.source.execute("UPDATE item SET colour = 'crimson' WHERE id = 2")
    files.closed("has labels that the type lacks: 'crimson'")
    files.put("0001_a.sql", "ALTER TYPE colour RENAME VALUE 'red' TO 'crimson'").up()
    files.pipeline.wait_caught_up()
    files.pair.source.execute("ALTER TYPE colour ADD VALUE 'green'")
    files.pair.source.execute("UPDATE item SET more = '{green}' WHERE id = 2")
    files.closed("has labels that the type lacks: 'green'")
    files.put("0002_b.sql", "ALTER TYPE colour ADD VALUE 'green'").up()
    files.pipeline.wait_caught_up()
    rows = "SELECT id, colour::text, more::text FROM item ORDER BY id"  # arrays hold the OIDs of their types
    assert files.pair.target.rows(rows) == files.pair.source.rows(rows)


def test_a_renamed_column_is_mapped_by_hand(gates):
    files = gates()
    files.pair.source.execute("ALTER TABLE item RENAME name TO title; UPDATE item SET title = 'new' WHERE id = 1")
    files.closed("has renamed the column name to title")
    assert files.pipeline.stop() == 0
    files.pipeline.write_config(tables=[{"source": "public.item", "target": "public.item", "columns": {"title": "name"}}])
    files.pipeline.start()
    files.pair.source.execute("UPDATE item SET title = 'newer' WHERE id = 2")
    files.pipeline.wait_caught_up()
    assert files.pair.target.rows("SELECT id, name FROM item WHERE id < 3 ORDER BY 1") == [(1, "new"), (2, "newer")]


def test_a_renamed_table_is_mapped_by_hand(gates):
    files = gates(copy=True)
    files.pair.source.execute("UPDATE item SET size = 1 WHERE id = 3; ALTER TABLE item RENAME TO thing; UPDATE thing SET name = 'new' WHERE id = 1")
    files.closed("the target has no table public.thing")
    assert files.pipeline.stop() == 0
    files.pipeline.write_config(tables=[{"source": "public.thing", "target": "public.item"}])
    files.pipeline.start()
    files.pair.source.execute("UPDATE thing SET name = 'newer' WHERE id = 2")
    files.pipeline.wait_caught_up()
    assert_same(files.pair.source, files.pair.target, "thing", "item")


def test_a_table_changes_its_schema(gates):
    files = gates(copy=True)
    files.pair.source.execute("INSERT INTO item VALUES (20); CREATE SCHEMA shelf; ALTER TABLE item SET SCHEMA shelf; INSERT INTO shelf.item VALUES (21); UPDATE shelf.item SET size = 2 WHERE id = 20")
    files.closed("the target has no table shelf.item")
    files.put("0001_a.sql", "CREATE SCHEMA shelf; ALTER TABLE item SET SCHEMA shelf").up()
    files.passed("shelf.item")


def test_an_announced_migration_that_is_not_enough(gates):
    files = gates(APPLY).put("0001_a.sql", "CREATE INDEX ON item (size)")
    files.pair.source.execute("ALTER TABLE item ADD x int; " + files.announce("0001_a") + "INSERT INTO item VALUES (20, 'a', 1, 'n', 5)")
    files.closed("no column x")
    assert files.ledger() == {"0001_a": "done"}
    files.put("0002_b.sql", "ALTER TABLE item ADD x int").up()
    files.passed()


def test_a_copy_is_asked_for_while_the_target_does_not_fit(gates):
    files = gates(copy=True)
    files.pair.source.execute("ALTER TABLE item ADD x int DEFAULT 4; INSERT INTO item VALUES (20, 'a', 1, 'n', 5)")
    files.closed("no column x")
    assert files.pipeline.command("copy", "--table", "public.item").code == 0
    wait_until(lambda: len(files.pipeline.events("gate_closed")) == 2, what=files.pipeline.log_tail)
    before = len(files.pipeline.events("gate_closed"))
    files.put("0001_a.sql", "ALTER TABLE item ADD x int").up()
    files.pipeline.wait_state("streaming")
    files.passed()
    assert before < 5


def test_a_partitioned_table_under_its_own_name(gates):
    tables = ("CREATE TABLE item (id int, name text, size int, PRIMARY KEY (id)) PARTITION BY RANGE (id);"
              "CREATE TABLE item_1 PARTITION OF item FOR VALUES FROM (0) TO (100); CREATE TABLE item_2 (size int, gone int, id int NOT NULL, name text, PRIMARY KEY (id));"
              "ALTER TABLE item_2 DROP gone; ALTER TABLE item ATTACH PARTITION item_2 FOR VALUES FROM (100) TO (200);")
    files = gates(APPLY, tables=tables, rows="INSERT INTO item VALUES (1, 'a', 1), (101, 'b', 2)", publish="ALL TABLES WITH (publish_via_partition_root = true)")
    ddl = "ALTER TABLE item RENAME name TO title; ALTER TABLE item ADD note text;"
    files.pair.source.execute("UPDATE item SET name = name || 'x';" + ddl + "UPDATE item SET note = title; INSERT INTO item VALUES (2, 'c', 3, 'd'), (102, 'e', 4, 'f')")
    files.closed("has renamed the column name to title")
    files.put("0001_a.sql", ddl).up()
    files.passed()
    ddl = "ALTER TABLE item RENAME title TO x; ALTER TABLE item RENAME note TO title; ALTER TABLE item RENAME x TO note;"
    files.put("0002_b.sql", ddl)
    files.pair.source.execute("UPDATE item SET title = title || 'x' WHERE id > 100;" + ddl + files.announce("0002_b") + "UPDATE item SET note = size WHERE id < 100; INSERT INTO item VALUES (103, 'e', 4, 'f')")
    files.passed()


# Beside the initial copy

ANEW = ("ALTER TABLE item RENAME TO gone; CREATE TABLE item AS SELECT id, name, size + 1 AS size FROM gone; DROP TABLE gone;"
        "ALTER TABLE item ADD PRIMARY KEY (id);")


def test_a_table_without_columns_does_not_open_the_gate(gates):
    files = gates(copy=True)
    assert files.pipeline.stop() == 0
    files.pipeline.start(env={"WALGATE_GATE_LOG_SECONDS": "1"})
    files.pair.both("CREATE TABLE nothing ()")
    files.pair.source.execute("CREATE TABLE later (id int PRIMARY KEY)")
    files.pipeline.wait_event("target_table_missing", relation="public.later")
    files.pair.source.execute("ALTER TABLE item ADD x int; INSERT INTO item VALUES (20, 'a', 1, 'n', 5)")
    files.closed("no column x")
    # Once the gate has asked which tables are to be copied, this one among them, it goes on waiting.
    files.pipeline.wait_event("target_table_missing", after=len(files.pipeline.log()), relation="public.later")
    files.pipeline.wait_event("gate_waits", after=len(files.pipeline.log()))
    assert len(files.pipeline.events("gate_closed")) == 1
    files.put("0001_a.sql", "ALTER TABLE item ADD x int").up()
    files.passed()


def answer_to_rows(files, answer, remaining):
    """At a gate because of rows in the way of a copy: one of the answers; `remaining`: makes the target right by hand."""
    if answer == "emptied":
        files.pair.target.execute("TRUNCATE item")
    elif answer == "accepted":
        files.pair.target.execute(remaining)
        assert files.pipeline.command("accept", "--table", "public.item").code == 0
    elif answer == "copied":
        assert files.pipeline.command("copy", "--table", "public.item").code == 0
    else:
        assert files.pipeline.stop() == 0
        files.pipeline.write_config(copy={"existing_rows": "truncate"})
        files.pipeline.start(wait=False)


@pytest.mark.parametrize("answer", ["emptied", "accepted", "copied", "configured"])
def test_a_table_that_was_created_anew_is_filled_on_both_sides(gates, answer):
    files = gates(copy=True)
    files.pair.source.execute("UPDATE item SET size = 0 WHERE id = 1;" + ANEW + "INSERT INTO item VALUES (20, 'x', 1)")
    files.pair.source.execute("UPDATE item SET size = 5 WHERE id = 2; INSERT INTO item VALUES (21, 'y', 2)")
    first = files.closed("another table has taken over the name")
    files.put("0001_a.sql", ANEW).up()
    gate = files.closed("holds rows, which are in the way of its copy")
    assert (gate["relation"], gate["lsn"]) == ("public.item", first["lsn"])
    assert "walgate accept --table 'public.item'" in files.pipeline.status()["next_step"]
    files.pipeline.kill9()
    files.pipeline.start(wait=False)
    files.closed("holds rows, which are in the way of its copy")
    answer_to_rows(files, answer, "UPDATE item SET size = 1 WHERE id = 1; INSERT INTO item VALUES (20, 'x', 1)")
    files.pipeline.wait_state("streaming")
    files.passed()
    files.pair.source.execute("DELETE FROM item WHERE id = 3; INSERT INTO item VALUES (22, 'z', 3)")
    files.passed()


def test_three_tables_that_were_created_anew_are_filled_on_both_sides(gates):
    tables = ("a", "b", "c")
    files = gates(tables="".join(f"CREATE TABLE {name} (id int PRIMARY KEY);" for name in tables), rows="INSERT INTO a VALUES (1)", copy=True)
    anew = "".join(f"DROP TABLE {name}; CREATE TABLE {name} AS SELECT g AS id FROM generate_series(1, 5) g; ALTER TABLE {name} ADD PRIMARY KEY (id);"
                   for name in tables)
    files.pair.source.execute(anew)
    files.closed("another table has taken over the name")
    files.put("0001_a.sql", anew).up()
    for name in tables:
        assert wait_until(lambda: files.closed("holds rows")["relation"] == f"public.{name}", what=files.pipeline.log_tail)
        files.pair.target.execute(f"TRUNCATE {name}")
    files.pipeline.wait_state("streaming")
    files.passed(*tables)


@pytest.mark.parametrize("answer", ["emptied", "accepted", "copied", "configured"])
def test_a_table_that_joins_is_filled_on_both_sides(gates, answer):
    files = gates(tables="CREATE TABLE other (id int PRIMARY KEY);", rows="INSERT INTO other VALUES (1)", copy=True)
    files.pair.target.execute(ITEM + ROWS)
    files.pair.source.execute(ITEM + "INSERT INTO item VALUES (1, 'a')")
    files.closed("holds rows, which are in the way of its copy")
    files.pair.source.execute("UPDATE item SET size = 5; INSERT INTO item VALUES (2, 'b')")
    answer_to_rows(files, answer, "TRUNCATE item; INSERT INTO item VALUES (1, 'a')")
    files.pipeline.wait_state("streaming")
    files.passed("item", "other")

@pytest.fixture
def beginning(pair):
    """A function: the source runs the statement, which announces the file, before the first copy or in the middle of it."""
    def run(moment, file, statement):
        pair.both(ITEM + "CREATE TABLE other (id int PRIMARY KEY);")
        pair.source.execute(ROWS)
        pair.source.execute("INSERT INTO other SELECT generate_series(1, 10)")
        files = Files(pair, publish="ALL TABLES", slot=True, copy=True, config=APPLY).put("0001_a.sql", file)
        statement = statement.format(announce=files.announce("0001_a"))
        assert files.pipeline.command("init").code == 0
        if moment == "before":
            pair.source.execute(statement)
            files.pipeline.start(wait=False)
        else:
            hold = Hold(pair.target, "other", "NEW.id = 5")
            files.pipeline.start(wait=False)
            hold.wait_reached()
            change = Background(lambda: pair.source.execute(statement))  # waits for the copy's locks where it changes a table
            wait_until(lambda: not change.running or pair.source.value("SELECT count(*) FROM pg_locks WHERE NOT granted"))
            hold.release()
            change.result()
        wait_until(lambda: files.ledger() == {"0001_a": "done"}, 20, lambda: f"{files.pipeline.status()}\n{files.pipeline.log_tail()}")
        files.pipeline.wait_state("streaming")
        files.passed("item", "other")
    return run


def test_an_announcement_beside_the_copy(beginning):
    beginning("during", "ALTER TABLE item ADD x int; ALTER TABLE item RENAME name TO title",
              "UPDATE item SET size = 1 WHERE id = 1; ALTER TABLE item ADD x int; ALTER TABLE item RENAME name TO title; {announce} UPDATE item SET x = 5 WHERE id < 5")


@pytest.mark.parametrize("moment", ["before", "during"])
def test_a_file_for_after_the_copy_is_announced_beside_it(beginning, moment):
    beginning(moment, "-- walgate: after-copy\nCREATE INDEX item_name ON item (name)", "INSERT INTO item VALUES (20); {announce}")
