"""What the source cannot log or nobody else can read is named by `walgate check` and by walgate.check_source alike."""
import pytest


def version_of(database) -> int:
    return int(database.value("SHOW server_version_num")) // 10000


def named(pipeline, name: str) -> list[tuple[str, str]]:
    """Severity and object of the findings of this name, as the service and as the source's own function say them, which
    must be the same."""
    by_service = sorted((finding["severity"], finding["object"]) for finding in pipeline.command("check", "--json").json
                        if finding["name"] == name)
    by_source = sorted(pipeline.source.rows("SELECT severity, object FROM walgate.check_source(%s) WHERE name = %s",
                                            pipeline.name, name))
    assert by_service == by_source
    return by_service


@pytest.mark.parametrize("root", [False, True])
def test_a_partition_that_is_not_logged(pair, root):
    pair.both("CREATE TABLE item (id int) PARTITION BY LIST (id); CREATE TABLE item_1 PARTITION OF item FOR VALUES IN (1)")
    pair.source.execute("CREATE UNLOGGED TABLE item_2 PARTITION OF item FOR VALUES IN (2)")
    pair.target.execute("CREATE TABLE item_2 PARTITION OF item FOR VALUES IN (2)")
    pair.source.execute("ALTER TABLE item REPLICA IDENTITY FULL; ALTER TABLE item_1 REPLICA IDENTITY FULL")
    pipeline = pair.pipeline(f"TABLE item WITH (publish_via_partition_root = {root})")
    assert named(pipeline, "table_not_logged") == [("warning", "table public.item_2")]
    pair.source.execute("ALTER TABLE item_2 SET LOGGED")
    assert named(pipeline, "table_not_logged") == []


@pytest.mark.parametrize("root", [False, True])
def test_a_foreign_partition(pair, root):
    pair.both("CREATE TABLE item (id int) PARTITION BY LIST (id); CREATE TABLE item_1 PARTITION OF item FOR VALUES IN (1)")
    pair.source.execute("CREATE FOREIGN DATA WRAPPER nowhere; CREATE SERVER far FOREIGN DATA WRAPPER nowhere;"
                        "CREATE FOREIGN TABLE item_2 PARTITION OF item FOR VALUES IN (2) SERVER far")
    pair.target.execute("CREATE TABLE item_2 PARTITION OF item FOR VALUES IN (2)")
    pair.source.execute("ALTER TABLE item REPLICA IDENTITY FULL; ALTER TABLE item_1 REPLICA IDENTITY FULL")
    pipeline = pair.pipeline(f"TABLE item WITH (publish_via_partition_root = {root})")
    assert named(pipeline, "table_not_logged") == [("warning", "table public.item_2")]
    pipeline.start()
    pair.source.execute("INSERT INTO item VALUES (1)")
    pipeline.wait_caught_up()
    assert pair.target.rows("SELECT * FROM item") == [(1,)]


def test_an_identity_with_generated_columns_that_are_not_published(pair):
    if version_of(pair.source) < 18:
        pytest.skip("older servers let such changes pass, and the stream carries them")
    pair.both("CREATE TABLE item (id int NOT NULL, code text GENERATED ALWAYS AS ('c' || id) STORED NOT NULL,"
              "  PRIMARY KEY (id, code))")
    pipeline = pair.pipeline("TABLE item")
    assert named(pipeline, "generated_identity_unpublished") == [("warning", "table public.item")]
    pair.source.execute(f'ALTER PUBLICATION "{pipeline.name}" SET (publish_generated_columns = stored)')
    assert named(pipeline, "generated_identity_unpublished") == []


@pytest.mark.parametrize("publish, remedy", [("TABLE odd", "column list"), ("ALL TABLES", "configuration")])
def test_a_type_that_no_other_server_reads(pair, publish, remedy):
    """An error where the column is to go somewhere; where the configuration leaves it or its table out, a warning."""
    pair.both("CREATE TYPE letter AS (body xml)")
    pair.source.execute('CREATE TABLE odd (id int PRIMARY KEY, "The Tree" pg_ndistinct, letters letter[])')
    pair.target.execute('CREATE TABLE odd (id int PRIMARY KEY, "The Tree" text, letters letter[])')
    pipeline = pair.pipeline(publish)
    assert named(pipeline, "type_not_portable") == [("error", 'column public.odd."The Tree"'),
                                                    ("error", "column public.odd.letters")]
    error = pipeline.expect_stop("type_not_portable")
    assert remedy in error["remedy"] and '"columns": {"The Tree": null}' in error["remedy"], error

    def severities(**config):
        pipeline.write_config(**config)
        done = pipeline.command("check", "--json")
        return done.code, sorted(finding["severity"] for finding in done.json if finding["name"] == "type_not_portable")

    rule = {"source": "public.odd", "columns": {"The Tree": None}}
    assert severities(tables=[rule]) == (2, ["error", "warning"])
    assert severities(tables=[{"source": "public.odd", "target": None}]) == (0, ["warning", "warning"])
    assert severities(tables=[rule | {"columns": {"The Tree": None, "letters": None}}]) == (0, ["warning", "warning"])
    pipeline.start()
    pair.source.execute("INSERT INTO odd VALUES (1, NULL, ARRAY[ROW('<a/>')::letter]), (2, NULL, NULL)")
    pair.source.execute("UPDATE odd SET letters = '{}' WHERE id = 1; DELETE FROM odd WHERE id = 2")
    pipeline.wait_caught_up()
    assert pair.target.rows("SELECT id, letters FROM odd") == [(1, None)]


def test_virtual_generated_columns_are_computed_by_each_side(pair):
    if min(version_of(pair.source), version_of(pair.target)) < 18:
        pytest.skip("PostgreSQL 18 brought virtual generated columns")
    pair.both("CREATE TABLE item (id int PRIMARY KEY, n int, twice int GENERATED ALWAYS AS (n * 2) VIRTUAL)")
    pair.both("CREATE TABLE whole (id int, n int, twice int GENERATED ALWAYS AS (n * 2) VIRTUAL)")
    pipeline = pair.pipeline("TABLE item WHERE (id <> 2), whole").start()
    pair.source.execute("INSERT INTO item VALUES (1, 1), (2, -2), (3, 3); INSERT INTO whole VALUES (1, 5)")
    pair.source.execute("UPDATE item SET n = n + 2; DELETE FROM item WHERE id = 3")
    pipeline.wait_caught_up()
    assert pair.target.rows("SELECT * FROM item ORDER BY id") == [(1, 3, 6)]
    pair.assert_same("whole")


def test_a_stream_with_a_narrower_target_is_warned_of_and_stops_with_the_column(source_server, target_server, pair):
    from harness import Pair
    name = pair.source.name + "_narrow"
    latin = "TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'"
    narrow = Pair(source_server.database(name), target_server.database(name, latin))
    try:
        narrow.both("CREATE TABLE item (id int PRIMARY KEY, plain text, price text)")
        pipeline = narrow.pipeline()
        found, = [finding for finding in pipeline.command("check", "--json").json if finding["name"] == "encoding_narrower"]
        assert found["severity"] == "warning" and "LATIN1" in found["finding"] and "UTF8" in found["finding"], found
        pipeline.start()
        narrow.source.execute("INSERT INTO item VALUES (1, 'ä', 'ö')")
        pipeline.wait_caught_up()
        assert narrow.target.rows("SELECT * FROM item") == [(1, "ä", "ö")]
        narrow.source.execute("INSERT INTO item SELECT n, 'ä', CASE n WHEN 7 THEN '1 €' END FROM generate_series(2, 20) n")
        error = pipeline.assert_stopped("value_not_accepted")
        assert (error["relation"], error["sqlstate"]) == ("public.item", "22P05") and "encoding" in error["remedy"], error
        assert 'column "price"' in error["detail"], error
        assert "€" not in pipeline.log()
        assert narrow.target.rows("SELECT id FROM item") == [(1,)]
    finally:
        narrow.close()


def test_errors_of_a_source_in_another_encoding_keep_their_names(source_server, target_server, pair):
    from harness import Pair
    name = pair.source.name + "_latin"
    latin = "TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'"
    made = Pair(source_server.database(name, latin), target_server.database(name))
    try:
        made.both('CREATE TABLE "Größe" (id int PRIMARY KEY)')
        pipeline = made.pipeline('TABLE "Größe" WHERE (100 / id > 1)').start()
        made.source.execute('INSERT INTO "Größe" VALUES (0)')
        error = pipeline.assert_stopped("source_error")
        assert (error["relation"], error["sqlstate"]) == ("public.Größe", "22012"), error
    finally:
        made.close()
