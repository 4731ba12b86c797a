"""Gates: the stream waits at the transaction that the target is not ready for, and a migration lets it go on.

Every change of a table runs twice: without a word, so that the stream waits until a person has migrated the target, and
with an announcement, where the service migrates it itself.  Beside it a writer goes on all the time, in the shape that
the table has at the moment, and an event trigger watches who changes the target's tables.
"""
from dataclasses import dataclass

import pytest

from harness import lsn
from migrating import Files, Witness, writing

BEAT = "CREATE TABLE beat (n int NOT NULL);"
ITEM = "CREATE TABLE item (id int PRIMARY KEY, name varchar(20), size int, note text);"
ROWS = "INSERT INTO item SELECT g, 'row ' || g, g * 10, 'note ' || g FROM generate_series(1, 30) g;"
PLAIN = ("INSERT INTO item (id, size) VALUES ({n}, 1); UPDATE item SET size = size + 1 WHERE id = {old};"
         " DELETE FROM item WHERE id = {old} - 25")


@dataclass
class Change:
    """A transaction of the source that changes its tables, and rows around it."""
    ddl: str
    gate: str                  # what the gate says
    migration: str = ""        # that of the source, where it is empty
    tables: str = ITEM         # on both sides
    rows: str = ROWS
    before: str = ""           # inside of the transaction, in the old shape
    inside: str = ""           # inside, in the new one
    after: str = ""
    writes: tuple = (PLAIN,)   # the new shape first
    compared: tuple = ("item",)


CHANGES = {
    "add_a_nullable_column": Change(
        ddl="ALTER TABLE item ADD colour text;", gate="public.item has no column colour",
        before="INSERT INTO item VALUES (41); UPDATE item SET size = 0 WHERE id = 1;",
        inside="INSERT INTO item VALUES (42, 'x', 1, 'n', 'red'); UPDATE item SET colour = 'blue' WHERE id IN (2, 41);",
        after="UPDATE item SET colour = 'green' WHERE id = 3; DELETE FROM item WHERE id = 4;",
        writes=("INSERT INTO item (id, size, colour) VALUES ({n}, 1, 'w'); UPDATE item SET colour = 'v' WHERE id = {old}", PLAIN)),
    "add_a_column_with_a_default": Change(
        ddl="ALTER TABLE item ADD level int NOT NULL DEFAULT 7;", gate="public.item has no column level",
        before="INSERT INTO item VALUES (41); UPDATE item SET size = 0 WHERE id = 1;",
        inside="INSERT INTO item VALUES (42, 'x', 1, 'n', 8); UPDATE item SET level = 9 WHERE id IN (2, 41);",
        after="UPDATE item SET level = 10 WHERE id = 3; DELETE FROM item WHERE id = 4;",
        writes=("INSERT INTO item (id, size, level) VALUES ({n}, 1, {n}); UPDATE item SET level = 1 WHERE id = {old}", PLAIN)),
    "add_and_fill_and_require_a_column": Change(
        ddl="ALTER TABLE item ADD width int; UPDATE item SET width = size; ALTER TABLE item ALTER width SET NOT NULL;",
        gate="public.item has no column width",
        before="UPDATE item SET size = 0 WHERE id = 1;",
        inside="INSERT INTO item VALUES (42, 'x', 1, 'n', 8);",
        after="UPDATE item SET width = 10 WHERE id = 3;",
        writes=("INSERT INTO item (id, size, width) VALUES ({n}, 1, 2)", PLAIN)),
    "rename_a_column": Change(
        ddl="ALTER TABLE item RENAME name TO title;", gate="has renamed the column name to title",
        before="INSERT INTO item VALUES (41, 'x'); UPDATE item SET name = 'old' WHERE id = 1;",
        inside="INSERT INTO item VALUES (42, 'x'); UPDATE item SET title = 'new' WHERE id IN (2, 41);",
        after="UPDATE item SET title = 'newer' WHERE id = 3; INSERT INTO item VALUES (43, 'y');",
        writes=("INSERT INTO item (id, title) VALUES ({n}, 'new')", "INSERT INTO item (id, name) VALUES ({n}, 'old')")),
    "rename_four_columns_of_two_tables": Change(
        tables=ITEM + "CREATE TABLE line (item int, no int, qty int, PRIMARY KEY (item, no));",
        rows=ROWS + "INSERT INTO line SELECT g, 1, g FROM generate_series(1, 30) g;", compared=("item", "line"),
        ddl="ALTER TABLE item RENAME name TO title; ALTER TABLE line RENAME item TO item_id; ALTER TABLE line RENAME qty TO quantity;"
            " ALTER TABLE item RENAME note TO remark;",
        gate="has renamed the column item to item_id",
        before="INSERT INTO line VALUES (41, 1, 5); INSERT INTO item VALUES (41, 'x', 1, 'n'); UPDATE line SET qty = 6 WHERE item = 1;",
        inside="UPDATE line SET quantity = 7 WHERE item_id = 41; UPDATE item SET remark = 'new' WHERE id = 41; DELETE FROM line WHERE item_id = 2;",
        after="INSERT INTO line VALUES (42, 1, 8); UPDATE item SET title = remark, remark = title WHERE id = 3;",
        writes=("INSERT INTO item (id, title) VALUES ({n}, 'new'); INSERT INTO line (item_id, no, quantity) VALUES ({n}, 2, 2)",
                "INSERT INTO item (id, name) VALUES ({n}, 'old'); INSERT INTO line (item, no, qty) VALUES ({n}, 1, 1)")),
    "rename_a_table": Change(
        ddl="ALTER TABLE item RENAME TO thing;", gate="the target has no table public.thing", compared=("thing",),
        before="INSERT INTO item VALUES (41, 'x'); UPDATE item SET name = 'old' WHERE id = 1;",
        inside="INSERT INTO thing VALUES (42, 'x'); UPDATE thing SET name = 'new' WHERE id = 2;",
        after="UPDATE thing SET name = 'newer' WHERE id IN (1, 3, 41);",
        writes=(PLAIN.replace("item", "thing"), PLAIN)),
    "widen_a_varchar": Change(
        ddl="ALTER TABLE item ALTER name TYPE varchar(200);", gate="has changed the column's type",
        before="INSERT INTO item VALUES (41, 'x'); UPDATE item SET name = 'old' WHERE id = 1;",
        inside="INSERT INTO item VALUES (42, repeat('x', 100)); UPDATE item SET name = repeat('y', 100) WHERE id = 2;",
        after="UPDATE item SET name = repeat('z', 200) WHERE id IN (1, 3, 41);",
        writes=("INSERT INTO item (id, name) VALUES ({n}, repeat('w', 50))", PLAIN)),
    "widen_an_integer": Change(
        ddl="ALTER TABLE item ALTER size TYPE bigint;", gate="has changed the column's type",
        before="INSERT INTO item VALUES (41, 'x', 1); UPDATE item SET size = 0 WHERE id = 1;",
        inside="INSERT INTO item VALUES (42, 'x', 5000000000); UPDATE item SET size = 6000000000 WHERE id = 2;",
        after="UPDATE item SET size = 7000000000 WHERE id IN (1, 3, 41);",
        writes=("INSERT INTO item (id, size) VALUES ({n}, {n} + 5000000000)", PLAIN)),
    "widen_the_key": Change(
        ddl="ALTER TABLE item ALTER id TYPE bigint;", gate="has changed the column's type",
        before="INSERT INTO item VALUES (41, 'x', 1); UPDATE item SET size = 0 WHERE id = 1;",
        inside="INSERT INTO item VALUES (5000000000, 'x', 1); UPDATE item SET id = id + 6000000000 WHERE id = 2;",
        after="UPDATE item SET size = 7 WHERE id IN (3, 41, 5000000000); DELETE FROM item WHERE id = 6000000002;",
        writes=("INSERT INTO item (id, size) VALUES ({n} + 7000000000, 1); UPDATE item SET size = 2 WHERE id = {old}", PLAIN)),
    "bytea_to_uuid": Change(
        tables="CREATE TABLE item (id int PRIMARY KEY, size int, ref bytea);",
        rows="INSERT INTO item SELECT g, g, decode(md5(g::text), 'hex') FROM generate_series(1, 30) g;",
        ddl="ALTER TABLE item ALTER ref TYPE uuid USING encode(ref, 'hex')::uuid;", gate="type uuid cannot be stored",
        inside="INSERT INTO item VALUES (42, 1, gen_random_uuid()); UPDATE item SET ref = gen_random_uuid() WHERE id = 2;",
        after="UPDATE item SET ref = gen_random_uuid() WHERE id = 3; DELETE FROM item WHERE id = 42;",
        writes=("INSERT INTO item VALUES ({n}, 2, md5('{n}')::uuid)", "INSERT INTO item VALUES ({n}, 1, decode(md5('{n}'), 'hex'))")),
    "drop_a_column": Change(
        ddl="ALTER TABLE item DROP note;", gate="publishes the column no more",
        before="INSERT INTO item VALUES (41, 'x', 1, 'n'); UPDATE item SET note = 'old' WHERE id = 1;",
        inside="INSERT INTO item VALUES (42, 'x', 5); UPDATE item SET size = 6 WHERE id IN (2, 41);",
        after="UPDATE item SET size = 7 WHERE id = 3;"),
    "drop_a_column_behind_the_last_row": Change(
        ddl="UPDATE item SET note = name WHERE id < 5; ALTER TABLE item DROP name;", migration="ALTER TABLE item DROP name;",
        gate="publishes the column no more", before="INSERT INTO item VALUES (41, 'x', 1, 'n');",
        after="UPDATE item SET size = 7 WHERE id = 3;"),
    "swap_two_names_behind_the_last_row": Change(
        ddl="ALTER TABLE item RENAME name TO x; ALTER TABLE item RENAME note TO name; ALTER TABLE item RENAME x TO note;",
        gate="has renamed the column", before="INSERT INTO item VALUES (41, 'x', 1, 'n'); UPDATE item SET note = 'old' WHERE id = 1;",
        after="UPDATE item SET note = 'new', name = 'newer' WHERE id = 3;"),
    "drop_a_column_and_add_its_name_again": Change(
        ddl="ALTER TABLE item DROP note; ALTER TABLE item ADD note text;", gate="has dropped the column and added it again",
        before="INSERT INTO item VALUES (41, 'x', 1, 'n'); UPDATE item SET note = 'old' WHERE id = 1;",
        inside="INSERT INTO item VALUES (42, 'x', 5, 'n'); UPDATE item SET note = 'new' WHERE id IN (2, 41);",
        after="UPDATE item SET note = 'newer' WHERE id = 3;",
        writes=("INSERT INTO item (id, note) VALUES ({n}, 'w')",)),
    "add_a_label_to_an_enum": Change(
        tables="CREATE TYPE colour AS ENUM ('red', 'blue'); CREATE TABLE item (id int PRIMARY KEY, size int, colour colour);",
        rows="INSERT INTO item SELECT g, g, 'red' FROM generate_series(1, 30) g;",
        ddl="ALTER TYPE colour ADD VALUE 'green' BEFORE 'blue';", gate="has labels that the type lacks: 'green'",
        before="INSERT INTO item VALUES (41, 1, 'blue');", inside="UPDATE item SET size = 6 WHERE id IN (2, 41);",
        after="INSERT INTO item VALUES (42, 1, 'green'); UPDATE item SET colour = 'green' WHERE id = 3;",
        writes=("INSERT INTO item VALUES ({n}, 1, 'green')", "INSERT INTO item VALUES ({n}, 1, 'red')")),
    "create_a_table_anew": Change(
        ddl="DROP TABLE item; CREATE TABLE item (id int PRIMARY KEY, size int, colour text);", gate="another table has taken over the name",
        before="INSERT INTO item VALUES (41, 'x', 1, 'n'); UPDATE item SET note = 'old' WHERE id = 1;",
        inside="INSERT INTO item VALUES (1, 1, 'red');", after="INSERT INTO item VALUES (2, 2, 'blue'); UPDATE item SET size = 3;"),
    "create_a_table_anew_as_it_was": Change(
        ddl="DROP TABLE item;" + ITEM, gate="another table has taken over the name",
        before="INSERT INTO item VALUES (41, 'x', 1, 'n'); UPDATE item SET note = 'old' WHERE id = 1;",
        inside="INSERT INTO item VALUES (1, 'a', 1, 'b');", after="INSERT INTO item VALUES (2); UPDATE item SET size = 3;"),
    "truncate_and_change": Change(
        ddl="TRUNCATE item; ALTER TABLE item RENAME name TO title; ALTER TABLE item ALTER size TYPE text, ADD first serial;",
        migration="ALTER TABLE item RENAME name TO title; ALTER TABLE item ALTER size TYPE text, ADD first serial;",
        gate="has renamed the column name to title",
        before="INSERT INTO item VALUES (41, 'x', 1, 'n'); UPDATE item SET note = 'old' WHERE id = 1;",
        inside="INSERT INTO item VALUES (1, 'a', 'many', 'b'); TRUNCATE item; INSERT INTO item VALUES (2, 'a', 'many', 'b');",
        after="INSERT INTO item VALUES (3); UPDATE item SET size = '3';",
        writes=("INSERT INTO item (id, size) VALUES ({n}, 'many')", PLAIN)),
    "put_another_table_in_its_place": Change(
        tables=ITEM + "CREATE TABLE item_new (id int PRIMARY KEY, size int, note text, extra int);", compared=("item", "item_old"),
        ddl="INSERT INTO item_new SELECT id, size, note FROM item; ALTER TABLE item RENAME TO item_old; ALTER TABLE item_new RENAME TO item;",
        migration="ALTER TABLE item RENAME TO item_old; ALTER TABLE item_new RENAME TO item;", gate="another table",
        before="INSERT INTO item VALUES (41, 'x', 1, 'n'); UPDATE item SET note = 'old' WHERE id = 1;",
        inside="INSERT INTO item VALUES (42, 1, 'n', 3);", after="UPDATE item SET extra = 4; INSERT INTO item_old VALUES (42);"),
    "swap_two_tables": Change(
        tables=ITEM + "CREATE TABLE line (id int PRIMARY KEY, size int, text text);", compared=("item", "line"),
        ddl="ALTER TABLE item RENAME TO x; ALTER TABLE line RENAME TO item; ALTER TABLE x RENAME TO line;", gate="another table",
        before="INSERT INTO item VALUES (41, 'x', 1, 'n'); INSERT INTO line VALUES (41, 1, 't');",
        inside="INSERT INTO item VALUES (42, 1, 't'); INSERT INTO line VALUES (42, 'x', 1, 'n'); UPDATE line SET note = 'new' WHERE id IN (1, 41);",
        after="UPDATE item SET text = 'new' WHERE id = 41; UPDATE line SET name = 'new' WHERE id = 2;",
        writes=("INSERT INTO line (id, note) VALUES ({n}, 'w'); INSERT INTO item (id, text) VALUES ({n}, 'w')",
                "INSERT INTO item (id, note) VALUES ({n}, 'w'); INSERT INTO line (id, text) VALUES ({n}, 'w')")),
}


@pytest.fixture
def gates(pair):
    """A function: makes the tables on both sides and a pipeline that copies and streams."""
    def make(tables: str = ITEM, rows: str = ROWS, **more) -> Files:
        pair.both(BEAT + tables)
        files = Files(pair, **({"publish": "ALL TABLES", "slot": True, "copy": True} | more))
        files.witness = Witness(pair.target)
        pair.source.execute(rows)
        files.pipeline.start()
        return files
    return make


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_waits_for_a_person(gates, name):
    change = CHANGES[name]
    files = gates(change.tables, change.rows)
    with writing(files.pair.source, *change.writes):
        files.pair.source.execute(change.before + change.ddl + change.inside)
        files.pair.source.execute(change.after)
        gate = files.closed(change.gate)
        assert gate["relation"].startswith("public.")
        files.witness.saw_only()
        files.put("0001_x.sql", change.migration or change.ddl)
        assert files.up() == ["0001_x"]
        files.pipeline.wait_caught_up()
    files.passed("beat", *change.compared)
    files.witness.saw_only(f"walgate {files.name} migrate")


@pytest.mark.parametrize("name", CHANGES)
def test_an_announced_change_is_made_by_the_service(gates, name):
    change = CHANGES[name]
    files = gates(change.tables, change.rows, config={"migrations": {"at_announcement": "apply"}})
    files.put("0001_x.sql", change.migration or change.ddl)
    with writing(files.pair.source, *change.writes):
        earlier = files.pair.source.value("SELECT pg_current_wal_insert_lsn()::text")
        files.pair.source.execute(change.before + change.ddl + files.announce("0001_x") + change.inside)
        later = files.pair.source.value("SELECT pg_current_wal_insert_lsn()::text")
        files.pair.source.execute(change.after)
        files.pipeline.wait_caught_up()
    files.passed("beat", *change.compared)
    files.witness.saw_only(f"walgate {files.name} migrate")
    assert not files.pipeline.events("gate_closed")
    at = files.pair.target.value("SELECT source_lsn::text FROM walgate.migrations WHERE id = '0001_x'")
    assert lsn(earlier) <= lsn(at) < lsn(later)
