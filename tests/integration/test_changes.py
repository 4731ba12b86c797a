"""Each kind of change arrives on the target as it was on the source."""
import pytest

from harness import Pair, assert_same


def test_inserts_updates_and_deletes_arrive(pair):
    pair.both("CREATE TABLE item (id int PRIMARY KEY, name text, price numeric(19,2))")
    pipeline = pair.pipeline().start()
    with pair.source.connect() as session:
        session.execute("INSERT INTO item SELECT n, 'item ' || n, n / 7.0 FROM generate_series(1, 500) n")
        session.execute("UPDATE item SET price = price + 1, name = NULL WHERE id % 3 = 0")
        session.execute("DELETE FROM item WHERE id % 5 = 0")
    status = pipeline.wait_caught_up()
    pair.assert_same("item")
    counted = {name: status["counters"][name] for name in ("transactions", "inserts", "updates", "deletes", "apply_errors")}
    assert counted == {"transactions": 3, "inserts": 500, "updates": 166, "deletes": 100, "apply_errors": 0}


def test_what_was_committed_before_the_service_started_arrives(pair):
    pair.both("CREATE TABLE item (id int PRIMARY KEY, name text)")
    pipeline = pair.pipeline()
    pair.source.execute("INSERT INTO item VALUES (1, 'early')")
    pair.source.execute("UPDATE item SET name = 'still early'")
    pipeline.start().wait_caught_up()
    assert pair.target.rows("SELECT * FROM item") == [(1, "still early")]


def test_the_first_changes_of_tables_need_no_other_session(pair):
    names = [f"t{number}" for number in range(5)]
    pair.both("".join(f"CREATE TABLE {name} (id int PRIMARY KEY);" for name in names))
    pipeline = pair.pipeline().start()
    pair.target.server.execute(f'ALTER DATABASE "{pair.target.name}" ALLOW_CONNECTIONS false')
    try:
        for name in names:
            pair.source.execute(f"INSERT INTO {name} VALUES (1)")
        pipeline.wait_caught_up()
        assert not pipeline.events("retrying")
    finally:
        pair.target.server.execute(f'ALTER DATABASE "{pair.target.name}" ALLOW_CONNECTIONS true')
    pair.assert_same(*names)
    assert pair.target.value("SELECT count(*) FROM walgate.shapes") == len(names)


def test_rolled_back_work_does_not_arrive(pair):
    pair.both("CREATE TABLE item (id int PRIMARY KEY)")
    pipeline = pair.pipeline().start()
    with pair.source.connect(autocommit=False) as session:
        session.execute("INSERT INTO item VALUES (1)")
        session.rollback()
        session.execute("INSERT INTO item VALUES (2)")
        session.execute("SAVEPOINT a")
        session.execute("INSERT INTO item VALUES (3)")
        session.execute("ROLLBACK TO a")
        session.execute("INSERT INTO item VALUES (4)")
        session.execute("SAVEPOINT b")
        session.execute("UPDATE item SET id = 5 WHERE id = 4")
        session.execute("RELEASE b")
    pipeline.wait_caught_up()
    assert pair.target.rows("SELECT * FROM item ORDER BY id") == [(2,), (5,)]


def test_a_prepared_transaction_arrives_when_it_is_committed(make_server, own_pair):
    own_pair.source.server.settings["max_prepared_transactions"] = 5
    own_pair.source.server._write_settings()
    own_pair.source.server.restart()
    own_pair.both("CREATE TABLE item (id int PRIMARY KEY)")
    pipeline = own_pair.pipeline().start()
    own_pair.source.execute("BEGIN; INSERT INTO item VALUES (1); PREPARE TRANSACTION 'later'")
    own_pair.source.execute("INSERT INTO item VALUES (2)")
    pipeline.wait_caught_up()
    assert own_pair.target.rows("SELECT * FROM item") == [(2,)]
    own_pair.source.execute("COMMIT PREPARED 'later'")
    pipeline.wait_caught_up()
    own_pair.assert_same("item")


def test_truncate_empties_all_tables_of_the_command(pair):
    pair.both("CREATE TABLE parent (id int PRIMARY KEY);"
              "CREATE TABLE child (id int PRIMARY KEY, parent int REFERENCES parent);"
              "CREATE TABLE other (id int PRIMARY KEY)")
    pipeline = pair.pipeline().start()
    pair.source.execute("INSERT INTO parent VALUES (1); INSERT INTO child VALUES (1, 1); INSERT INTO other VALUES (1)")
    pair.source.execute("TRUNCATE parent CASCADE")
    pair.source.execute("INSERT INTO parent VALUES (7)")
    status = pipeline.wait_caught_up()
    pair.assert_same("parent", "child", "other")
    assert pair.target.value("SELECT count(*) FROM other") == 1
    assert status["counters"]["truncates"] >= 1


def test_a_changed_key_moves_the_row(pair):
    pair.both("CREATE TABLE item (a int, b text, body text, PRIMARY KEY (a, b))")
    pipeline = pair.pipeline().start()
    pair.source.execute("INSERT INTO item VALUES (1, 'x', 'one'), (2, 'x', 'two')")
    pair.source.execute("UPDATE item SET a = a + 10")
    pair.source.execute("UPDATE item SET b = 'y', body = body || '!' WHERE a = 11")
    pair.source.execute("DELETE FROM item WHERE a = 12")
    pipeline.wait_caught_up()
    assert pair.target.rows("SELECT * FROM item") == [(11, "y", "one!")]


def test_an_unchanged_toast_value_stays_on_the_target(pair):
    pair.both("CREATE TABLE document (id int PRIMARY KEY, title text, body text, other text);"
              "ALTER TABLE document ALTER body SET STORAGE EXTERNAL, ALTER other SET STORAGE EXTERNAL")
    pipeline = pair.pipeline().start()
    pair.source.execute("INSERT INTO document SELECT n, 'title', repeat(n::text || 'x', 20000), repeat('y', 30000)"
                        "  FROM generate_series(1, 5) n")
    pair.source.execute("UPDATE document SET title = 'changed'")                      # both unchanged
    pair.source.execute("UPDATE document SET other = repeat('z', 9000) WHERE id = 1")  # one changed
    pair.source.execute("UPDATE document SET id = 20, title = 'moved' WHERE id = 2")   # the key changes
    pair.source.execute("UPDATE document SET body = NULL WHERE id = 3")
    pair.source.execute("UPDATE document SET body = '' WHERE id = 4")
    pipeline.wait_caught_up()
    pair.assert_same("document")
    assert pair.target.value("SELECT length(body) FROM document WHERE id = 20") == 40000


def test_the_replica_identity_may_be_another_index(pair):
    pair.both("CREATE TABLE item (id int PRIMARY KEY, code text NOT NULL UNIQUE, name text)")
    pair.source.execute("ALTER TABLE item REPLICA IDENTITY USING INDEX item_code_key")
    pipeline = pair.pipeline().start()
    pair.source.execute("INSERT INTO item VALUES (1, 'a', 'x'), (2, 'b', 'y'), (3, 'c', 'z')")
    pair.source.execute("UPDATE item SET id = 10, name = 'changed' WHERE code = 'a'")
    pair.source.execute("UPDATE item SET code = 'bb' WHERE code = 'b'")
    pair.source.execute("DELETE FROM item WHERE id = 3")
    pipeline.wait_caught_up()
    pair.assert_same("item")


def test_a_table_without_a_key_takes_inserts(pair):
    pair.both("CREATE TABLE event (body text)")
    pipeline = pair.pipeline(publish="TABLE event").start()
    pair.source.execute("ALTER PUBLICATION \"{}\" SET (publish = 'insert, truncate')".format(pipeline.name))
    pair.source.execute("INSERT INTO event VALUES ('twice'), ('twice'), (NULL)")
    pipeline.wait_caught_up()
    pair.assert_same("event")


def test_names_that_need_quotes_arrive(pair):
    pair.both('CREATE SCHEMA "My.Schema"; CREATE TABLE "My.Schema"."Or""der" ("Select" int PRIMARY KEY, "a b" text, "ü%s" int)')
    pipeline = pair.pipeline().start()
    pair.source.execute('INSERT INTO "My.Schema"."Or""der" VALUES (1, \'x\', 2)')
    pair.source.execute('UPDATE "My.Schema"."Or""der" SET "a b" = \'y\'')
    pipeline.wait_caught_up()
    assert pair.target.rows('SELECT * FROM "My.Schema"."Or""der"') == [(1, "y", 2)]


def test_columns_may_stand_in_another_order_and_the_target_may_have_more(pair):
    pair.source.execute("CREATE TABLE item (gone int, id int PRIMARY KEY, a text, b text); ALTER TABLE item DROP gone")
    pair.target.execute("CREATE TABLE item (b text, extra text DEFAULT 'mine', a text, id int PRIMARY KEY)")
    pipeline = pair.pipeline().start()
    pair.source.execute("INSERT INTO item VALUES (1, 'a', 'b')")
    pair.source.execute("UPDATE item SET a = 'aa'")
    pipeline.wait_caught_up()
    assert pair.target.rows("SELECT id, a, b, extra FROM item") == [(1, "aa", "b", "mine")]


def test_identity_and_generated_columns_get_the_sources_values(pair):
    pair.both("CREATE TABLE item (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, a int,"
              " twice int GENERATED ALWAYS AS (a * 2) STORED)")
    pair.target.execute("ALTER TABLE item ALTER id RESTART 1000")
    pipeline = pair.pipeline().start()
    pair.source.execute("INSERT INTO item (a) VALUES (1), (2), (3)")
    pair.source.execute("UPDATE item SET a = 10 WHERE id = 2")
    pair.source.execute("DELETE FROM item WHERE id = 1")
    pipeline.wait_caught_up()
    assert pair.target.rows("SELECT * FROM item ORDER BY id") == [(2, 10, 20), (3, 3, 6)]


def test_a_partitioned_source_arrives(pair):
    pair.both("CREATE TABLE item (id int PRIMARY KEY, name text) PARTITION BY RANGE (id);"
              "CREATE TABLE item_low PARTITION OF item FOR VALUES FROM (0) TO (100);"
              "CREATE TABLE item_high PARTITION OF item FOR VALUES FROM (100) TO (200)")
    pipeline = pair.pipeline(publish="TABLE item").start()
    pair.source.execute("INSERT INTO item VALUES (1, 'a'), (150, 'b')")
    pair.source.execute("UPDATE item SET id = 160 WHERE id = 1")  # moves to the other partition
    pipeline.wait_caught_up()
    pair.assert_same("item", "item_low", "item_high")


def test_a_column_that_is_added_on_both_sides_while_we_stream_arrives(pair):
    pair.both("CREATE TABLE item (id int PRIMARY KEY, a text)")
    pipeline = pair.pipeline().start()
    pair.source.execute("INSERT INTO item VALUES (1, 'a')")
    pipeline.wait_caught_up()
    pair.target.execute("ALTER TABLE item ADD b int DEFAULT 7")
    pair.source.execute("ALTER TABLE item ADD b int DEFAULT 7")
    pair.source.execute("INSERT INTO item VALUES (2, 'b', 8)")
    pair.source.execute("UPDATE item SET a = 'aa', b = 9 WHERE id = 1")
    pipeline.wait_caught_up()
    pair.assert_same("item")


def test_ddl_beside_changes_in_one_transaction_arrives(pair):
    pair.source.execute("CREATE TABLE item (id int PRIMARY KEY, a text)")
    pair.target.execute("CREATE TABLE item (id int PRIMARY KEY, a text, b text)")
    pipeline = pair.pipeline().start()
    pair.source.execute("BEGIN; INSERT INTO item VALUES (1, 'a'); ALTER TABLE item ADD b text;"
                        "INSERT INTO item VALUES (2, 'b', 'c'); UPDATE item SET b = 'd' WHERE id = 1; COMMIT")
    pipeline.wait_caught_up()
    pair.assert_same("item")


def test_the_stream_brings_no_ddl(pair):
    pair.both("CREATE TABLE item (id int PRIMARY KEY, name text)")
    pipeline = pair.pipeline()
    assert pipeline.command("init").code == 0  # walgate's own tables are made by migrations, once
    # ALWAYS, because an ordinary event trigger is silent in a replica session.
    pair.target.execute("CREATE TABLE ddl (command text);"
                        "CREATE FUNCTION note_ddl() RETURNS event_trigger LANGUAGE plpgsql AS"
                        " $$ BEGIN INSERT INTO public.ddl VALUES (tg_tag); END $$;"
                        "CREATE EVENT TRIGGER note_ddl ON ddl_command_end EXECUTE FUNCTION note_ddl();"
                        "ALTER EVENT TRIGGER note_ddl ENABLE ALWAYS")
    with pair.target.connect() as session:
        session.execute("SET session_replication_role = replica; CREATE TABLE shown_to_fire (a int)")
    assert pair.target.rows("SELECT command FROM ddl") == [("CREATE TABLE",)]
    pipeline.start()
    pair.source.execute("INSERT INTO item VALUES (1, 'a'), (2, 'b'); UPDATE item SET name = 'c'; DELETE FROM item WHERE id = 2")
    pair.source.execute("TRUNCATE item; INSERT INTO item VALUES (3)")
    pair.source.execute("CREATE INDEX ON item (name); ALTER TABLE item ALTER name SET DEFAULT 'x'; INSERT INTO item VALUES (4)")
    pipeline.wait_caught_up()
    pair.source.execute("ALTER TABLE item ADD more int; INSERT INTO item VALUES (5, 'e', 6)")
    pipeline.wait_gate("public.item.more")
    assert pair.target.rows("SELECT command FROM ddl") == [("CREATE TABLE",)]
    assert pair.target.rows("SELECT id FROM item ORDER BY id") == [(3,), (4,)]


VALUES = {
    "bool": ["true", "false"],
    "smallint": ["-32768", "32767"],
    "bigint": ["-9223372036854775808", "9223372036854775807"],
    "real": ["'NaN'", "'-0'", "'Infinity'", "1e-38", "3.4028235e38"],
    "double precision": ["'NaN'", "'-0'", "'-Infinity'", "1e-307", "0.1", "123456789.123456789"],
    "numeric": ["'NaN'", "'Infinity'", "1.0", "1.00", "-0.000001", "1e100", "12345678901234567890.123456789"],
    "numeric(19,2)": ["1.5", "-99999999999999999.99"],
    "text": ["''", "'späß ✓ \U0001F600'", "E'a\\tb\\nc\\\\d'", "repeat('x', 100000)"],
    "varchar(10)": ["'a  '"],
    "char(5)": ["'a'", "''"],
    "\"char\"": ["'x'"],
    "name": ["'a_name'"],
    "bytea": ["''", "'\\x00ff10'", "decode(repeat('00ff', 50000), 'hex')"],
    "uuid": ["'6ecd8c99-4036-403d-bf84-cf8400f67836'"],
    "date": ["'0044-03-15 BC'", "'infinity'", "'2026-01-02'"],
    "time": ["'23:59:59.999999'", "'24:00'"],
    "timetz": ["'12:00+05:30'"],
    "timestamp": ["'-infinity'", "'2026-02-01 03:04:05.678901'", "'0001-01-01 BC'"],
    "timestamptz": ["'infinity'", "'2026-02-01 03:04:05.678901+09'", "'1883-11-18 12:00:00 America/New_York'"],
    "interval": ["'1 year -2 months 3 days -04:05:06.789'", "'-1 day'", "'0'"],
    "inet": ["'192.168.1.5/24'", "'::1'"],
    "cidr": ["'10.0.0.0/8'"],
    "macaddr": ["'08:00:2b:01:02:03'"],
    "bit(5)": ["B'10101'"],
    "bit varying": ["B''", "B'101'"],
    "json": ["'{\"b\": 1,  \"a\":[1,2]}'"],
    "jsonb": ["'{\"b\": 1.10, \"a\": [null, true]}'"],
    "xml": ["'<a>b</a>'"],
    "point": ["'(1.5,-2)'"],
    "polygon": ["'((0,0),(1,1),(1,0))'"],
    "tsvector": ["to_tsvector('simple', 'a fat cat')"],
    "tsquery": ["to_tsquery('simple', 'fat & cat')"],
    "pg_lsn": ["'16/B374D848'"],
    "oid": ["4294967295"],
    "int[]": ["'{}'", "'{1,NULL,3}'", "'{{1,2},{3,4}}'", "'[5:6]={7,8}'"],
    "text[]": ["ARRAY['a,b', NULL, 'NULL', '\"q\"', '{}']"],
    "timestamptz[]": ["ARRAY['infinity', '2026-02-01 00:00+00']::timestamptz[]"],
    "int4range": ["'[1,5)'", "'empty'", "'(,)'"],
    "tstzrange": ["'[2026-01-01 00:00+00, infinity)'"],
    "int8multirange": ["'{[1,2), [5,9)}'"],
    "regclass": ["'pg_class'"],
    "regtype": ["'integer'"],
    "pg_catalog.aclitem": ["'postgres=r/postgres'"],
    "mood": ["'sad'", "'very happy'"],
    "mood[]": ["ARRAY['sad', NULL, 'very happy']::mood[]"],
    "moodrange": ["'[sad,very happy]'"],
    "place": ["ROW('here', 1.50, 'sad')::place", "ROW(NULL, NULL, NULL)::place"],
    "place[]": ["ARRAY[ROW('here', 1.50, 'sad')::place]"],
    "positive": ["5"],
    "positive[]": ["ARRAY[1, 2]::positive[]"],
}


def test_values_of_all_types_keep_their_bytes(pair):
    # The target makes another type first, so that the OIDs of the types differ between the servers.
    pair.target.execute("CREATE TYPE shift_oids AS ENUM ('x'); CREATE TABLE shift_more (a int)")
    pair.both("CREATE TYPE mood AS ENUM ('sad', 'very happy'); CREATE TYPE moodrange AS RANGE (subtype = mood);"
              "CREATE TYPE place AS (name text, height numeric, mood mood);"
              "CREATE DOMAIN positive AS int CHECK (value > 0)")
    columns = ", ".join(f"c{n} {kind}" for n, kind in enumerate(VALUES))
    pair.both(f"CREATE TABLE sample (id int PRIMARY KEY, {columns})")
    pipeline = pair.pipeline(publish="TABLE sample").start()
    with pair.source.connect() as session:
        row = 0
        for n, (kind, literals) in enumerate(VALUES.items()):
            for literal in literals:
                row += 1
                session.execute(f"INSERT INTO sample (id, c{n}) VALUES ({row}, ({literal})::{kind})")
                session.execute(f"INSERT INTO sample (id) VALUES ({-row})")
                session.execute(f"UPDATE sample SET c{n} = ({literal})::{kind} WHERE id = {-row}")
        session.execute("UPDATE sample SET c0 = NULL WHERE id = 1")
    pipeline.wait_caught_up()
    as_text = ("SELECT id, {} FROM sample ORDER BY id".format(", ".join(f"c{n}::text" for n in range(len(VALUES)))))
    texts = [database.rows(as_text) for database in (pair.source, pair.target)]
    for left, right in zip(*texts, strict=True):
        assert left == right, [(kind, a, b) for kind, a, b in zip(VALUES, left[1:], right[1:]) if a != b]
    # Types made by the user have other OIDs on the other side, and their containers carry OIDs in their binary form.
    made = ("mood[]", "place", "place[]", "positive[]", "moodrange", "pg_catalog.aclitem")
    assert_same(pair.source, pair.target, "sample",
                columns={f"c{n}": None for n, kind in enumerate(VALUES) if kind in made})


def test_a_source_in_another_encoding_arrives(request, source_server, target_server, pair):
    from harness import Pair
    name = pair.source.name + "_latin1"
    latin = Pair(source_server.database(name, "ENCODING 'LATIN1' TEMPLATE template0"), target_server.database(name))
    try:
        latin.both("CREATE TABLE item (id int PRIMARY KEY, name text, form char(4), tags text[], body jsonb)")
        pipeline = latin.pipeline(publish="TABLE item").start()
        latin.source.execute("INSERT INTO item VALUES (1, 'Müße', 'äö', '{é,ñ}', '{\"ß\": \"ø\"}')")
        pipeline.wait_caught_up()
        assert latin.target.rows("SELECT name, form, tags, body::text FROM item") == [
            ("Müße", "äö  ", ["é", "ñ"], '{"ß": "ø"}')]
    finally:
        latin.close()


def test_names_that_are_not_ascii_reach_a_target_that_knows_no_encoding(source_server, target_server, pair):
    from harness import Pair
    name = pair.source.name + "_bytes"
    bytes_ = Pair(source_server.database(name), target_server.database(name, "ENCODING 'SQL_ASCII' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'"))
    try:
        bytes_.both('CREATE TABLE item (id int PRIMARY KEY, "größe" text)')
        pipeline = bytes_.pipeline(publish="TABLE item").start()
        bytes_.source.execute("INSERT INTO item VALUES (1, 'Müße')")
        pipeline.wait_caught_up()
        bytes_.source.execute("UPDATE item SET id = 2")
        pipeline.wait_caught_up()
        assert bytes_.target.value('SELECT octet_length("größe") FROM item WHERE id = 2') == 6
    finally:
        bytes_.close()


@pytest.mark.parametrize("rows", [1, 70_000])
def test_a_transaction_larger_than_every_limit_is_one_transaction(pair, rows):
    pair.both("CREATE TABLE item (id int PRIMARY KEY, body text)")
    pipeline = pair.pipeline(config={"limits": {"batch_rows": 1000, "batch_bytes": "1MB", "queue_bytes": "4MB"}}).start()
    pair.source.execute(f"INSERT INTO item SELECT n, repeat('x', 100) FROM generate_series(1, {rows}) n")
    pipeline.wait_caught_up()
    pair.assert_same("item")
    assert pair.target.value("SELECT count(DISTINCT xmin::text) FROM item") == 1


def test_a_stored_generated_column_inside_the_key(pair):
    pair.both("CREATE TABLE item (id int NOT NULL, code text GENERATED ALWAYS AS ('c' || n) STORED NOT NULL, n int NOT NULL,"
              " note text, PRIMARY KEY (id, code))")
    pipeline = pair.pipeline(pair.all_tables_with_generated()).start()
    pair.source.execute("INSERT INTO item (id, n, note) SELECT n, n, 'x' FROM generate_series(1, 20) n")
    pair.source.execute("UPDATE item SET note = 'y' WHERE id % 2 = 0")
    pair.source.execute("UPDATE item SET n = n + 100 WHERE id % 3 = 0")
    pair.source.execute("DELETE FROM item WHERE id % 5 = 0")
    pipeline.wait_caught_up()
    pair.assert_same("item")


def test_identity_always_columns_follow(pair):
    pair.both("CREATE TABLE item (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, note text)")
    pair.target.execute("ALTER TABLE item ADD extra text DEFAULT 'none'")
    pipeline = pair.pipeline().start()
    pair.source.execute("INSERT INTO item (note) SELECT 'n' || n FROM generate_series(1, 5) n")
    pipeline.wait_caught_up()
    pair.target.execute("UPDATE item SET extra = 'kept ' || id")
    pair.source.execute("UPDATE item SET id = DEFAULT WHERE id = 2")
    pair.source.execute("UPDATE item SET note = 'new' WHERE id = 3")
    pipeline.wait_caught_up()
    assert pair.target.rows("SELECT id, note, extra FROM item ORDER BY id") == [
        (1, "n1", "kept 1"), (3, "new", "kept 3"), (4, "n4", "kept 4"), (5, "n5", "kept 5"), (6, "n2", "kept 2")]


def test_a_latin1_source_feeds_a_utf8_target(request, source_server, target_server):
    latin = "TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'"
    pair = Pair(source_server.database("latin", latin), target_server.database("latin"))
    try:
        pair.both('CREATE TABLE "Größe" (id int PRIMARY KEY, "Länge" text)')
        pair.target.execute('ALTER TABLE "Größe" RENAME "Länge" TO "Maß"')
        rule = {"source": 'public."Größe"', "target": 'public."Größe"', "columns": {"Länge": "Maß"}}
        pipeline = pair.pipeline(config={"tables": [rule]}).start()
        pair.source.execute('INSERT INTO "Größe" VALUES (1, \'zwölf\'), (2, \'ß\')')
        pair.source.execute('UPDATE "Größe" SET "Länge" = \'dreißig\' WHERE id = 2')
        pair.source.execute('DELETE FROM "Größe" WHERE id = 1')
        pair.source.execute('TRUNCATE "Größe"; INSERT INTO "Größe" VALUES (3, \'für\')')
        pipeline.wait_caught_up()
        assert pair.target.rows('SELECT * FROM "Größe"') == [(3, "für")]
        assert pipeline.status()["tables"][0]["source"] == 'public."Größe"'
    finally:
        pair.close()


@pytest.mark.parametrize("partitioned", [False, True])
def test_one_of_several_equal_rows_without_a_key_is_changed(pair, partitioned):
    by = " PARTITION BY HASH (n)" if partitioned else ""
    pair.both(f"CREATE TABLE item (n int, price numeric, body json){by}")
    if partitioned:
        pair.both("CREATE TABLE item_0 PARTITION OF item FOR VALUES WITH (MODULUS 2, REMAINDER 0);"
                  "CREATE TABLE item_1 PARTITION OF item FOR VALUES WITH (MODULUS 2, REMAINDER 1);"
                  "ALTER TABLE item_0 REPLICA IDENTITY FULL; ALTER TABLE item_1 REPLICA IDENTITY FULL")
    pair.source.execute("ALTER TABLE item REPLICA IDENTITY FULL")
    publish = "TABLE item WITH (publish_via_partition_root = true)" if partitioned else "TABLE item"
    pipeline = pair.pipeline(publish=publish).start()
    pair.source.execute("INSERT INTO item SELECT n % 3, 1.0, '{\"a\": 1}' FROM generate_series(1, 30) n")
    pair.source.execute("INSERT INTO item VALUES (1, 1.00, '{\"a\": 1}'), (NULL, NULL, NULL), (NULL, NULL, NULL)")
    one = "(tableoid, ctid) = (SELECT tableoid, ctid FROM item WHERE {} LIMIT 1)"
    pair.source.execute(f"UPDATE item SET price = 7 WHERE {one.format('n = 1 AND price::text = $$1.0$$')}")
    pair.source.execute(f"DELETE FROM item WHERE {one.format('n = 1 AND price::text = $$1.00$$')}")
    pair.source.execute(f"DELETE FROM item WHERE {one.format('n IS NULL')}")
    pair.source.execute(f"UPDATE item SET n = n + 1 WHERE {one.format('n = 2')}")
    pipeline.wait_caught_up()
    pair.assert_same("item")


def test_two_pipelines_in_opposite_directions_do_not_echo(pair):
    pair.both("CREATE TABLE item (id int PRIMARY KEY, name text)")
    there = pair.pipeline(config={"source": {"origin": "none"}}).start()
    back = Pair(pair.target, pair.source).pipeline(name="back", config={"source": {"origin": "none"}}).start()
    try:
        pair.source.execute("INSERT INTO item VALUES (1, 'here')")
        pair.target.execute("INSERT INTO item VALUES (2, 'there')")
        there.wait_caught_up()
        back.wait_caught_up()
        pair.source.execute("UPDATE item SET name = name || '!'")
        there.wait_caught_up()
        back.wait_caught_up()
        pair.assert_same("item")
        assert pair.source.rows("SELECT * FROM item ORDER BY id") == [(1, "here!"), (2, "there!")]
        assert back.status()["counters"]["updates"] == 0
        assert there.status()["counters"]["inserts"] == 1
    finally:
        back.stop()
        back.command("remove")
