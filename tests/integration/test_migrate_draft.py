"""`walgate migrate draft` proposes the migration that brings the target in line; applied, it makes `check` pass and the
stream run."""
import pytest

from harness import wait_until
from migrating import Files


def drafts(pair, config: dict | None = None, **more) -> Files:
    return Files(pair, config=config, **({"publish": "ALL TABLES", "slot": True} | more))


def draft(files: Files, *words: str) -> dict:
    """The command's answer; it has to succeed."""
    done = files.run("draft", "--json", *words)
    assert done.code == 0 and done.err == "", done
    assert set(done.json) == {"pipeline", "file", "statements", "sql"} and done.json["pipeline"] == files.pipeline.name
    return done.json


def live(sql: str) -> list[str]:
    """The lines that are no comments."""
    return [line for line in sql.splitlines() if line and not line.startswith("--")]


def errors(files: Files) -> set[str]:
    return {finding["name"] for finding in files.pipeline.command("check", "--json").json if finding["severity"] == "error"}


# The draft of damaged targets

def test_what_is_missing_is_made_and_the_stream_runs(pair):
    pair.source.execute("""
        CREATE TYPE mood AS ENUM ('new', 'it''s'); CREATE DOMAIN amount AS numeric(12, 2) CHECK (VALUE > 0);
        CREATE TABLE absent (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name varchar(20) DEFAULT 'it''s' NOT NULL,
          m mood DEFAULT 'new', moods mood[], price amount, at timestamptz DEFAULT now(), c text COLLATE "C",
          twice bigint GENERATED ALWAYS AS (id * 2) STORED);
        CREATE TABLE by_index (a int NOT NULL, b text NOT NULL, c int); CREATE UNIQUE INDEX by_ab ON by_index (b, a);
        ALTER TABLE by_index REPLICA IDENTITY USING INDEX by_ab;
        CREATE TABLE whole (a int, b text); ALTER TABLE whole REPLICA IDENTITY FULL;
        CREATE TABLE damaged (id bigint, region int, name varchar(20), size bigint NOT NULL, raw text, m mood, extra jsonb,
          PRIMARY KEY (id, region))""")
    pair.target.execute("""
        CREATE TYPE mood AS ENUM ('old');
        CREATE TABLE damaged (id bigint, name varchar(10), size int, raw int, m mood, must text NOT NULL)""")
    files = drafts(pair)
    assert errors(files) == {"target_table_missing", "target_column_missing", "incompatible_type", "required_column_unfilled"}
    answer = draft(files)
    assert answer["file"] == str(files.folder / "0001_draft.sql") and (files.folder / "0001_draft.sql").read_text() == answer["sql"]
    assert files.states() == {"0001_draft": "pending"}
    assert pair.target.value("SELECT count(*) FROM pg_class WHERE relname = 'absent'") == 0, "it ran something"
    assert files.up() == ["0001_draft"]
    assert errors(files) == set()
    assert draft(files) == {"pipeline": files.pipeline.name, "file": None, "statements": 0, "sql": ""}
    files.pipeline.start()
    pair.source.execute("""
        INSERT INTO absent (name, m, moods, price, c) VALUES ('späß', 'it''s', '{new,it''s}', 12.34, 'x');
        INSERT INTO by_index VALUES (1, 'x', 1), (2, 'y', 2); UPDATE by_index SET c = 7 WHERE a = 1; DELETE FROM by_index WHERE a = 2;
        INSERT INTO whole VALUES (1, 'a'); UPDATE whole SET b = 'b';
        INSERT INTO damaged VALUES (1, 2, 'twenty characters...', 5000000000, 'raw', 'it''s', '{"a": 1}');
        UPDATE damaged SET name = 'x' WHERE id = 1""")
    files.pipeline.wait_caught_up()
    for table in ("by_index", "whole"):
        pair.assert_same(table)
    assert pair.target.rows("SELECT id, name, m::text, moods::text, price, c FROM absent") == \
        pair.source.rows("SELECT id, name, m::text, moods::text, price, c FROM absent")
    columns = "SELECT id, region, name, size, raw, m::text, extra FROM damaged"
    assert pair.target.rows(columns) == pair.source.rows(columns)


def test_odd_names(pair):
    schema, table = '"My.Schema"', '"Or""der"'
    pair.source.execute(f"""
        CREATE SCHEMA {schema}; CREATE TYPE {schema}."a Type" AS ENUM ('x y', 'it''s \\', ';');
        CREATE TABLE {schema}.{table} ("an Id" int PRIMARY KEY, "walgate" text DEFAULT '; DROP TABLE item; --', "a ""b"" c" {schema}."a Type",
          "line
break" text DEFAULT 'a\\b', after_copy int);
        CREATE TABLE {schema}."walgate: no-transaction" (id int PRIMARY KEY, "-- walgate: after-copy" text, "*/ $$ '" int DEFAULT 5)""")
    pair.target.execute(f'CREATE SCHEMA {schema}; CREATE TABLE {schema}."walgate: no-transaction" (id int, after_copy text NOT NULL)')
    files = drafts(pair)
    answer = draft(files)
    assert answer["statements"] > 0
    # A rename of after_copy is one of the questions; this one is answered.
    sql = answer["sql"].replace('-- ALTER TABLE "My.Schema"."walgate: no-transaction" RENAME', 'ALTER TABLE "My.Schema"."walgate: no-transaction" RENAME')
    assert sql != answer["sql"], sql
    files.put("0001_draft.sql", sql)
    assert files.up() == ["0001_draft"]
    assert errors(files) == set() and draft(files)["file"] is None
    files.pipeline.start()
    pair.source.execute(f"""INSERT INTO {schema}.{table} VALUES (1, 'w', 'it''s \\', 'l', 2);
                            INSERT INTO {schema}."walgate: no-transaction" VALUES (1, 'x', 2)""")
    files.pipeline.wait_caught_up()
    rows = f'SELECT * FROM {schema}."walgate: no-transaction"'
    assert pair.target.rows(rows) == pair.source.rows(rows) == [(1, "x", 2)]
    assert pair.target.rows(f'SELECT "an Id", walgate, "a ""b"" c"::text FROM {schema}.{table}') == [(1, "w", "it's \\")]


def test_a_mapped_table_is_made_as_the_mapping_wants_it(pair):
    pair.source.execute("CREATE SCHEMA shop; CREATE TABLE shop.orders (id int PRIMARY KEY, customer text NOT NULL, note text, state text)")
    files = drafts(pair, config={"tables": [{"source": "shop.*", "target": "reports.shop_*", "columns": {"customer": "a buyer", "note": None},
                                             "cast": {"state": "varchar(20)"}}]})
    answer = draft(files)
    assert "-- CREATE SCHEMA reports;" in answer["sql"], answer["sql"]
    assert files.run("up").code == 2, "the schema is a person's to make"
    files.put("0001_draft.sql", answer["sql"].replace("-- CREATE SCHEMA reports;", "CREATE SCHEMA reports;"))
    assert files.up() == ["0001_draft"] and errors(files) == set()
    files.pipeline.start()
    pair.source.execute("INSERT INTO shop.orders VALUES (1, 'c', 'n', 's')")
    files.pipeline.wait_caught_up()
    assert pair.target.rows("SELECT * FROM reports.shop_orders") == [(1, "c", "s")]


def test_older_rows_get_what_the_source_gave_them(pair):
    pair.both("CREATE TABLE item (id int PRIMARY KEY, name text)")
    files = drafts(pair)
    files.pipeline.start()
    pair.source.execute("INSERT INTO item VALUES (1, 'a'), (2, 'b')")
    files.pipeline.wait_caught_up()
    pair.source.execute("ALTER TABLE item ADD at timestamptz DEFAULT now(), ADD level int NOT NULL DEFAULT 3, ADD words text[] DEFAULT '{a,\"b c\"}'")
    pair.source.execute("ALTER TABLE item ALTER level SET DEFAULT 4; INSERT INTO item VALUES (3, 'c'); UPDATE item SET name = 'x' WHERE id = 1")
    files.pipeline.wait_state("at_gate")
    assert draft(files)["statements"] == 5
    assert files.up() == ["0001_draft"]
    files.pipeline.wait_state("streaming")
    files.pipeline.wait_caught_up()
    pair.assert_same("item")
    assert pair.target.value("SELECT column_default FROM information_schema.columns WHERE table_name = 'item' AND column_name = 'level'") == "4"


def test_a_service_role_is_granted_what_it_needs_of_new_tables(pair):
    pair.both("CREATE TABLE item (id int PRIMARY KEY)")
    pair.source.execute("CREATE TABLE absent (id int PRIMARY KEY)")
    role = pair.target_role("item")
    files = drafts(pair, config={"target": {"conninfo": pair.target.conninfo(user=role)},
                                 "migrations": {"conninfo": pair.target.conninfo()}})
    assert f"GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON public.absent TO {role};" in live(draft(files)["sql"])
    assert files.up() == ["0001_draft"] and errors(files) == {"not_initialised"} - {"not_initialised"}
    files.pipeline.start()
    pair.source.execute("INSERT INTO absent VALUES (1)")
    files.pipeline.wait_caught_up()


# What only a person can know

def test_a_rename_is_a_question(pair):
    pair.source.execute("CREATE TABLE item (id int PRIMARY KEY, title text)")
    pair.target.execute("CREATE TABLE item (id int PRIMARY KEY, name text NOT NULL)")
    files = drafts(pair)
    answer = draft(files)
    assert answer["statements"] == 0, answer
    for variant in ("ALTER TABLE public.item RENAME COLUMN name TO title;", "ALTER TABLE public.item ADD COLUMN title text;"):
        assert f"-- {variant}" in answer["sql"].splitlines(), answer["sql"]
    text = files.run("draft", "--stdout")
    assert "0 statements, 1 question that only you can answer" in text.err, text
    error = files.refused("migration_failed")["error"]
    assert "decide_on_the_comments_of_this_draft" in error["message"], error
    assert pair.target.value("SELECT count(*) FROM information_schema.columns WHERE column_name = 'title'") == 0
    rename = next(line for line in answer["sql"].splitlines() if "RENAME" in line)
    guard = live(answer["sql"])[0]
    files.put("0001_draft.sql", answer["sql"].replace(rename, rename[3:]).replace(guard, ""))
    assert files.up() == ["0001_draft"] and errors(files) == set()


def test_a_rename_at_a_gate_is_known_by_the_columns_number(pair):
    pair.both("CREATE TABLE item (id int PRIMARY KEY, name text, size int)")
    pair.target.execute("ALTER TABLE item ADD own text")
    files = drafts(pair)
    files.pipeline.start()
    pair.source.execute("INSERT INTO item VALUES (1, 'a', 1)")
    files.pipeline.wait_caught_up()
    pair.source.execute("ALTER TABLE item RENAME name TO title; INSERT INTO item VALUES (2, 'b', 2)")
    files.pipeline.wait_state("at_gate")
    answer = draft(files)
    variants = [line for line in answer["sql"].splitlines() if line.startswith("-- ALTER")]
    assert variants == ["-- ALTER TABLE public.item RENAME COLUMN name TO title;"], answer["sql"]
    files.put("0001_draft.sql", variants[0][3:])
    assert files.up() == ["0001_draft"]
    files.pipeline.wait_caught_up()
    assert pair.target.rows("SELECT id, title, size, own FROM item ORDER BY id") == [(1, "a", 1, None), (2, "b", 2, None)]


def test_a_dropped_column_is_a_question_and_a_new_one_beside_it_too(pair):
    pair.both("CREATE TABLE item (id int PRIMARY KEY, name text, size int)")
    files = drafts(pair)
    files.pipeline.start()
    pair.source.execute("INSERT INTO item VALUES (1, 'a', 1)")
    files.pipeline.wait_caught_up()
    pair.source.execute("ALTER TABLE item DROP size; INSERT INTO item VALUES (2, 'b')")
    files.pipeline.wait_state("at_gate")
    answer = draft(files, "--stdout")
    assert answer["statements"] == 0 and "-- ALTER TABLE public.item DROP COLUMN size;" in answer["sql"].splitlines(), answer["sql"]
    pair.source.execute("ALTER TABLE item ADD length int; INSERT INTO item VALUES (3, 'c', 3)")
    answer = draft(files, "--stdout")
    lines = answer["sql"].splitlines()
    assert answer["statements"] == 0 and "-- ALTER TABLE public.item RENAME COLUMN size TO length;" in lines, answer["sql"]
    assert "-- ALTER TABLE public.item ADD COLUMN length integer;" in lines, answer["sql"]


def test_a_renamed_table_is_a_question(pair):
    pair.both("CREATE TABLE item (id int PRIMARY KEY, name text)")
    files = drafts(pair)
    files.pipeline.start()
    pair.source.execute("INSERT INTO item VALUES (1, 'a')")
    files.pipeline.wait_caught_up()
    pair.source.execute("ALTER TABLE item RENAME TO part; INSERT INTO part VALUES (2, 'b')")
    files.pipeline.wait_state("at_gate")
    answer = draft(files)
    assert answer["statements"] == 0 and "-- ALTER TABLE public.item RENAME TO part;" in answer["sql"].splitlines(), answer["sql"]
    files.put("0001_draft.sql", "ALTER TABLE public.item RENAME TO part;")
    assert files.up() == ["0001_draft"]
    files.pipeline.wait_caught_up()
    pair.assert_same("part")


def test_values_that_nobody_can_convert_are_a_question(pair):
    pair.source.execute("CREATE TABLE item (id int PRIMARY KEY, code uuid); CREATE TYPE point2 AS (x int, y int);"
                        "CREATE TABLE place (id int PRIMARY KEY, at point2)")
    pair.target.execute("CREATE TABLE item (id int PRIMARY KEY, code bytea)")
    sql = draft(drafts(pair), "--stdout")["sql"]
    assert "-- ALTER TABLE public.item ALTER COLUMN code TYPE uuid USING …;" in sql.splitlines(), sql
    assert "-- CREATE TABLE public.place (id integer NOT NULL, at public.point2, PRIMARY KEY (id));" in sql.splitlines(), sql


# The file and the command

def test_nothing_is_missing(pair):
    pair.both("CREATE TABLE item (id int PRIMARY KEY, name text)")
    pair.target.execute("ALTER TABLE item ALTER name SET NOT NULL, ADD UNIQUE (name)")  # stricter, and nothing is missing
    files = drafts(pair)
    assert draft(files) == {"pipeline": files.pipeline.name, "file": None, "statements": 0, "sql": ""}
    done = files.run("draft")
    assert done.code == 0 and done.out == "the target lacks nothing\n" and done.err == "", done
    assert list(files.folder.iterdir()) == []


def test_the_file_gets_the_next_number_and_a_name(pair):
    pair.source.execute("CREATE TABLE item (id int PRIMARY KEY)")
    files = drafts(pair)
    files.put("0007_a.sql", "SELECT 1")
    assert draft(files)["file"].endswith("/0008_draft.sql")
    assert draft(files, "--name", "new_tables")["file"].endswith("/0009_new_tables.sql")
    (files.folder / "0008_draft.sql").unlink()
    (files.folder / "0009_new_tables.sql").unlink()
    files.put("0030_b.sql", "SELECT 1")
    assert files.up() == ["0007_a", "0030_b"]
    (files.folder / "0030_b.sql").unlink()
    done = files.run("draft")
    assert done.code == 0 and f"wrote {files.folder}/0031_draft.sql: 1 statement; " in done.out, done
    done = files.run("draft", "--stdout")
    assert done.out == (files.folder / "0031_draft.sql").read_text() and done.err == "1 statement\n", done
    for name in ("Draft", "a b", "../a", "", "a.sql", "0001"):
        done = files.run("draft", "--name", name)
        assert done.code == (0 if name == "0001" else 1), (name, done)


def test_number_9999_is_the_last(pair):
    pair.source.execute("CREATE TABLE item (id int PRIMARY KEY)")
    files = drafts(pair)
    files.put("9999_last.sql", "SELECT 1")
    done = files.run("draft", "--json")
    assert done.code == 2 and done.json["error"]["name"] == "draft_not_written", done
    assert draft(files, "--stdout")["statements"] == 1


def test_a_folder_that_is_missing_or_cannot_be_written(pair):
    pair.source.execute("CREATE TABLE item (id int PRIMARY KEY)")
    files = drafts(pair)
    for directory, code, name in (("nowhere", 1, "configuration_invalid"), (None, 1, "configuration_invalid"),
                                  ("/sys", 2, "draft_not_written")):  # where not even root can make a file
        files.pipeline.write_config(migrations={"directory": directory})
        done = files.run("draft", "--json")
        assert done.code == code and done.json["error"]["name"] == name, done
        assert draft(files, "--stdout")["statements"] == 1
    files.pipeline.write_config(migrations={"directory": "migrations"})
    files.put("0001_bad.sql", "")
    done = files.run("draft", "--json")
    assert done.code == 2 and done.json["error"]["name"] == "migration_file_invalid", done


def test_what_cannot_be_seen_is_no_reason_to_propose_anything(pair):
    pair.source.execute("CREATE TABLE item (id int PRIMARY KEY, name text DEFAULT 'x')")
    files = drafts(pair)
    pair.source.execute(f'DROP PUBLICATION "{files.pipeline.name}"')
    done = files.run("draft", "--json")
    assert done.code == 2 and done.json["error"]["name"] == "publication_missing", done
    pair.source.execute(f'CREATE PUBLICATION "{files.pipeline.name}" FOR ALL TABLES')
    with pair.source.connect() as locker, locker.transaction():
        locker.execute("LOCK TABLE item")
        done = files.run("draft", "--json")
        assert done.code == 4 and done.json["error"]["name"] == "lock_not_available", done
    wait_until(lambda: draft(files)["statements"] == 1, what="the lock is gone")


def test_the_target_may_be_looked_at_by_a_role_without_rights_on_the_tables_to_come(pair):
    pair.both("CREATE SCHEMA shop")
    pair.source.execute("CREATE TABLE shop.item (id int PRIMARY KEY)")
    role = pair.role(pair.target)
    files = drafts(pair, config={"target": {"conninfo": pair.target.conninfo(user=role)}})
    assert live(draft(files, "--stdout")["sql"])[0] == "CREATE TABLE shop.item ("


@pytest.mark.parametrize("words", [("--name",), ("--too",), ("extra",)], ids=" ".join)
def test_usage(pair, words):
    assert drafts(pair, publish=None, slot=False).run("draft", *words).code == 1
