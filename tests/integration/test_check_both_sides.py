"""`walgate check` compares the catalogs of both sides: what lets the stream pass and may still surprise."""
import pytest

from harness import wait_until

NAMES = {"type_differs", "enum_label_missing", "not_null_only_on_target", "default_differs", "generated_column_differs",
         "column_only_on_target", "unique_only_on_target", "constraint_only_on_target", "foreign_key_without_index",
         "apply_key_without_index"}


def version_of(database) -> int:
    return int(database.value("SHOW server_version_num")) // 10000


def compared(pipeline) -> list[tuple[str, str, str]]:
    """Severity, name and object of what the comparison has found; nothing else may be an error."""
    done = pipeline.command("check", "--json")
    assert done.code == 0, done
    return sorted((finding["severity"], finding["name"], finding["object"]) for finding in done.json if finding["name"] in NAMES)


def finding(pipeline, name: str) -> dict:
    found, = [each for each in pipeline.command("check", "--json").json if each["name"] == name]
    return found


def test_tables_that_are_equal_give_nothing_to_tell(pair):
    pair.both("""
        CREATE TYPE mood AS ENUM ('new', 'done'); CREATE DOMAIN amount AS numeric(12, 2) CHECK (VALUE > 0);
        CREATE TABLE parent (id int PRIMARY KEY, code text UNIQUE NULLS NOT DISTINCT);
        CREATE TABLE item (
          id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, number serial, name varchar(20) COLLATE "C" NOT NULL DEFAULT 'x',
          at timestamptz DEFAULT now(), m mood DEFAULT 'new', moods mood[], a amount, tags text[] DEFAULT '{}', bits bit(4),
          twice int GENERATED ALWAYS AS (number * 2) STORED, parent int REFERENCES parent, "Odd ""Name"" x" int CHECK ("Odd ""Name"" x" > 0),
          CHECK (number < 100), EXCLUDE USING btree (number WITH =));
        CREATE INDEX ON item (parent) WHERE parent IS NOT NULL; CREATE UNIQUE INDEX ON item (lower(name)) WHERE number > 3;
        CREATE TABLE part (id int, region int, PRIMARY KEY (region, id)) PARTITION BY LIST (region);
        CREATE TABLE part_1 PARTITION OF part FOR VALUES IN (1);
        CREATE TABLE whole (a int PRIMARY KEY); ALTER TABLE whole REPLICA IDENTITY FULL;
        CREATE TABLE log (line text)""")
    pair.target.execute("CREATE TABLE unrelated (id int REFERENCES parent)")
    pipeline = pair.pipeline("ALL TABLES WITH (publish_via_partition_root)")
    pipeline.write_config(tables=[{"source": "public.log", "target": None}])
    assert compared(pipeline) == []


def test_each_difference_has_its_name_and_sql_that_mends_it(pair):
    """The remedies that are SQL are run, and the findings are gone."""
    pair.source.execute("""
        CREATE SCHEMA "Shop"; CREATE TYPE mood AS ENUM ('new', 'it''s', 'done');
        CREATE TABLE parent (id int PRIMARY KEY);
        CREATE TABLE "Shop"."Or""der" (
          id bigint PRIMARY KEY, "a name" varchar(20), m mood, moods mood[], parent int REFERENCES parent, price numeric(10, 4));
        CREATE TABLE whole (a int PRIMARY KEY, b text); ALTER TABLE whole REPLICA IDENTITY FULL""")
    pair.target.execute("""
        CREATE TYPE mood AS ENUM ('done');
        CREATE TABLE parent (id int PRIMARY KEY);
        CREATE TABLE "Or""der" (
          id int PRIMARY KEY, "A name" varchar(10) NOT NULL UNIQUE, m mood, moods mood[], parent int REFERENCES parent,
          price numeric(10, 2));
        CREATE TABLE whole (a int, b text)""")
    pipeline = pair.pipeline(config={"target": {"replica_role": "never"}, "tables": [
        {"source": '"Shop"."Or""der"', "target": 'public."Or""der"', "columns": {"a name": "A name"}}]})
    order = 'public."Or""der"'
    assert compared(pipeline) == sorted([
        ("warning", "apply_key_without_index", "public.whole"),
        ("warning", "enum_label_missing", "type public.mood"),
        ("warning", "foreign_key_without_index", order),
        ("warning", "not_null_only_on_target", f'{order}."A name"'),
        ("warning", "type_differs", f"{order}.id"),
        ("warning", "type_differs", f'{order}."A name"'),
        ("warning", "type_differs", f"{order}.price"),
        ("warning", "unique_only_on_target", order)])
    done = pipeline.command("check", "--json").json
    assert {finding["path"] for finding in done if finding["name"] == "type_differs"} == {"tables[0]"}
    labels = finding(pipeline, "enum_label_missing")
    assert "'new', 'it''s'" in labels["finding"], labels
    for each in done:
        if each["name"] in NAMES:
            for statement in each["remedy"].split("; "):
                if not statement.startswith("or "):
                    pair.target.execute(statement)
    assert compared(pipeline) == []
    assert pair.target.value("SELECT enum_range(NULL::mood)::text") == "{new,it's,done}"
    pipeline.start()
    pair.source.execute("""INSERT INTO parent VALUES (1);
        INSERT INTO "Shop"."Or""der" VALUES (5000000000, 'twenty characters...', 'it''s', '{new,done}', 1, 123456.7891)""")
    pipeline.wait_caught_up()
    assert pair.target.rows(f'SELECT id, "A name", m::text, price::text FROM {order}') == [
        (5000000000, "twenty characters...", "it's", "123456.7891")]


def test_defaults_matter_where_a_column_was_added_to_rows(pair):
    pair.both("CREATE TABLE item (id int PRIMARY KEY, old int DEFAULT 1)")
    pair.source.execute("INSERT INTO item VALUES (1); ALTER TABLE item ALTER old SET DEFAULT 2;"
                        "ALTER TABLE item ADD late text DEFAULT 'secret', ADD same int DEFAULT 5, ADD at timestamptz DEFAULT now()")
    pair.target.execute("INSERT INTO item VALUES (1); ALTER TABLE item ADD late text, ADD same int DEFAULT 5,"
                        "  ADD at timestamptz DEFAULT now()")
    # Where the target's table was made with the column, its rows came with their values.
    pair.source.execute("CREATE TABLE fresh (id int PRIMARY KEY); INSERT INTO fresh VALUES (1); ALTER TABLE fresh ADD late int DEFAULT 7")
    pair.target.execute("CREATE TABLE fresh (id int PRIMARY KEY, late int)")
    pipeline = pair.pipeline()
    assert compared(pipeline) == [("info", "default_differs", "public.fresh"), ("info", "default_differs", "public.item"),
                                  ("warning", "default_differs", "public.item.at"),  # each side took its own time
                                  ("warning", "default_differs", "public.item.late")]
    pair.target.execute("ALTER TABLE item DROP late, DROP at")
    pair.target.execute("ALTER TABLE item ADD late text DEFAULT 'secret'")
    value = pair.source.value("SELECT at::text FROM item")
    pair.target.execute(f"ALTER TABLE item ADD at timestamptz DEFAULT '{value}'; ALTER TABLE item ALTER at SET DEFAULT now(),"
                        " ALTER old SET DEFAULT 2; ALTER TABLE fresh ALTER late SET DEFAULT 7")
    assert compared(pipeline) == []
    pipeline.start()
    pair.source.execute("UPDATE item SET old = 7 WHERE id = 1")
    pipeline.wait_caught_up()
    pair.assert_same("item")


def test_partitioned_tables_know_the_values_of_older_rows_by_their_leaves(pair):
    pair.both("CREATE TABLE item (id int PRIMARY KEY) PARTITION BY RANGE (id);"
              "CREATE TABLE item_1 PARTITION OF item FOR VALUES FROM (1) TO (10); INSERT INTO item VALUES (1)")
    pair.source.execute("ALTER TABLE item ADD late int DEFAULT 7")
    pair.target.execute("ALTER TABLE item ADD late int")
    pipeline = pair.pipeline("TABLE item WITH (publish_via_partition_root)")
    assert compared(pipeline) == [("warning", "default_differs", "public.item.late")]


def test_columns_that_one_side_computes_or_nobody_fills(pair):
    pair.source.execute("CREATE TABLE item (id int PRIMARY KEY, a int GENERATED ALWAYS AS (id + 1) STORED,"
                        "  b int GENERATED ALWAYS AS (id + 1) STORED, c int GENERATED ALWAYS AS (id + 1) STORED)")
    pair.target.execute("CREATE TABLE item (key int PRIMARY KEY, a int GENERATED ALWAYS AS (key + 1) STORED,"
                        "  b int GENERATED ALWAYS AS (key + 2) STORED, c int, idle text, own int GENERATED ALWAYS AS (key) STORED)")
    pipeline = pair.pipeline(config={"tables": [{"source": "public.item", "columns": {"id": "key"}}]})
    assert compared(pipeline) == [("info", "column_only_on_target", "public.item"),
                                  ("warning", "generated_column_differs", "public.item.b"),
                                  ("warning", "generated_column_differs", "public.item.c")]
    assert "idle" in finding(pipeline, "column_only_on_target")["finding"]


def test_constraints_of_the_target_alone(pair):
    pair.source.execute("CREATE TABLE parent (id int PRIMARY KEY);"
                        "CREATE TABLE item (id int PRIMARY KEY, n int CHECK (n > 0), parent int)")
    pair.target.execute("CREATE EXTENSION IF NOT EXISTS btree_gist; CREATE TABLE parent (id int PRIMARY KEY);"
                        "CREATE TABLE item (id int PRIMARY KEY, n int CHECK (n > 0) CHECK (n < 10), parent int REFERENCES parent,"
                        "  EXCLUDE USING gist (n WITH =)); CREATE INDEX ON item (parent)")
    pipeline = pair.pipeline()
    assert compared(pipeline) == [("info", "constraint_only_on_target", "public.item")] * 2
    pipeline.write_config(target={"replica_role": "never"})
    assert compared(pipeline) == [("info", "constraint_only_on_target", "public.item")] * 3


@pytest.mark.parametrize("publish, told", [("insert, update", True), ("insert, truncate", False)])
def test_an_apply_key_is_wanted_where_rows_change(pair, publish, told):
    pair.both("CREATE TABLE item (id int, name text)")
    pair.source.execute("ALTER TABLE item REPLICA IDENTITY FULL")
    pipeline = pair.pipeline(f"TABLE item WITH (publish = '{publish}')")
    expected = [("warning", "apply_key_without_index", "public.item")] if told else []
    assert compared(pipeline) == expected


def test_run_tells_warnings_once_and_infos_never(pair):
    pair.source.execute("CREATE TABLE item (id int PRIMARY KEY, name text)")
    pair.target.execute("CREATE TABLE item (id int PRIMARY KEY, name text UNIQUE, idle text)")
    pipeline = pair.pipeline().start()
    event, = pipeline.events("unique_only_on_target")
    assert event["level"] == "warning" and event["object"] == "public.item", event
    assert pipeline.events("column_only_on_target") == []
    pipeline.wait_caught_up()
    wait_until(lambda: pipeline.slot_row()["active"], what="the slot is in use")
    seen = len(pipeline.log())
    pair.source.value("SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = %s", pipeline.slot)
    pipeline.wait_event("streaming", after=seen)
    pair.source.execute("INSERT INTO item VALUES (1, 'a')")
    pipeline.wait_caught_up()
    assert len(pipeline.events("unique_only_on_target")) == 1


def test_who_has_locked_a_table_does_not_keep_the_service_from_starting(pair):
    if version_of(pair.source) >= 17:
        pytest.skip("from 17 on the list of published tables itself waits for them")
    pair.both("CREATE TABLE item (id int PRIMARY KEY, name text DEFAULT 'x'); CREATE TABLE other (id int PRIMARY KEY)")
    pipeline = pair.pipeline()
    with pair.source.connect() as locker, locker.transaction():
        locker.execute("LOCK TABLE item")
        found = finding(pipeline, "lock_not_available")
        assert found["severity"] == "info" and found["object"] == "source", found
        pipeline.start()
        pair.source.execute("INSERT INTO other VALUES (1)")
        wait_until(lambda: pair.target.value("SELECT count(*) FROM other") == 1, what="the row is there")


def test_a_role_with_what_the_readme_grants_sees_everything(pair):
    pair.source.execute("CREATE SCHEMA shop; CREATE TABLE shop.item (id bigint PRIMARY KEY, name text DEFAULT 'x' CHECK (name <> ''))")
    pair.target.execute("CREATE SCHEMA shop; CREATE TABLE shop.item (id int PRIMARY KEY, name text NOT NULL CHECK (name <> 'a'))")
    source_role = pair.role(pair.source, "REPLICATION")
    target_role = pair.target_role("shop.item")
    pair.target.execute(f"GRANT USAGE ON SCHEMA shop TO {target_role}")
    pipeline = pair.pipeline("TABLE shop.item", config={
        "source": {"conninfo": pair.source.conninfo(user=source_role)}, "target": {"conninfo": pair.target.conninfo(user=target_role)}})
    assert compared(pipeline) == [("info", "constraint_only_on_target", "shop.item"), ("info", "default_differs", "shop.item"),
                                  ("warning", "not_null_only_on_target", "shop.item.name"),
                                  ("warning", "type_differs", "shop.item.id")]


def test_settings_that_change_how_the_server_prints_do_not_matter(pair):
    pair.both(r"CREATE TABLE item (id int PRIMARY KEY, path text DEFAULT 'a\b', at timestamptz DEFAULT '2026-01-01 00:00+00',"
              r"  span interval DEFAULT '1 day 02:00', f float8 DEFAULT 0.1, b bytea DEFAULT '\x00ff')")
    pair.both("INSERT INTO item VALUES (1)")
    pair.both(r"ALTER TABLE item ADD late timestamptz DEFAULT '2026-01-01 00:00+00', ADD bytes bytea DEFAULT '\x00ff',"
              r" ADD spans interval[] DEFAULT '{1 day 02:00}', ADD path2 text DEFAULT 'a\b'")
    role = pair.role(pair.source, "REPLICATION")
    pair.source.execute(f"ALTER ROLE {role} SET standard_conforming_strings = off; ALTER ROLE {role} SET quote_all_identifiers = on")
    pipeline = pair.pipeline(config={"source": {"conninfo": pair.source.conninfo(user=role)}})
    assert compared(pipeline) == []


def test_what_only_18_knows(pair):
    if min(version_of(pair.source), version_of(pair.target)) < 18:
        pytest.skip("NOT VALID for NOT NULL, NOT ENFORCED, WITHOUT OVERLAPS and VIRTUAL came with PostgreSQL 18")
    pair.both("CREATE EXTENSION IF NOT EXISTS btree_gist")
    pair.source.execute("""
        CREATE TABLE parent (id int PRIMARY KEY);
        CREATE TABLE item (id int PRIMARY KEY, n int, parent int REFERENCES parent NOT ENFORCED,
          twice int GENERATED ALWAYS AS (n * 2) VIRTUAL, thrice int GENERATED ALWAYS AS (n * 3) VIRTUAL);
        ALTER TABLE item ADD CONSTRAINT n_there NOT NULL n NOT VALID;
        CREATE TABLE booking (id int, room int, during daterange, PRIMARY KEY (id));
        CREATE TABLE stay (id int, during daterange, PRIMARY KEY (id, during WITHOUT OVERLAPS)); ALTER TABLE stay REPLICA IDENTITY FULL""")
    pair.target.execute("""
        CREATE TABLE parent (id int PRIMARY KEY);
        CREATE TABLE item (id int PRIMARY KEY, n int NOT NULL, parent int REFERENCES parent NOT ENFORCED CHECK (n > 0) NOT ENFORCED,
          twice int GENERATED ALWAYS AS (n * 2) STORED, thrice int GENERATED ALWAYS AS (n * 2) VIRTUAL);
        CREATE TABLE booking (id int PRIMARY KEY, room int, during daterange, UNIQUE (room, during WITHOUT OVERLAPS));
        CREATE TABLE stay (id int, during daterange, PRIMARY KEY (id, during WITHOUT OVERLAPS))""")
    pipeline = pair.pipeline(config={"target": {"replica_role": "never"}})
    assert compared(pipeline) == [("warning", "apply_key_without_index", "public.stay"),
                                  ("warning", "generated_column_differs", "public.item.thrice"),
                                  ("warning", "not_null_only_on_target", "public.item.n"),
                                  ("warning", "unique_only_on_target", "public.booking")]
    assert "NOT VALID" in finding(pipeline, "not_null_only_on_target")["finding"]
