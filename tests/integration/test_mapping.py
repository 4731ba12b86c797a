"""The target may look different: other schemas and names, columns renamed or left out, patterns, one database."""
import pytest

from harness import Pair, assert_same, wait_until


def test_a_pattern_maps_a_schema_to_another_with_a_prefix(pair):
    pair.source.execute("CREATE SCHEMA requisition; CREATE TABLE requisition.orders (id int PRIMARY KEY, a text);"
                        "CREATE TABLE requisition.lines (id int PRIMARY KEY, b text); CREATE TABLE other (id int PRIMARY KEY)")
    pair.target.execute("CREATE SCHEMA batch; CREATE TABLE batch.batch_orders (id int PRIMARY KEY, a text);"
                        "CREATE TABLE batch.batch_lines (id int PRIMARY KEY, b text); CREATE TABLE other (id int PRIMARY KEY)")
    pipeline = pair.pipeline(config={"tables": [{"source": "requisition.*", "target": "batch.batch_*"}]}).start()
    pair.source.execute("INSERT INTO requisition.orders VALUES (1, 'a'); INSERT INTO requisition.lines VALUES (1, 'b');"
                        "INSERT INTO other VALUES (1)")
    pair.source.execute("TRUNCATE requisition.lines; INSERT INTO requisition.lines VALUES (2, 'c')")
    status = pipeline.wait_caught_up()
    assert_same(pair.source, pair.target, "requisition.orders", "batch.batch_orders")
    assert_same(pair.source, pair.target, "requisition.lines", "batch.batch_lines")
    pair.assert_same("other")
    assert {(table["source"], table["target"]) for table in status["tables"]} == {
        ("requisition.orders", "batch.batch_orders"), ("requisition.lines", "batch.batch_lines"),
        ("public.other", "public.other")}


def test_the_first_rule_that_matches_decides(pair):
    pair.source.execute("CREATE SCHEMA s; CREATE TABLE s.a (id int PRIMARY KEY, body text, draft text, late text);"
                        "CREATE TABLE s.b (id int PRIMARY KEY); CREATE TABLE s.secret (id int PRIMARY KEY, word text)")
    pair.target.execute("CREATE SCHEMA t; CREATE TABLE t.special (id int PRIMARY KEY, message text, late text);"
                        "CREATE TABLE t.b (id int PRIMARY KEY)")
    rename = {"body": "message", "draft": None}
    pipeline = pair.pipeline(config={"tables": [
        {"source": "s.secret", "target": None},
        {"source": "s.a", "target": "t.special", "columns": rename},
        {"source": "s.*", "target": "t.*"}]}).start()
    pair.source.execute("INSERT INTO s.a VALUES (1, 'hello', 'a draft', 'x'), (2, NULL, NULL, NULL);"
                        "INSERT INTO s.secret VALUES (1, 'word'); INSERT INTO s.b VALUES (1)")
    pair.source.execute("UPDATE s.a SET draft = 'another'; UPDATE s.a SET body = 'changed' WHERE id = 2; DELETE FROM s.b;"
                        "UPDATE s.secret SET word = 'other'; DELETE FROM s.secret; TRUNCATE s.secret, s.b")
    pipeline.wait_caught_up()
    assert_same(pair.source, pair.target, "s.a", "t.special", rename)
    assert_same(pair.source, pair.target, "s.b", "t.b")


def test_a_renamed_key_still_finds_its_rows(pair):
    pair.source.execute("CREATE TABLE item (id int PRIMARY KEY, name text)")
    pair.target.execute("CREATE TABLE thing (thing_id int PRIMARY KEY, title text)")
    pipeline = pair.pipeline(config={"tables": [
        {"source": "public.item", "target": "public.thing", "columns": {"id": "thing_id", "name": "title"}}]}).start()
    pair.source.execute("INSERT INTO item VALUES (1, 'a'), (2, 'b')")
    pair.source.execute("UPDATE item SET name = 'c' WHERE id = 1; UPDATE item SET id = 9 WHERE id = 2; DELETE FROM item WHERE id = 1")
    pipeline.wait_caught_up()
    assert pair.target.rows("SELECT * FROM thing") == [(9, "b")]


def test_columns_whose_types_differ_by_a_cast(pair):
    pair.source.execute("CREATE TABLE item (id int PRIMARY KEY, n int, body text, state text)")
    pair.target.execute("CREATE TYPE state AS ENUM ('new', 'done');"
                        "CREATE TABLE item (id bigint PRIMARY KEY, n numeric, body varchar(2000), state state)")
    pipeline = pair.pipeline(config={"tables": [{"source": "public.item", "target": "public.item",
                                                 "cast": {"state": "public.state", "body": "varchar(2000)"}}]}).start()
    pair.source.execute("INSERT INTO item VALUES (1, 5, 'x', 'new'); UPDATE item SET state = 'done', n = 6")
    pipeline.wait_caught_up()
    assert pair.target.rows("SELECT id, n, body, state::text FROM item") == [(1, 6, "x", "done")]


# What does not fit is found before anything runs, all of it at once.

def test_check_finds_every_misfit_at_once(pair):
    pair.source.execute("""
        CREATE TABLE absent (id int PRIMARY KEY);
        CREATE TABLE narrow (id int PRIMARY KEY, extra text);
        CREATE TABLE typed (id int PRIMARY KEY, at timestamp);
        CREATE TABLE keyed (id int PRIMARY KEY);
        CREATE TABLE filled (id int PRIMARY KEY);
        CREATE TABLE twin_a (id int PRIMARY KEY);
        CREATE TABLE twin_b (id int PRIMARY KEY)""")
    pair.target.execute("""
        CREATE TABLE narrow (id int PRIMARY KEY);
        CREATE TABLE typed (id int PRIMARY KEY, at bytea);
        CREATE TABLE keyed (id int);
        CREATE TABLE filled (id int PRIMARY KEY, must text NOT NULL);
        CREATE TABLE twin (id int PRIMARY KEY)""")
    pipeline = pair.pipeline(config={"tables": [
        {"source": "public.twin_a", "target": "public.twin"}, {"source": "public.twin_b", "target": "public.twin"},
        {"source": "public.typed", "columns": {"nonsense": "at"}}]})
    done = pipeline.command("check", "--json")
    assert done.code == 2, done
    errors = {finding["name"] for finding in done.json if finding["severity"] == "error"}
    expected = {"target_table_missing", "target_column_missing", "incompatible_type", "key_missing_on_target",
                "required_column_unfilled", "two_sources_one_target", "source_column_missing"}
    assert expected <= errors, expected - errors
    assert all(finding["object"] and finding["finding"] for finding in done.json), done.json
    assert pair.target.value("SELECT count(*) FROM pg_namespace WHERE nspname = 'walgate'") == 0, "check changed something"
    run = pipeline.run_until_exit()
    assert run.code == 2
    for misfit in ("public.absent", "narrow.extra", "typed.at", "public.keyed", "filled.must", "public.twin", "nonsense"):
        assert misfit in run.err, run.err
    assert pipeline.command("check").code == 2


@pytest.mark.parametrize("kind", ["no_such_type", "unqualified", "int; DROP TABLE item"])
def test_a_cast_that_cannot_work_is_found_at_the_start(pair, kind):
    pair.both("CREATE TABLE item (id int PRIMARY KEY, name text); CREATE TYPE unqualified AS ENUM ('a')")
    pipeline = pair.pipeline(config={"tables": [{"source": "public.item", "cast": {"name": kind}}]})
    assert pipeline.command("check").code in (1, 2)
    assert pair.target.value("SELECT count(*) FROM item") == 0


def test_a_source_table_that_a_rule_names_must_exist(pair):
    pair.both("CREATE TABLE item (id int PRIMARY KEY)")
    pipeline = pair.pipeline(config={"tables": [{"source": "public.itme", "target": "public.item"}]})
    done = pipeline.command("check", "--json")
    assert done.code == 2 and "source_table_missing" in done.out and "itme" in done.out, done


# Two schemas of one database

@pytest.fixture
def one_database(pair):
    """A pair whose two sides are one database."""
    same = Pair(pair.source, pair.source)
    same.source.execute("CREATE SCHEMA a; CREATE SCHEMA b; CREATE TABLE a.item (id int PRIMARY KEY, name text);"
                        "CREATE TABLE b.item (id int PRIMARY KEY, name text)")
    yield same
    for each in same.pipelines:
        each.close()


def test_two_schemas_of_one_database(one_database):
    source = one_database.source
    pipeline = one_database.pipeline(publish="TABLE a.item", config={"tables": [{"source": "a.*", "target": "b.*"}]})
    pipeline.start()
    source.execute("INSERT INTO a.item SELECT n, 'x' FROM generate_series(1, 1000) n")
    for n in range(20):
        source.execute(f"UPDATE a.item SET name = 'round {n}' WHERE id % 20 = {n}")
    status = pipeline.wait_caught_up()
    assert_same(source, source, "a.item", "b.item")
    # No echo: our own commits are not streamed back to us as transactions.
    assert status["counters"]["transactions"] == 21, status["counters"]
    # And at rest nothing moves: each of our commits must not lead to the next.
    xid = "SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint"
    source.server.configure(autovacuum="off")
    wait_until(lambda: pipeline.status()["lag"]["transactions"] == 0)
    before = source.value(xid)
    for _ in range(10):
        assert pipeline.status()["state"] == "streaming"
    wait_until(lambda: pipeline.running, 1)
    assert source.value(xid) - before <= 2
    source.server.configure(autovacuum=None)
    assert pipeline.stop() == 0


def test_two_schemas_of_one_database_that_publish_everything_are_refused(one_database):
    # Each commit of ours would be the next change.
    pipeline = one_database.pipeline(publish="ALL TABLES", config={"tables": [{"source": "a.*", "target": "b.*"},
                                                                              {"source": "b.*", "target": None}]})
    done = pipeline.command("check", "--json")
    assert done.code == 2 and "target_table_published" in done.out, done


def test_one_database_with_the_service_started_before_the_slot_exists(one_database):
    # The slot is made while the service holds sessions in the same cluster: neither waits for the other.
    pipeline = one_database.pipeline(publish="TABLE a.item", slot=False,
                                     config={"tables": [{"source": "a.*", "target": "b.*"}]})
    done = pipeline.run_until_exit()
    assert done.code == 2 and "slot_missing" in done.err, done
    pipeline.create_slot()
    pipeline.start()
    one_database.source.value("SELECT walgate.create_slot('a_second_slot')")
    one_database.source.value("SELECT walgate.drop_slot('a_second_slot')")
    one_database.source.execute("INSERT INTO a.item VALUES (1)")
    pipeline.wait_caught_up()


def test_one_cluster_restarts_and_the_service_goes_on(own_pair):
    server = own_pair.source.server
    target = server.database("the_target")
    same = Pair(own_pair.source, target)
    same.both("CREATE TABLE item (id int PRIMARY KEY)")
    pipeline = same.pipeline().start()
    own_pair.pipelines.append(pipeline)
    for n, mode in enumerate(["fast", "immediate", "fast"]):
        same.source.execute(f"INSERT INTO item VALUES ({n})")
        server.stop(mode, seconds=45)
        server.start()
        pipeline.wait_caught_up()
    same.assert_same("item")
