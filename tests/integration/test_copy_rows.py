"""What the initial copy makes of rows: the same as the stream does, whatever the mapping, the publication and the types."""
import psycopg
import pytest

from copying import SMALL_RANGES, catch_up, fill, finish, item_pipeline, rows_copied, states
from harness import Pair
from test_types import Samples
from type_values import SETUP, VALUES


def test_every_type(pair):
    """The values of type_values.py, between servers that differ in everything that changes how values look."""
    pair.target.execute("CREATE TYPE shift AS ENUM ('x'); CREATE TABLE shift_more (a int); CREATE EXTENSION hstore;"
                        "CREATE EXTENSION citext; DROP EXTENSION hstore; DROP EXTENSION citext")
    pair.both(SETUP + 'CREATE TABLE "Odd.Schema"."Odd ""Table" (); CREATE SCHEMA rt')
    samples = Samples(pair)
    tables = {kind: f"t{number}" for number, kind in enumerate(VALUES)}
    with pair.source.connect(autocommit=False) as source, pair.target.connect(autocommit=False) as target:
        for kind, table in tables.items():
            for session in (source, target):
                session.execute(f"CREATE TABLE rt.{table} (id int PRIMARY KEY, v {kind}, note text)")
            source.execute(f"INSERT INTO rt.{table} VALUES (0, NULL, 'empty')")
            for n, literal in enumerate(VALUES[kind], 1):
                source.execute(f"INSERT INTO rt.{table} VALUES (%s, ({literal.replace('%', '%%')})::{kind}, 'x')", (n,))
    pipeline = pair.pipeline(publish="TABLES IN SCHEMA rt", copy=True, env={"WALGATE_COPY_RANGE_BLOCKS": "1"}).start()
    catch_up(pipeline)
    samples.sessions = [side.connect() for side in (pair.source, pair.target)]
    wrong = {}
    for kind, table in tables.items():
        left, right = samples.images(table, kind)
        assert len(left) == len(VALUES[kind]) + 1
        if left != right:
            wrong[kind] = [(id, left[id], right.get(id)) for id in left if left[id] != right.get(id)][:2]
    for session in samples.sessions:
        session.close()
    assert not wrong, {kind: str(rows)[:400] for kind, rows in wrong.items()}


def test_names_schemas_and_columns_are_mapped(pair):
    theirs, ours = '"My Shop"."Order ""x"""', 'batch."batch_Order ""x"""'
    pair.source.execute('CREATE SCHEMA "My Shop"; CREATE TABLE secret (id int PRIMARY KEY); INSERT INTO secret VALUES (1);'
                        f'CREATE TABLE {theirs} ("Key" int PRIMARY KEY, "a b" text, "select" int, gone int, draft text);'
                        f"ALTER TABLE {theirs} DROP gone;"
                        f"INSERT INTO {theirs} SELECT g, 'text ' || g, g * 2, 'draft' FROM generate_series(1, 500) g")
    # Other names, another order, one column more.
    pair.target.execute(f"CREATE SCHEMA batch; CREATE TABLE {ours}"
                        ' ("from" int, own text DEFAULT \'mine\', "A.B" text, id int PRIMARY KEY)')
    renamed = {"Key": "id", "a b": "A.B", "select": "from", "draft": None}
    pipeline = pair.pipeline(copy=True, env=SMALL_RANGES, config={"tables": [
        {"source": "public.secret", "target": None},
        {"source": '"My Shop".*', "target": "batch.batch_*", "columns": renamed}]}).start()
    assert pair.target.rows('SELECT count(*)::int, min(id), max(id), sum("from")::int, min(own), max(own),'
                            f' bool_and("A.B" = \'text \' || id) FROM {ours}') == [(500, 1, 500, 250500, "mine", "mine", True)]
    pair.source.execute(f'UPDATE {theirs} SET "a b" = \'new\' WHERE "Key" = 500')
    catch_up(pipeline)
    assert pair.target.value(f'SELECT "A.B" FROM {ours} WHERE id = 500') == "new"


def test_columns_whose_types_differ_by_a_cast(pair):
    pair.source.execute("CREATE TABLE item (id int PRIMARY KEY, n int, body text, state text, at text, code text, flags text)")
    pair.target.execute("CREATE TYPE state AS ENUM ('new', 'done');"
                        "CREATE TABLE item (id bigint PRIMARY KEY, n numeric, body varchar(2000), state state, at timestamptz,"
                        " code char(5), flags bit(4))")
    pair.source.execute("INSERT INTO item VALUES (1, 5, 'x', 'new', '2026-02-01 03:04:05.5+09', 'abc', '1010'),"
                        " (2, NULL, NULL, NULL, NULL, NULL, NULL), (3, 7, E'tab\\t\\\\.\\n', 'done', 'infinity', '', '0000')")
    casts = {"state": "public.state", "body": "varchar(2000)", "at": "timestamptz", "code": "char(5)", "flags": "bit(4)"}
    pair.pipeline(copy=True, config={"tables": [{"source": "public.item", "cast": casts}]}).start()
    assert pair.target.rows("SELECT id, n, body, state::text, at AT TIME ZONE 'UTC' = '2026-01-31 18:04:05.5', code::text,"
                            " flags::text FROM item ORDER BY id") == [
        (1, 5, "x", "new", True, "abc", "1010"), (2, None, None, None, None, None, None),
        (3, 7, "tab\t\\.\n", "done", False, "", "0000")]


def test_a_value_that_the_target_does_not_take_stops(pair):
    pair.source.execute("CREATE TABLE item (id int PRIMARY KEY, body text)")
    pair.target.execute("CREATE TABLE item (id int PRIMARY KEY, body int)")
    fill(pair.source)
    pair.source.execute("UPDATE item SET body = id")
    pair.source.execute("UPDATE item SET body = 'secret' WHERE id = 1000")
    pipeline = pair.pipeline(copy=True, env=SMALL_RANGES,
                             config={"tables": [{"source": "public.item", "cast": {"body": "int"}}]})
    error = pipeline.expect_stop("value_not_accepted")
    assert error["relation"] == "public.item", error
    assert "secret" not in pipeline.log()
    pair.source.execute("UPDATE item SET body = '7' WHERE id = 1000")
    pipeline.start()
    catch_up(pipeline)
    assert pair.target.rows("SELECT count(*)::int, max(body) FROM item") == [(2000, 2000)]


def test_types_that_travel_as_text(pair):
    pair.both("CREATE TYPE part AS (kind regtype, price numeric)")
    pair.source.execute("CREATE TABLE item (id int PRIMARY KEY, page xml, class regclass, query tsquery, kinds regtype[],"
                        " part part)")
    pair.target.execute("CREATE TABLE item (id int PRIMARY KEY, page text, class text, query text, kinds text[], part text)")
    pair.source.execute("INSERT INTO item VALUES (1, '<a>\\ü</a>', 'pg_class', 'a & b', '{integer,text}', '(integer,1.50)'),"
                        " (2, NULL, NULL, NULL, NULL, NULL), (3, '', 'public.item', '', '{}', '(,)')")
    pipeline = pair.pipeline(copy=True).start()
    expected = [(1, "<a>\\ü</a>", "pg_class", "'a' & 'b'", ["integer", "text"], "(integer,1.50)"),
                (2, None, None, None, None, None)]
    assert pair.target.rows("SELECT * FROM item WHERE id < 3 ORDER BY id") == expected
    copied = pair.target.rows("SELECT page, class, query, kinds, part FROM item WHERE id = 3")
    pair.source.execute("UPDATE item SET id = 4 WHERE id = 3;"
                        "INSERT INTO item SELECT 3, page, class, query, kinds, part FROM item WHERE id = 4")
    catch_up(pipeline)
    assert pair.target.rows("SELECT page, class, query, kinds, part FROM item WHERE id = 3") == copied, "stream and copy agree"


def test_a_row_filter_and_a_column_list(pair):
    pair.both("CREATE TABLE item (id int PRIMARY KEY, n int NOT NULL DEFAULT 0, body text)")
    pair.source.execute("INSERT INTO item SELECT g, g % 3, 'secret' FROM generate_series(1, 3000) g")
    pipeline = pair.pipeline(publish="TABLE item (id, n) WHERE (id > 100 AND n <> 1)", copy=True, env=SMALL_RANGES)
    pair.source.execute(f"ALTER PUBLICATION {pipeline.name} SET (publish = 'insert')")
    pipeline.start()
    pair.source.execute("INSERT INTO item VALUES (5000, 1, 'secret'), (5001, 2, 'secret')")
    catch_up(pipeline)
    assert pair.target.value("SELECT count(*) FROM item WHERE body IS NOT NULL") == 0
    assert pair.target.rows("SELECT id, n FROM item ORDER BY id") == pair.source.rows(
        "SELECT id, n FROM item WHERE id > 100 AND n <> 1 ORDER BY id")


def test_filters_of_several_publications_are_joined_by_or(pair):
    pair.both("CREATE TABLE item (id int PRIMARY KEY, n int); CREATE TABLE whole (id int PRIMARY KEY)")
    pair.source.execute("INSERT INTO item SELECT g, g % 10 FROM generate_series(1, 1000) g; INSERT INTO whole VALUES (1), (2)")
    pair.source.execute("CREATE PUBLICATION second_one FOR TABLE item WHERE (n = 2), TABLE whole")
    pipeline = pair.pipeline(publish="TABLE item WHERE (n = 1), whole WHERE (id = 1)", copy=True)
    pair.source.execute(f"ALTER PUBLICATION {pipeline.name} SET (publish = 'insert');"
                        "ALTER PUBLICATION second_one SET (publish = 'insert')")
    pipeline.write_config(source={"publications": [pipeline.name, "second_one"]})
    pipeline.start()
    assert pair.target.rows("SELECT n, count(*)::int FROM item GROUP BY n ORDER BY n") == [(1, 100), (2, 100)]
    assert pair.target.value("SELECT count(*) FROM whole") == 2


def test_rows_are_copied_whatever_the_publication_streams(pair):
    pipeline = item_pipeline(pair, publish="TABLE item, event WITH (publish = 'update')").start()
    pair.source.execute("UPDATE item SET n = 1 WHERE id = 1")
    finish(pair, pipeline)
    assert rows_copied(pipeline) == 2000


PARTS = """
    CREATE TABLE item (id int, n int NOT NULL DEFAULT 0, body text, PRIMARY KEY (id)) PARTITION BY RANGE (id);
    CREATE TABLE item_low PARTITION OF item FOR VALUES FROM (MINVALUE) TO (1000);
    CREATE TABLE item_rest (body text, gone int, n int NOT NULL DEFAULT 0, id int NOT NULL) PARTITION BY RANGE (id);
    ALTER TABLE item_rest DROP gone;
    ALTER TABLE item ATTACH PARTITION item_rest DEFAULT;
    CREATE TABLE item_mid PARTITION OF item_rest FOR VALUES FROM (1000) TO (1500);
    CREATE TABLE item_none PARTITION OF item_rest FOR VALUES FROM (8000) TO (9000);
    CREATE TABLE item_high PARTITION OF item_rest DEFAULT;"""
PLAIN = "CREATE TABLE item (id int PRIMARY KEY, n int NOT NULL DEFAULT 0, body text);"
BY_HASH = """
    CREATE TABLE item (body text, id int PRIMARY KEY, n int NOT NULL DEFAULT 0) PARTITION BY HASH (id);
    CREATE TABLE item_0 PARTITION OF item FOR VALUES WITH (MODULUS 2, REMAINDER 0);
    CREATE TABLE item_1 PARTITION OF item FOR VALUES WITH (MODULUS 2, REMAINDER 1);"""


@pytest.mark.parametrize("on_source, on_target", [
    pytest.param(PARTS, PLAIN, id="partitioned_to_plain"), pytest.param(PLAIN, BY_HASH, id="plain_to_partitioned"),
    pytest.param(PARTS, BY_HASH, id="partitioned_otherwise")])
def test_partitions_published_as_their_root(pair, on_source, on_target):
    pair.source.execute(on_source)
    pair.target.execute(on_target)
    fill(pair.source)
    pipeline = pair.pipeline(publish="TABLE item WITH (publish_via_partition_root)", copy=True, env=SMALL_RANGES).start()
    assert rows_copied(pipeline) == 2000
    pair.source.execute("UPDATE item SET id = id + 8000 WHERE id BETWEEN 11 AND 19;"
                        "DELETE FROM item WHERE id % 10 = 0; UPDATE item SET n = 1 WHERE id % 3 = 0")
    finish(pair, pipeline, "item")


def test_partitions_published_as_themselves(pair):
    pair.both(PARTS)
    fill(pair.source)
    pipeline = pair.pipeline(publish="TABLE item", copy=True, env=SMALL_RANGES).start()
    assert set(states(pipeline.status())) == {"public.item_low", "public.item_mid", "public.item_none", "public.item_high"}
    assert rows_copied(pipeline, "public.item_low") == 999
    pair.source.execute("UPDATE item SET n = 1 WHERE id % 3 = 0")
    finish(pair, pipeline, "item")


def test_inherited_rows_are_those_of_the_child(pair):
    pair.both("CREATE TABLE item (id int PRIMARY KEY, body text);"
              "CREATE TABLE child (extra int, PRIMARY KEY (id)) INHERITS (item)")
    fill(pair.source, 300)
    pair.source.execute("INSERT INTO child SELECT g, 'of the child', 1 FROM generate_series(1001, 1100) g")
    pipeline = pair.pipeline(copy=True, env=SMALL_RANGES).start()
    assert (rows_copied(pipeline, "public.item"), rows_copied(pipeline, "public.child")) == (300, 100)
    finish(pair, pipeline, "item", "child")
    assert pair.target.value("SELECT count(*) FROM ONLY item") == 300


def test_generated_columns_and_identity_always(pair):
    pair.both("CREATE TABLE item (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, a int,"
              " twice int GENERATED ALWAYS AS (a * 2) STORED, b text DEFAULT 'of the default')")
    pair.target.execute("ALTER TABLE item DROP twice; ALTER TABLE item ADD twice int GENERATED ALWAYS AS (a * 3) STORED")
    pair.source.execute("INSERT INTO item (a, b) SELECT g, NULL FROM generate_series(1, 100) g; DELETE FROM item WHERE id < 50")
    pair.pipeline(copy=True).start()
    assert pair.target.rows("SELECT min(id), count(*)::int, bool_and(twice = a * 3), count(b)::int FROM item") == [
        (50, 51, True, 0)]


def test_a_table_without_a_key_under_identity_full(pair):
    pair.both("CREATE TABLE line (n int, v text); ALTER TABLE line REPLICA IDENTITY FULL")
    pair.source.execute("INSERT INTO line SELECT g % 5, repeat('v', 50) FROM generate_series(1, 3000) g;"
                        "INSERT INTO line VALUES (NULL, NULL)")
    pipeline = pair.pipeline(copy=True, env=SMALL_RANGES).start()
    assert rows_copied(pipeline, "public.line") == 3001
    pair.source.execute("UPDATE line SET v = 'w' WHERE ctid IN (SELECT ctid FROM line LIMIT 10);"
                        "DELETE FROM line WHERE ctid IN (SELECT ctid FROM line WHERE v = 'w' LIMIT 3)")
    finish(pair, pipeline, "line")


def test_triggers_rules_and_defaults_of_the_target_do_not_change_what_is_copied(pair):
    """The replica role lets ordinary triggers sleep; one that is enabled for replicas fires for each row once."""
    pair.both("CREATE TABLE item (id int PRIMARY KEY, n int NOT NULL DEFAULT 0, body text)")
    pair.target.execute("CREATE TABLE seen (id int); CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS"
                        " $$ BEGIN INSERT INTO public.seen VALUES (NEW.id); NEW.body = 'spoiled'; RETURN NEW; END $$;"
                        "CREATE TRIGGER sleeps BEFORE INSERT ON item FOR EACH ROW EXECUTE FUNCTION see();"
                        "CREATE TRIGGER acts AFTER INSERT ON item FOR EACH ROW EXECUTE FUNCTION see();"
                        "ALTER TABLE item ENABLE REPLICA TRIGGER acts")
    fill(pair.source, 500)
    pipeline = pair.pipeline(copy=True, env=SMALL_RANGES).start()
    finish(pair, pipeline, "item")
    assert pair.target.rows("SELECT count(*)::int, count(DISTINCT id)::int FROM seen") == [(500, 500)]


@pytest.mark.parametrize("binary", [True, False], ids=["binary", "text"])
def test_another_encoding_on_the_source(request, source_server, target_server, binary):
    name = f"copy_encoding_{'binary' if binary else 'text'}"
    latin = Pair(source_server.database(name, "ENCODING 'LATIN1' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'"),
                 target_server.database(name))
    try:
        more = "" if binary else ", q tsquery"
        latin.both(f'CREATE TABLE "stück" (id int PRIMARY KEY, "größe" text, c "char"{more})')
        latin.source.execute("INSERT INTO \"stück\" VALUES (1, 'späß', 'x'), (2, repeat('ü', 100000), NULL)")
        pipeline = latin.pipeline(copy=True).start()
        latin.source.execute("UPDATE \"stück\" SET c = 'y' WHERE id = 2")
        catch_up(pipeline)
        assert latin.target.rows('SELECT id, md5("größe"), length("größe") FROM "stück" ORDER BY 1') == latin.source.rows(
            "SELECT id, md5(convert_to(\"größe\", 'UTF8')), length(\"größe\") FROM \"stück\" ORDER BY 1")
    finally:
        latin.close()


# Rights

def test_ordinary_roles_are_enough(pair):
    pair.both("CREATE TABLE item (id int PRIMARY KEY, n int NOT NULL DEFAULT 0, body text)")
    fill(pair.source)
    source_role, target_role = pair.role(pair.source, "REPLICATION"), pair.target_role("item")
    pair.source.execute(f"GRANT SELECT ON item TO {source_role}")
    pipeline = pair.pipeline(copy={"workers": 2}, env=SMALL_RANGES, config={
        "source": {"conninfo": pair.source.conninfo(user=source_role)},
        "target": {"conninfo": pair.target.conninfo(user=target_role)}})
    done = pipeline.command("check")
    assert done.code == 0, done
    pipeline.start()
    pair.source.execute("UPDATE item SET n = 1 WHERE id % 10 = 0")
    finish(pair, pipeline, "item")


def test_a_source_role_that_may_not_read_a_table_is_refused(pair):
    pair.both("CREATE TABLE item (id int PRIMARY KEY, body text); CREATE TABLE open (id int PRIMARY KEY)")
    fill(pair.source, 10)
    role = pair.role(pair.source, "REPLICATION")
    pair.source.execute(f"GRANT SELECT ON open TO {role}")
    pipeline = pair.pipeline(copy=True, config={"source": {"conninfo": pair.source.conninfo(user=role)}})
    done = pipeline.command("check", "--json")
    assert done.code == 2, done
    assert {(each["name"], each["object"]) for each in done.json if each["severity"] == "error"} == {
        ("copy_not_allowed", "public.item")}, done.json
    assert pipeline.run_until_exit().code == 2
    # Rights on columns do not let the table be locked.
    pair.source.execute(f"GRANT SELECT (id, body) ON item TO {role}")
    done = pipeline.run_until_exit()
    assert done.code == 2 and "copy_not_allowed" in done.err, done
    pair.source.execute(f"GRANT SELECT ON item TO {role}")
    pipeline.start()
    pair.assert_same("item")


def test_row_security_does_not_hide_rows_from_the_copy(pair):
    pair.both("CREATE TABLE item (id int PRIMARY KEY, body text)")
    fill(pair.source, 10)
    role = pair.role(pair.source, "REPLICATION")
    pair.source.execute(f"GRANT SELECT ON item TO {role}; ALTER TABLE item ENABLE ROW LEVEL SECURITY;"
                        f"CREATE POLICY few ON item TO {role} USING (id < 5)")
    pipeline = pair.pipeline(copy=True, config={"source": {"conninfo": pair.source.conninfo(user=role)}})
    assert pipeline.run_until_exit().code == 2
    assert pair.target.value("SELECT count(*) FROM item") == 0
    pair.source.execute(f"ALTER ROLE {role} BYPASSRLS")
    pipeline.start()
    pair.assert_same("item")


def test_a_target_role_that_may_not_write_is_refused(pair):
    pair.both("CREATE TABLE item (id int PRIMARY KEY, body text)")
    fill(pair.source, 10)
    role = pair.target_role()
    pair.target.execute(f"GRANT SELECT ON item TO {role}")
    pipeline = pair.pipeline(copy=True, config={"target": {"conninfo": pair.target.conninfo(user=role)}})
    assert pipeline.command("check").code == 2
    assert pipeline.run_until_exit().code == 2
    with pytest.raises(psycopg.errors.InsufficientPrivilege), pair.target.connect(user=role) as session:
        session.execute("DELETE FROM item")
