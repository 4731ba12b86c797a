"""What a change carries of its row: replica identities, columns that come and go, partitions, lists, filters."""
import pytest

LONG = "(SELECT string_agg(md5(n::text), '') FROM generate_series(1, 20000) n)"


# Replica identities

def test_identity_nothing_brings_inserts(pair):
    pair.both("CREATE TABLE item (id int PRIMARY KEY, name text)")
    pair.source.execute("ALTER TABLE item REPLICA IDENTITY NOTHING")
    pipeline = pair.pipeline(publish="TABLE item WITH (publish = 'insert, truncate')").start()
    pair.source.execute("INSERT INTO item VALUES (1, 'a'), (2, 'b')")
    pair.source.execute("UPDATE item SET name = 'not published' WHERE id = 1; DELETE FROM item WHERE id = 2")
    pair.source.execute("INSERT INTO item VALUES (3, 'c')")
    pipeline.wait_caught_up()
    assert pair.target.rows("SELECT * FROM item ORDER BY id") == [(1, "a"), (2, "b"), (3, "c")]


def test_the_identity_changes_while_we_stream(pair):
    pair.both("CREATE TABLE item (id int PRIMARY KEY, code text NOT NULL UNIQUE, body text);"
              "ALTER TABLE item ALTER body SET STORAGE EXTERNAL")
    pipeline = pair.pipeline().start()
    pair.source.execute(f"INSERT INTO item SELECT n, 'c' || n, {LONG} FROM generate_series(1, 9) n")
    for identity in ("FULL", "USING INDEX item_code_key", "DEFAULT", "FULL"):
        pair.source.execute("BEGIN; UPDATE item SET code = code || 'x' WHERE id % 2 = 0;"
                            f"ALTER TABLE item REPLICA IDENTITY {identity};"
                            "UPDATE item SET code = code || 'y' WHERE id % 3 = 0;"
                            "UPDATE item SET id = id + 10 WHERE id = 2;"
                            "DELETE FROM item WHERE id = (SELECT max(id) FROM item); COMMIT")
    pipeline.wait_caught_up()
    pair.assert_same("item")
    assert pair.target.value("SELECT count(*) FROM item") == 5


@pytest.mark.parametrize("identity", ["DEFAULT", "USING INDEX item_code_key", "FULL"])
def test_a_key_that_is_itself_stored_out_of_line(pair, identity):
    # The new image holds such a key as "unchanged", and the server sends it as an old key although it did not change.
    pair.both("CREATE TABLE item (id int, code text NOT NULL, note text, more text, PRIMARY KEY (id, code),"
              " CONSTRAINT item_code_key UNIQUE (code)); ALTER TABLE item ALTER code SET STORAGE EXTERNAL,"
              " ALTER more SET STORAGE EXTERNAL")
    pair.source.execute(f"ALTER TABLE item REPLICA IDENTITY {identity}")
    pipeline = pair.pipeline().start()
    code = "(SELECT string_agg(md5((n * id)::text), '') FROM generate_series(1, 75) n)"
    pair.source.execute(f"INSERT INTO item SELECT id, {code}, 'new', repeat('m', 5000) FROM generate_series(1, 5) id")
    assert pair.source.value("SELECT pg_relation_size(reltoastrelid) FROM pg_class WHERE relname = 'item'") > 0
    pair.source.execute("UPDATE item SET note = 'changed' WHERE id <> 1")
    pair.source.execute("UPDATE item SET id = id + 100 WHERE id = 3")
    pair.source.execute("UPDATE item SET code = reverse(code) WHERE id = 4")
    pair.source.execute("DELETE FROM item WHERE id = 5")
    pipeline.wait_caught_up()
    pair.assert_same("item")
    assert pair.target.rows("SELECT id, note, length(code) FROM item ORDER BY id") == [
        (1, "new", 2400), (2, "changed", 2400), (4, "changed", 2400), (103, "changed", 2400)]


def test_an_update_that_changes_nothing_and_values_that_change_size(pair):
    pair.both("CREATE TABLE item (id int PRIMARY KEY, body text)")
    pipeline = pair.pipeline().start()
    pair.source.execute(f"INSERT INTO item VALUES (1, {LONG}), (2, 'short'), (3, NULL)")
    pair.source.execute("UPDATE item SET id = id")
    pair.source.execute(f"UPDATE item SET body = CASE id WHEN 1 THEN 'short now' ELSE {LONG} END")
    pair.source.execute("UPDATE item SET body = body || '!' WHERE id = 2; UPDATE item SET body = body WHERE id = 3")
    pipeline.wait_caught_up()
    pair.assert_same("item")


# Columns that come and go

@pytest.mark.parametrize("identity", ["DEFAULT", "FULL"])
def test_old_rows_have_the_default_of_a_column_that_was_added_later(pair, identity):
    pair.both("CREATE TABLE item (a text, id int PRIMARY KEY, gone text, name text)")
    pair.source.execute(f"ALTER TABLE item REPLICA IDENTITY {identity}")
    pipeline = pair.pipeline().start()
    pair.source.execute("INSERT INTO item SELECT 'a', n, 'gone', 'n' FROM generate_series(1, 6) n")
    pipeline.wait_caught_up()
    change = ("ALTER TABLE item DROP gone; ALTER TABLE item ADD late text NOT NULL DEFAULT 'late';"
              "ALTER TABLE item ADD at timestamptz DEFAULT '2026-01-02 03:04+00', ADD nothing int;"
              "ALTER TABLE item ALTER late SET DEFAULT 'later'")
    filenode = pair.source.value("SELECT pg_relation_filenode('item')")
    pair.source.execute(change)
    assert pair.source.value("SELECT pg_relation_filenode('item')") == filenode, "the table was rewritten"
    pair.target.execute("ALTER TABLE item DROP gone, ADD late text, ADD at timestamptz, ADD nothing int")
    pair.target.execute("UPDATE item SET late = 'not yet'")
    pair.source.execute("UPDATE item SET name = 'changed' WHERE id < 4")
    pair.source.execute("UPDATE item SET id = id + 10 WHERE id = 2; DELETE FROM item WHERE id = 3")
    pair.source.execute("INSERT INTO item (id) VALUES (7)")
    pipeline.wait_caught_up()
    columns = "id, name, late, at, nothing"
    touched = f"SELECT {columns} FROM item WHERE id NOT IN (4, 5, 6) ORDER BY id"
    assert pair.source.rows(touched) == pair.target.rows(touched)
    assert pair.target.value("SELECT late FROM item WHERE id = 12") == "late"


def test_a_column_that_is_dropped_and_made_again(pair):
    pair.both("CREATE TABLE item (id int PRIMARY KEY, v int, note text)")
    pipeline = pair.pipeline().start()
    pair.source.execute("INSERT INTO item VALUES (1, 1, 'a'), (2, 2, 'b')")
    pipeline.wait_caught_up()
    pair.both("ALTER TABLE item DROP v; ALTER TABLE item ADD v text")
    pair.source.execute("INSERT INTO item VALUES (3, 'c', 'three'); UPDATE item SET v = 'one' WHERE id = 1")
    pipeline.wait_caught_up()
    pair.assert_same("item")


# Partitions and inheritance

PARTS = """CREATE TABLE item (id int, region text NOT NULL, body text, PRIMARY KEY (id, region))
 PARTITION BY LIST (region);
CREATE TABLE item_eu PARTITION OF item FOR VALUES IN ('eu');
CREATE TABLE item_us (body text, gone int, region text NOT NULL, id int NOT NULL);
ALTER TABLE item_us DROP gone; ALTER TABLE item ATTACH PARTITION item_us FOR VALUES IN ('us');
CREATE TABLE item_rest PARTITION OF item DEFAULT PARTITION BY RANGE (id);
CREATE TABLE item_rest_low PARTITION OF item_rest FOR VALUES FROM (MINVALUE) TO (100);
CREATE TABLE item_rest_high PARTITION OF item_rest DEFAULT;"""
PLAIN = "CREATE TABLE item (id int, region text NOT NULL, body text, PRIMARY KEY (id, region));"
OTHER_PARTS = """CREATE TABLE item (region text, body text, id int, PRIMARY KEY (id, region)) PARTITION BY HASH (id);
CREATE TABLE item_0 PARTITION OF item FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE item_1 PARTITION OF item FOR VALUES WITH (MODULUS 2, REMAINDER 1);"""


def change_partitioned(source, long: str) -> None:
    source.execute(f"INSERT INTO item SELECT n, (ARRAY['eu', 'us', 'asia'])[n % 3 + 1], {long}"
                   "  FROM generate_series(1, 30) n")
    source.execute("UPDATE item SET body = 'changed' WHERE id % 5 = 0")
    source.execute("UPDATE item SET region = 'us' WHERE id % 7 = 0")    # other partition, or the same
    source.execute("UPDATE item SET region = 'mars' WHERE id % 4 = 0")  # into the nested ones
    source.execute("UPDATE item SET id = id + 200 WHERE id % 6 = 0")    # between the nested ones
    source.execute("DELETE FROM item WHERE id % 9 = 0")
    source.execute("DELETE FROM item WHERE region = 'us' AND id < 15")


@pytest.mark.parametrize("on_source, on_target", [
    pytest.param(PARTS, PLAIN, id="partitioned_to_plain"), pytest.param(PLAIN, OTHER_PARTS, id="plain_to_partitioned"),
    pytest.param(PARTS, OTHER_PARTS, id="partitioned_otherwise"), pytest.param(PARTS, PARTS, id="the_same")])
@pytest.mark.parametrize("identity", ["DEFAULT", "FULL"])
def test_a_table_is_partitioned_on_a_side(pair, on_source, on_target, identity):
    pair.source.execute(on_source)
    pair.target.execute(on_target)
    for name, in pair.source.rows("SELECT relname FROM pg_class WHERE relname LIKE 'item%' AND relkind IN ('r', 'p')"):
        pair.source.execute(f"ALTER TABLE {name} REPLICA IDENTITY {identity}")
    pipeline = pair.pipeline(publish="TABLE item WITH (publish_via_partition_root)").start()
    change_partitioned(pair.source, LONG)
    pipeline.wait_caught_up()
    pair.assert_same("item")


def test_truncate_and_attach_of_partitions_published_as_their_root(pair):
    pair.source.execute(PARTS)
    pair.target.execute(PLAIN)
    pipeline = pair.pipeline(publish="TABLE item WITH (publish_via_partition_root)").start()
    pair.source.execute("INSERT INTO item VALUES (1, 'eu', 'x'), (2, 'us', 'y')")
    pair.source.execute("TRUNCATE item; INSERT INTO item VALUES (3, 'eu', 'z')")
    pair.source.execute("CREATE TABLE item_cn (LIKE item INCLUDING ALL);"
                        "ALTER TABLE item ATTACH PARTITION item_cn FOR VALUES IN ('cn')")
    pair.source.execute("INSERT INTO item VALUES (4, 'cn', 'new');"
                        "UPDATE item SET body = 'moved', region = 'cn' WHERE id = 3")
    pipeline.wait_caught_up()
    pair.assert_same("item")
    assert pair.target.value("SELECT count(*) FROM item") == 2


def test_truncate_of_a_partition_published_as_its_root_needs_a_person(pair):
    pair.source.execute(PARTS)
    pair.target.execute(PLAIN)
    pipeline = pair.pipeline(publish="TABLE item WITH (publish_via_partition_root)").start()
    pair.source.execute("INSERT INTO item VALUES (1, 'eu', 'x'), (2, 'us', 'y'), (3, 'asia', 'z')")
    pair.source.execute("TRUNCATE item_eu, item_rest")
    pair.source.execute("INSERT INTO item VALUES (4, 'eu', 'later')")
    error = pipeline.assert_stopped("partition_truncated")
    assert error["relation"] == "public.item", error
    assert "public.item_eu, public.item_rest of public.item" in error["message"], error
    assert "item_rest_low" not in error["message"] and "other changes" in error["remedy"], error
    assert f"skip --lsn {error['lsn']}" in error["remedy"], error
    pair.target.execute("DELETE FROM item WHERE region <> 'us'")
    assert pipeline.command("skip", "--lsn", error["lsn"]).code == 0
    pipeline.start().wait_caught_up()
    pair.assert_same("item")
    pair.source.execute(f"ALTER PUBLICATION \"{pipeline.name}\" SET (publish = 'insert, update, delete')")
    pair.source.execute("TRUNCATE item_us")
    pair.source.execute("INSERT INTO item VALUES (5, 'us', 'after')")
    pipeline.wait_caught_up()
    assert pair.target.rows("SELECT id FROM item ORDER BY id") == [(2,), (4,), (5,)]


def test_truncated_partitions_of_several_roots_are_told_by_root_and_left_out_ones_are_not(pair):
    roots = ("item", "other", "left_out")
    for name in roots:
        pair.source.execute(f"CREATE TABLE {name} (id int PRIMARY KEY) PARTITION BY LIST (id);"
                            f"CREATE TABLE {name}_1 PARTITION OF {name} FOR VALUES IN (1);"
                            f"CREATE TABLE {name}_2 PARTITION OF {name} FOR VALUES IN (2)")
        pair.target.execute(f"CREATE TABLE {name} (id int PRIMARY KEY)")
    pair.both("CREATE TABLE plain (id int PRIMARY KEY)")
    pipeline = pair.pipeline(publish=f"TABLE {', '.join(roots)}, plain WITH (publish_via_partition_root)",
                             config={"tables": [{"source": "public.left_out", "target": None}]}).start()
    pair.source.execute("INSERT INTO item VALUES (1), (2); INSERT INTO other VALUES (1), (2); INSERT INTO plain VALUES (1);"
                        "INSERT INTO left_out VALUES (1)")
    pair.source.execute("TRUNCATE left_out_1; INSERT INTO plain VALUES (2)")  # nothing of it goes anywhere
    pipeline.wait_caught_up()
    pair.assert_same("item", "other", "plain")
    pair.source.execute("TRUNCATE other_2, item_1, left_out_2, item_2, plain; INSERT INTO item VALUES (1)")
    error = pipeline.assert_stopped("partition_truncated")
    assert "public.item_1, public.item_2 of public.item; public.other_2 of public.other" in error["message"], error
    assert "left_out" not in error["message"], error
    assert pair.target.value("SELECT count(*) FROM plain") == 2, "the transaction is whole or not there"
    pair.target.execute("DELETE FROM item WHERE id = 2; DELETE FROM other WHERE id = 2; TRUNCATE plain")
    assert pipeline.command("skip", "--lsn", error["lsn"]).code == 0
    pair.source.execute("INSERT INTO plain VALUES (3)")
    pipeline.start().wait_caught_up()
    pair.assert_same("item", "other", "plain")


def test_partitions_of_their_own_names_take_rows_that_move(pair):
    pair.both(PARTS)
    pipeline = pair.pipeline(publish="TABLE item").start()
    change_partitioned(pair.source, LONG)
    pipeline.wait_caught_up()
    pair.assert_same("item", "item_eu", "item_us", "item_rest_low", "item_rest_high")


def test_children_by_inheritance_are_tables_of_their_own(pair):
    # The same key may stand in parent and child: only the row of the table itself is meant.
    pair.both("CREATE TABLE parent (id int PRIMARY KEY, name text); CREATE TABLE child (extra int) INHERITS (parent);"
              "ALTER TABLE child ADD PRIMARY KEY (id)")
    pipeline = pair.pipeline(publish="TABLE parent").start()
    pair.source.execute("INSERT INTO parent VALUES (1, 'p'), (2, 'p'), (3, 'p');"
                        "INSERT INTO child VALUES (1, 'c', 7), (2, 'c', 8), (3, 'c', 9)")
    pair.source.execute("UPDATE ONLY parent SET name = 'pp' WHERE id = 1;"
                        "UPDATE parent SET name = name || '!' WHERE id = 2")
    pair.source.execute("DELETE FROM child WHERE id = 1; DELETE FROM ONLY parent WHERE id = 3")
    pipeline.wait_caught_up()
    assert_only = "SELECT tableoid::regclass::text, id, name FROM parent ORDER BY 1, 2"
    assert pair.target.rows(assert_only) == pair.source.rows(assert_only)
    pair.assert_same("child")
    pair.source.execute("TRUNCATE ONLY parent")
    pipeline.wait_caught_up()
    assert pair.target.rows(assert_only) == [("child", 2, "c!"), ("child", 3, "c")]


# Identifiers

@pytest.mark.parametrize("name", ["MixedCase", "with space", 'quo"te""s', "select", "x" * 63, "ü" * 31, "a.b.c",
                                  "naïve 表 \U0001F600", "$1", "it's", "back\\slash", "%s {} %(x)s", "*", " ",
                                  "new\nline\ttab"])
def test_identifiers_of_every_kind(pair, name):
    quoted = '"' + name.replace('"', '""') + '"'
    key = '"' + (name[:-4] + "_key" if len(name) > 30 else name + "_key").replace('"', '""') + '"'
    pair.both(f"CREATE SCHEMA {quoted}; CREATE SCHEMA {key}; CREATE TYPE {key}.{quoted} AS ENUM ('a', 'b');"
              f"CREATE TABLE {quoted}.{quoted} ({quoted} int, {key} text, kind {key}.{quoted},"
              f" PRIMARY KEY ({quoted}, {key}))")
    pipeline = pair.pipeline().start()
    pair.source.execute(f"INSERT INTO {quoted}.{quoted} VALUES (1, 'x', 'a'), (2, 'y', 'b'), (3, 'z', NULL)")
    pair.source.execute(f"UPDATE {quoted}.{quoted} SET kind = 'b' WHERE {quoted} = 1")
    pair.source.execute(f"UPDATE {quoted}.{quoted} SET {key} = 'moved' WHERE {quoted} = 2")
    pair.source.execute(f"DELETE FROM {quoted}.{quoted} WHERE {quoted} = 3")
    pipeline.wait_caught_up()
    assert pair.target.rows(f"SELECT {quoted}, {key}, kind::text FROM {quoted}.{quoted} ORDER BY 1") == [
        (1, "x", "b"), (2, "moved", "b")]


# Column lists, row filters, publications

def test_a_column_list_brings_its_columns(pair):
    pair.source.execute("CREATE TABLE item (secret text, id int PRIMARY KEY, name text, more text)")
    pair.target.execute("CREATE TABLE item (id int PRIMARY KEY, name text, secret text DEFAULT 'none')")
    pipeline = pair.pipeline(publish="TABLE item (name, id)").start()
    pair.source.execute(f"INSERT INTO item VALUES ('s', 1, 'a', {LONG}), ('s', 2, 'b', 'm')")
    pair.source.execute("UPDATE item SET secret = 'other'; UPDATE item SET name = 'c', secret = 't' WHERE id = 2")
    pair.source.execute("UPDATE item SET id = 10 WHERE id = 1")
    pipeline.wait_caught_up()
    assert pair.target.rows("SELECT id, name, secret FROM item ORDER BY id") == [(2, "c", "none"), (10, "a", "none")]


@pytest.mark.parametrize("identity", ["DEFAULT", "FULL"])
def test_rows_enter_and_leave_a_filter(pair, identity):
    column = "id" if identity == "DEFAULT" else "n"  # a filter sees the columns of the identity
    pair.both("CREATE TABLE item (id int PRIMARY KEY, n int, body text)")
    pair.source.execute(f"ALTER TABLE item REPLICA IDENTITY {identity}")
    pipeline = pair.pipeline(publish=f"TABLE item WHERE ({column} < 100)").start()
    pair.source.execute(f"INSERT INTO item SELECT n, n, {LONG} FROM unnest(ARRAY[1, 2, 3, 4, 111, 112, 113]) n")
    pair.source.execute("INSERT INTO item VALUES (114, NULL, 'null')")
    pair.source.execute(f"UPDATE item SET {column} = {column} + 100 WHERE id = 1")  # leaves
    if identity == "FULL":  # with it a value that did not change is there when the row enters
        pair.source.execute(f"UPDATE item SET {column} = {column} - 50 WHERE id = 111")
    else:
        pair.source.execute(f"UPDATE item SET {column} = 51, body = 'entered' WHERE id = 112")
    pair.source.execute("UPDATE item SET body = 'inside' WHERE id = 2; UPDATE item SET body = 'outside' WHERE id = 113")
    leave = "UPDATE item SET n = NULL WHERE id = 4" if identity == "FULL" else "DELETE FROM item WHERE id = 4"
    pair.source.execute(leave)
    pair.source.execute("DELETE FROM item WHERE id IN (3, 113)")
    pipeline.wait_caught_up()
    expected = pair.source.rows(f"SELECT id, n, md5(body) FROM item WHERE {column} < 100 ORDER BY id")
    assert len(expected) >= 2
    assert pair.target.rows("SELECT id, n, md5(body) FROM item ORDER BY id") == expected


@pytest.mark.parametrize("way_out", ["by_hand", "skip", "not_mapped"])
def test_a_row_enters_a_filter_and_its_values_are_not_in_the_wal(pair, way_out):
    pair.both("CREATE TABLE item (id int PRIMARY KEY, name text, body text)")
    pipeline = pair.pipeline(publish="TABLE item WHERE (id < 100)")
    found, = [finding for finding in pipeline.command("check", "--json").json
              if finding["name"] == "row_filter_without_values"]
    assert found["severity"] == "warning" and found["object"] == "table public.item", found
    pair.source.execute(f"INSERT INTO item VALUES (1, 'inside', {LONG}), (111, 'outside', {LONG})")
    pipeline.start()
    pair.source.execute("BEGIN; UPDATE item SET id = 11, name = 'entered' WHERE id = 111;"
                        "UPDATE item SET name = 'beside' WHERE id = 1; COMMIT")
    pair.source.execute("UPDATE item SET name = 'later' WHERE id = 1")
    error = pipeline.assert_stopped("row_filter_without_values")
    assert error["relation"] == "public.item" and error["phase"] == "apply", error
    assert "body" in error["message"] and "(id)" in error["detail"], error
    assert "REPLICA IDENTITY FULL" in error["remedy"] and error["lsn"] in error["remedy"], error
    assert pair.target.rows("SELECT id, name FROM item") == [(1, "inside")]
    pair.source.execute("ALTER TABLE item REPLICA IDENTITY FULL")  # too late for what is in the WAL already
    pipeline.expect_stop("row_filter_without_values")
    expected = [(1, "later"), (11, "entered")]
    if way_out == "by_hand":
        body = pair.source.value("SELECT body FROM item WHERE id = 11")
        pair.target.execute("INSERT INTO item VALUES (11, 'copied', %s)", body)
    elif way_out == "skip":
        assert pipeline.command("skip", "--lsn", error["lsn"]).code == 0
        expected = [(1, "later")]
    else:
        pipeline.write_config(tables=[{"source": "public.item", "columns": {"body": None}}])
    pipeline.start().wait_caught_up()
    assert pair.target.rows("SELECT id, name FROM item ORDER BY id") == expected
    if way_out == "by_hand":
        pair.assert_same("item")
    found = [finding["name"] for finding in pipeline.command("check", "--json").json]
    assert "row_filter_without_values" not in found


def test_a_condition_that_fails_for_a_row_is_told_with_its_table(pair):
    pair.both("CREATE TABLE item (id int PRIMARY KEY)")
    pipeline = pair.pipeline(publish="TABLE item WHERE (100 / id > 1)").start()
    pair.source.execute("INSERT INTO item VALUES (1), (2)")
    pipeline.wait_caught_up()
    pair.source.execute("INSERT INTO item VALUES (0)")
    error = pipeline.assert_stopped("source_error")
    assert error["sqlstate"] == "22012" and error["relation"] == "public.item", error
    assert pair.target.rows("SELECT id FROM item ORDER BY id") == [(1,), (2,)]


def test_several_publications_add_up(pair):
    pair.both("CREATE TABLE low (id int PRIMARY KEY, name text); CREATE TABLE both_of (id int PRIMARY KEY, name text);"
              "CREATE TABLE other (id int PRIMARY KEY); CREATE SCHEMA s; CREATE TABLE s.inside (id int PRIMARY KEY)")
    pair.source.execute('CREATE PUBLICATION "First One" FOR TABLE low, both_of WHERE (id < 10);'
                        "CREATE PUBLICATION second FOR TABLE both_of WHERE (id > 20), TABLES IN SCHEMA s")
    pipeline = pair.pipeline(publish=None, config={"source": {"publications": ["First One", "second"]}}).start()
    pair.source.execute("INSERT INTO low VALUES (1, 'a'), (50, 'b');"
                        "INSERT INTO both_of VALUES (1, 'a'), (15, 'b'), (25, 'c');"
                        "INSERT INTO other VALUES (1); INSERT INTO s.inside VALUES (1)")
    pair.source.execute("UPDATE both_of SET id = id + 5")  # 1 → 6 stays, 15 → 20 stays out, 25 → 30 stays
    pair.source.execute("UPDATE both_of SET id = 21 WHERE id = 20")
    pipeline.wait_caught_up()
    for table, ids in {"low": [1, 50], "both_of": [6, 21, 30], "other": [], "s.inside": [1]}.items():
        assert pair.target.rows(f"SELECT id FROM {table} ORDER BY id") == [(id,) for id in ids], table


def test_operations_that_are_not_published_do_not_arrive(pair):
    pair.both("CREATE TABLE item (id int PRIMARY KEY, name text)")
    pipeline = pair.pipeline(publish="TABLE item WITH (publish = 'insert, update')").start()
    pair.source.execute("INSERT INTO item VALUES (1, 'a'), (2, 'b'); UPDATE item SET name = 'c';"
                        "DELETE FROM item WHERE id = 1; TRUNCATE item")
    pair.source.execute(f"ALTER PUBLICATION \"{pipeline.name}\" SET (publish = 'insert, delete')")
    pair.source.execute("INSERT INTO item VALUES (3, 'c'), (4, 'd'); UPDATE item SET name = 'unseen';"
                        "DELETE FROM item WHERE id = 3")
    pipeline.wait_caught_up()
    assert pair.target.rows("SELECT * FROM item ORDER BY id") == [(1, "c"), (2, "c"), (4, "d")]


def test_a_publication_changes_at_its_commit(pair):
    pair.both("CREATE TABLE item (id int PRIMARY KEY, n int); CREATE TABLE late (id int PRIMARY KEY)")
    pipeline = pair.pipeline(publish="TABLE item").start()
    pair.source.execute("INSERT INTO item VALUES (1, 1); INSERT INTO late VALUES (1)")
    pair.source.execute(f"ALTER PUBLICATION \"{pipeline.name}\" SET TABLE item WHERE (id < 10)")
    pair.source.execute("INSERT INTO item VALUES (2, 2), (20, 20)")
    pair.source.execute(f"ALTER PUBLICATION \"{pipeline.name}\" SET TABLE item")
    pair.source.execute("INSERT INTO item VALUES (30, 30)")
    pipeline.wait_caught_up()
    assert pair.target.rows("SELECT id FROM item ORDER BY id") == [(1,), (2,), (30,)]
