"""Migration files and `walgate migrate`, as docs/operation.md and docs/commands.md promise them."""
import hashlib
import re

import pytest

from harness import Hold, wait_until
from migrating import Files


@pytest.fixture
def files(pair):
    pair.target.execute("CREATE TABLE item (id int PRIMARY KEY, name text)")
    return Files(pair)


def columns(pair, table="item"):
    return [row[0] for row in pair.target.rows(
        "SELECT attname::text FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum", table)]


def relations(pair):
    return {row[0] for row in pair.target.rows(
        "SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace")}


def ledger(pair):
    return pair.target.rows("SELECT id, state FROM walgate.migrations WHERE scope LIKE 'pipeline:%' ORDER BY 1")


# What is applied, and what is shown

def test_files_are_applied_in_the_order_of_their_numbers(pair, files):
    text = "-- a note\nALTER TABLE item ADD a int;\nCOMMENT ON COLUMN item.a IS 'späß; ✓';\n"
    files.put("0001_a.sql", text).put("0010_c.sql", "ALTER TABLE item ADD c int").put("0002_b.sql", "ALTER TABLE item ADD b int")
    assert files.states() == {"0001_a": "pending", "0002_b": "pending", "0010_c": "pending"}
    assert files.up() == ["0001_a", "0002_b", "0010_c"]
    assert columns(pair) == ["id", "name", "a", "b", "c"]
    assert files.states() == {"0001_a": "applied", "0002_b": "applied", "0010_c": "applied"}
    assert files.up() == []
    row, = pair.target.rows("SELECT scope, number, checksum, state, applied_by::text, duration >= '0', source_lsn,"
                            " applied_at > now() - interval '1 hour' FROM walgate.migrations WHERE id = '0001_a'")
    assert row == (f"pipeline:{files.pipeline.name}", 1, hashlib.sha256(text.encode()).hexdigest(), "done", "postgres",
                   True, None, True)


def test_status_and_up_have_stable_shapes(pair, files):
    files.put("0001_a.sql", "ALTER TABLE item ADD a int").put("0002_b.sql", "-- walgate: after-copy\nCREATE INDEX b ON item (name)")
    done = files.run("up", "--json")
    assert done.json == {"pipeline": files.pipeline.name, "dry_run": False,
                         "applied": [{"id": "0001_a", "milliseconds": done.json["applied"][0]["milliseconds"], "found_done": False,
                                      "locks": []}],
                         "left": [{"id": "0002_b", "reason": "after-copy: the pipeline has not run yet"}]}
    status = files.run("status", "--json").json
    assert set(status) == {"pipeline", "directory", "migrations", "invalid_indexes"}
    first, second = status["migrations"]
    assert status["directory"] == str(files.folder) and status["invalid_indexes"] == []
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", first.pop("applied_at"))
    assert isinstance(first.pop("milliseconds"), int) and first["checksum"] == first.pop("applied_checksum")
    assert first == {"number": 1, "id": "0001_a", "state": "applied", "in_transaction": True, "after_copy": False,
                     "waits_for_copy": False, "checksum": first["checksum"], "applied_by": "postgres", "source_lsn": None}
    assert second == {"number": 2, "id": "0002_b", "state": "pending", "in_transaction": True, "after_copy": True,
                      "waits_for_copy": True, "checksum": second["checksum"], "applied_checksum": None, "applied_at": None,
                      "applied_by": None, "milliseconds": None, "source_lsn": None}
    text = files.run("status")
    assert text.code == 0 and re.search(r"^applied +0001_a +.* by postgres, \d+ ms$", text.out, re.M), text
    assert re.search(r"^pending +0002_b +after-copy: the pipeline has not run yet$", text.out, re.M), text
    assert re.search(r"^left 0002_b: ", files.run("up").out, re.M)


def test_status_verify_and_a_dry_run_change_nothing(pair, files):
    files.put("0001_a.sql", "ALTER TABLE item ADD a int")
    for words in (("status",), ("verify",), ("up", "--dry-run")):
        assert files.run(*words).code == 0
    assert columns(pair) == ["id", "name"]
    assert pair.target.rows("SELECT FROM pg_namespace WHERE nspname = 'walgate'") == []


def test_up_stops_after_the_number_that_is_wanted(pair, files):
    for number in (1, 2, 3):
        files.put(f"000{number}_x.sql", f"ALTER TABLE item ADD x{number} int")
    done = files.run("up", "--to", "2", "--json")
    assert [entry["id"] for entry in done.json["applied"]] == ["0001_x", "0002_x"]
    assert done.json["left"] == [{"id": "0003_x", "reason": "--to 0002"}]
    assert files.up("--to", "0001") == [] and columns(pair)[2:] == ["x1", "x2"]
    files.refused("migration_missing", "--to", "9")
    assert files.up("--to", "3") == ["0003_x"]


def test_a_dry_run_tells_time_and_locks_and_rolls_back(pair, files):
    pair.target.execute("CREATE TABLE other (id int PRIMARY KEY); CREATE TABLE gone (id int)")
    files.put("0001_a.sql", "ALTER TABLE item RENAME TO things; CREATE TABLE fresh (id int)")
    files.put("0002_b.sql", "-- walgate: no-transaction\nCREATE INDEX CONCURRENTLY b ON other (id)")
    files.put("0003_c.sql", "DROP TABLE gone; ALTER TABLE things ADD c int; INSERT INTO other VALUES (1)")
    done = files.run("up", "--dry-run", "--json")
    assert done.code == 0 and done.json["dry_run"] is True, done
    first, third = done.json["applied"]
    exclusive = "AccessExclusiveLock"
    assert {"relation": "public.item", "mode": exclusive} in first["locks"]
    assert not any("fresh" in lock["relation"] or "things" in lock["relation"] for lock in first["locks"]), "nobody else sees it"
    assert {"relation": "public.gone", "mode": exclusive} in third["locks"]
    assert {"relation": "public.other", "mode": "RowExclusiveLock"} in third["locks"]
    assert {"relation": "public.item", "mode": exclusive} not in third["locks"], "the first file holds it already"
    assert done.json["left"] == [{"id": "0002_b", "reason": "runs outside of a transaction and cannot be tried"}]
    assert isinstance(first["milliseconds"], int)
    assert relations(pair) >= {"item", "other", "gone"} and "fresh" not in relations(pair)
    text = files.run("up", "--dry-run").out
    assert "executed and rolled back 0001_a in " in text and f"  {exclusive} on public.item\n" in text
    assert files.up() == ["0001_a", "0002_b", "0003_c"]


# What goes wrong

def test_a_failing_file_is_rolled_back_and_told_with_its_line(pair, files):
    files.put("0001_a.sql", "ALTER TABLE item ADD a int")
    files.put("0002_b.sql", "ALTER TABLE item ADD b int;\n\n-- späß\nCREATE INDEX ON\n  item ('ä' || name, nonsense);\n")
    files.put("0003_c.sql", "ALTER TABLE item ADD c int")
    answer = files.refused("migration_failed")
    assert [entry["id"] for entry in answer["applied"]] == ["0001_a"], "what went before is told"
    error = answer["error"]
    assert f'{files.folder}/0002_b.sql:5: target server: column "nonsense" does not exist' in error["message"] or \
        "0002_b.sql:5: " in error["message"], error
    assert error["phase"] == "migrate" and re.fullmatch("42[0-9A-Z]{3}", error["sqlstate"])
    assert columns(pair) == ["id", "name", "a"] and ledger(pair) == [("0001_a", "done")]
    files.put("0002_b.sql", "ALTER TABLE item ADD b int")
    assert files.up() == ["0002_b", "0003_c"]


def test_an_error_without_a_position_is_told_with_the_line_of_its_statement(pair, files):
    pair.target.execute("INSERT INTO item VALUES (1, 'secret-42')")
    files.put("0001_a.sql", "ALTER TABLE item ADD a int;\n/* two\n lines */ ALTER TABLE item ALTER name TYPE int USING name::int;")
    done = files.run("up")
    assert done.code == 2 and "0001_a.sql:3: " in done.err and "name: migration_failed" in done.err, done
    assert "secret" not in done.out + done.err, "values stay private"
    assert columns(pair) == ["id", "name"]


def test_what_is_checked_at_the_end_of_a_transaction_fails_with_the_file(pair, files):
    pair.target.execute("CREATE TABLE line (item int REFERENCES item DEFERRABLE INITIALLY DEFERRED)")
    files.put("0001_a.sql", "INSERT INTO line VALUES (1)")
    for words in ((), ("--dry-run",)):
        assert "0001_a.sql:1: " in files.refused("migration_failed", *words)["error"]["message"]
    files.put("0001_a.sql", "INSERT INTO line VALUES (1);\nINSERT INTO item VALUES (1)")
    assert files.up() == ["0001_a"]


def test_a_statement_that_needs_no_transaction_says_which_directive_to_use(files):
    files.put("0001_a.sql", "CREATE INDEX CONCURRENTLY a ON item (name)")
    error = files.refused("migration_failed")["error"]
    assert error["sqlstate"] == "25001" and "-- walgate: no-transaction" in error["remedy"]


def test_a_right_that_is_missing_is_told_with_the_remedy(pair, files):
    role = pair.role(pair.target)
    pair.target.execute(f'GRANT CREATE ON DATABASE "{pair.target.name}" TO {role}')
    files.pipeline.write_config(migrations={"conninfo": pair.target.conninfo(user=role)})
    files.put("0001_a.sql", "ALTER TABLE item ADD a int")
    error = files.refused("migration_failed")["error"]
    assert error["sqlstate"] == "42501" and "must be owner of table item" in error["message"] and "has to own it" in error["remedy"]
    pair.target.execute(f"ALTER TABLE item OWNER TO {role}; GRANT CREATE ON SCHEMA public TO {role}")
    assert files.up() == ["0001_a"]


@pytest.mark.parametrize("copy", ["COPY item FROM STDIN", "COPY item TO STDOUT"])
def test_copy_has_no_rows_from_us(pair, files, copy):
    files.put("0001_a.sql", f"ALTER TABLE item ADD a int;\n{copy};")
    assert "0001_a.sql:2: COPY cannot" in files.refused("migration_failed")["error"]["message"]
    wait_until(lambda: columns(pair) == ["id", "name"], what="the transaction is rolled back")
    assert ledger(pair) == []


@pytest.mark.parametrize("end", ["COMMIT", "COMMIT AND CHAIN", "ROLLBACK", "ROLLBACK AND CHAIN"])
def test_a_file_that_ends_its_transaction_unseen_is_noticed_before_the_ledger(pair, files, end):
    # With this setting the server's strings are not those of the standard, by which the file was read.
    files.put("0001_a.sql", "ALTER TABLE item ADD a int;\nSET standard_conforming_strings = off;\n"
                            f"SELECT 'x\\''; {end}; --';\nALTER TABLE item ADD b int;")
    error = files.refused("migration_ended_transaction")["error"]
    assert "0001_a.sql" in error["message"] and ledger(pair) == []
    assert ("a" in columns(pair)) == end.startswith("COMMIT") and "b" not in columns(pair)


def test_an_edited_file_is_refused(pair, files):
    files.put("0001_a.sql", "ALTER TABLE item ADD a int").put("0002_b.sql", "ALTER TABLE item ADD b int")
    assert files.up("--to", "1") == ["0001_a"] and files.run("verify").code == 0
    files.put("0001_a.sql", "ALTER TABLE item ADD a int\n")
    assert files.states() == {"0001_a": "changed", "0002_b": "pending"}
    for words in ((), ("--dry-run",), ("--to", "2")):
        assert "0001_a.sql: the file has changed" in files.refused("migration_changed", *words)["error"]["message"]
    done = files.run("verify", "--json")
    assert done.code == 2 and [(entry["name"], entry["object"], entry["severity"]) for entry in done.json] == [
        ("migration_changed", "0001_a.sql", "error")], done
    assert columns(pair) == ["id", "name", "a"]
    files.put("0001_a.sql", "ALTER TABLE item ADD a int")
    assert files.up() == ["0002_b"] and files.run("verify").code == 0


def test_a_renamed_file_is_a_changed_one(files):
    files.put("0001_a.sql", "SELECT 1")
    assert files.up() == ["0001_a"]
    (files.folder / "0001_a.sql").rename(files.folder / "0001_b.sql")
    assert files.states() == {"0001_b": "changed"}
    assert "was applied as 0001_a.sql" in files.refused("migration_changed")["error"]["message"]


def test_a_missing_file_is_told_and_does_not_stop_what_is_new(files):
    files.put("0001_a.sql", "SELECT 1").put("0002_b.sql", "SELECT 2")
    assert files.up() == ["0001_a", "0002_b"]
    (files.folder / "0001_a.sql").unlink()
    assert files.states() == {"0001_a": "missing", "0002_b": "applied"}
    done = files.run("verify", "--json")
    assert done.code == 2 and [entry["name"] for entry in done.json] == ["migration_missing"]
    files.put("0003_c.sql", "SELECT 3")
    assert files.up() == ["0003_c"]


def test_a_lower_number_after_a_higher_one_is_refused(files):
    files.put("0001_a.sql", "SELECT 1").put("0003_c.sql", "SELECT 3")
    assert files.up() == ["0001_a", "0003_c"]
    files.put("0002_b.sql", "SELECT 2").put("0004_d.sql", "SELECT 4")
    assert files.states()["0002_b"] == "out_of_order"
    message = files.refused("migration_out_of_order")["error"]["message"]
    assert "0002_b.sql" in message and "0003_c" in message
    assert [entry["name"] for entry in files.run("verify", "--json").json] == ["migration_out_of_order"]
    (files.folder / "0002_b.sql").rename(files.folder / "0005_b.sql")
    assert files.up() == ["0004_d", "0005_b"]


BAD_FILES = {
    "no statement": ("0001_a.sql", "-- nothing\n", "0001_a.sql:1: the file holds no statement"),
    "empty": ("0001_a.sql", "", "0001_a.sql:1: the file holds no statement"),
    "not UTF-8": ("0001_a.sql", b"SELECT 1;\nSELECT '\xe4'", "0001_a.sql:2: this line is not UTF-8"),
    "UTF-16": ("0001_a.sql", "SELECT 1".encode("utf-16"), "0001_a.sql:1: this line is not UTF-8"),
    "byte order mark": ("0001_a.sql", b"\xef\xbb\xbfSELECT 1", "0001_a.sql:1: the file begins with a byte order mark"),
    "zero byte": ("0001_a.sql", b"SELECT 1;\0", "0001_a.sql:1: there is a zero byte"),
    "psql": ("0001_a.sql", "SELECT 1;\n\\i more.sql", "0001_a.sql:2: a backslash: commands of psql"),
    "string": ("0001_a.sql", "SELECT 1;\nSELECT 'a", "0001_a.sql:2: this string is not closed"),
    "dollar quote": ("0001_a.sql", "DO $x$ BEGIN END $y$", "0001_a.sql:1: the text after $x$ is not closed"),
    "comment": ("0001_a.sql", "SELECT 1 /* a /* b */", "0001_a.sql:1: this comment is not closed"),
    "parenthesis": ("0001_a.sql", "SELECT 1;\nSELECT (2;", "0001_a.sql:2: this parenthesis is not closed"),
    "commit": ("0001_a.sql", "SELECT 1;\ncommit;", "0001_a.sql:2: the file runs in one transaction"),
    "commit and chain": ("0001_a.sql", "/* a */ END AND CHAIN;", "0001_a.sql:1: the file runs in one transaction"),
    "rollback": ("0001_a.sql", "ROLLBACK;", "0001_a.sql:1: the file runs in one transaction"),
    "prepared": ("0001_a.sql", "PREPARE TRANSACTION 'x'", "0001_a.sql:1: the file runs in one transaction"),
    "unknown directive": ("0001_a.sql", "-- walgate: in-a-hurry\nSELECT 1", "0001_a.sql:1: this is no directive"),
    "misspelt directive": ("0001_a.sql", "\n-- walgate: no_transaction\nVACUUM item", "0001_a.sql:2: this is no directive"),
    "directive twice": ("0001_a.sql", "-- walgate: no-transaction\n-- walgate: no-transaction\nVACUUM item",
                        "0001_a.sql:2: the directive no-transaction is given twice"),
    "late directive": ("0001_a.sql", "VACUUM item;\n-- walgate: no-transaction", "0001_a.sql:2: a directive has to stand before"),
    "two statements": ("0001_a.sql", "-- walgate: no-transaction\nVACUUM item;\nVACUUM item", "0001_a.sql:3: a no-transaction file"),
    "unnamed index": ("0001_a.sql", "-- walgate: no-transaction\nCREATE INDEX CONCURRENTLY ON item (name)",
                      "0001_a.sql:2: the index needs a name"),
    "short number": ("1_a.sql", "SELECT 1", "1_a.sql: the name has to be four digits"),
    "zero": ("0000_a.sql", "SELECT 1", "0000_a.sql: the name has to be four digits"),
    "hyphen": ("0001-a.sql", "SELECT 1", "0001-a.sql: the name has to be four digits"),
    "capitals": ("0001_A.sql", "SELECT 1", "0001_A.sql: the name has to be four digits"),
    "extension": ("0001_a.SQL", "SELECT 1", "0001_a.SQL: the name has to be four digits"),
    "backup": ("0001_a.sql~", "SELECT 1", "0001_a.sql~: the name has to be four digits"),
    "same number": ("0009_y.sql", "SELECT 1", "0009_z.sql has the same number"),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_a_bad_file_is_refused_before_anything_is_run(pair, files, case):
    name, text, message = BAD_FILES[case]
    files.put("0009_z.sql" if case == "same number" else "0000_first.sql".replace("0000", "0008"), "ALTER TABLE item ADD a int")
    files.put(name, text)
    if case == "same number":
        message = "has the same number"
    for words in (("up",), ("up", "--dry-run"), ("status",), ("verify",)):
        done = files.run(*words)
        assert done.code == 2 and message in done.err and "name: migration_file_invalid" in done.err, done
    assert columns(pair) == ["id", "name"]


def test_links_are_followed_to_files_only(pair, files):
    (files.pipeline.folder / "elsewhere").write_text("ALTER TABLE item ADD a int")
    (files.folder / "0001_a.sql").symlink_to(files.pipeline.folder / "elsewhere")
    assert files.up() == ["0001_a"] and columns(pair) == ["id", "name", "a"]
    (files.folder / "0002_b.sql").symlink_to("nowhere")
    assert "the link leads nowhere" in files.refused("migration_file_invalid")["error"]["message"]
    (files.folder / "0002_b.sql").unlink()
    (files.folder / "0003_c.sql").mkdir()
    assert "this is not a file" in files.refused("migration_file_invalid")["error"]["message"]


@pytest.mark.parametrize("words", [("--to", "0"), ("--to", "x"), ("--to", "12345"), ("--to", "-1"), ("--to",), ("--too", "1"), ("0001_a",)],
                         ids=" ".join)
def test_usage(files, words):
    done = files.run("up", *words)
    assert done.code == 1 and done.err.startswith("walgate: "), done


def test_the_folder_has_to_be_named_and_there(files):
    files.pipeline.write_config(migrations={"directory": "nowhere"})
    done = files.run("status")
    assert done.code == 1 and "nowhere" in done.err and "configuration_invalid" in done.err
    files.pipeline.write_config(migrations={"directory": ...})
    done = files.run("up")
    assert done.code == 1 and "migrations.directory is not set" in done.err


# Locks, several runners, crashes

def test_locks_that_are_not_to_be_had(pair, files):
    files.put("0001_a.sql", "ALTER TABLE item ADD a int")
    with pair.target.connect(autocommit=False) as reader:
        reader.execute("SELECT * FROM item")
        done = files.run("up")
        assert done.code == 4 and "name: lock_not_available" in done.err and "0001_a.sql:1: " in done.err, done
        assert done.err.count("trying again in") == 4 and "tried 5 times" in done.err
        assert files.run("up", "--dry-run").code == 4
        assert files.states() == {"0001_a": "pending"}
        files.pipeline.write_config(migrations={"lock_timeout": "300ms"})
        runner = files.start()
        assert "trying again" in runner.stderr.readline()
        reader.rollback()
        assert runner.wait(30) == 0
    assert columns(pair) == ["id", "name", "a"]


def test_of_two_runners_one_waits(pair, files):
    files.put("0001_a.sql", "ALTER TABLE item ADD a int; INSERT INTO fence VALUES (1)").put("0002_b.sql", "ALTER TABLE item ADD b int")
    pair.target.execute("CREATE TABLE fence (id int)")
    hold = Hold(pair.target, "fence")
    first = files.start()
    hold.wait_reached()
    second = files.start()
    assert "waiting for its end" in second.stderr.readline()
    hold.release()
    outputs = [runner.communicate(timeout=30) for runner in (first, second)]
    assert [first.returncode, second.returncode] == [0, 0], outputs
    assert sum(out.count("applied 0001_a") for out, _ in outputs) == sum(out.count("applied 0002_b") for out, _ in outputs) == 1
    assert columns(pair) == ["id", "name", "a", "b"]


def test_a_killed_runner_leaves_a_file_whole_or_not_at_all(pair, files):
    files.put("0001_a.sql", "ALTER TABLE item ADD a int; INSERT INTO fence VALUES (1); ALTER TABLE item ADD b int")
    pair.target.execute("CREATE TABLE fence (id int)")
    hold = Hold(pair.target, "fence")
    runner = files.start()
    hold.wait_reached()
    runner.kill()
    runner.wait()
    hold.release()
    assert files.up() == ["0001_a"]  # waits for the session that was left, too
    assert columns(pair) == ["id", "name", "a", "b"] and pair.target.value("SELECT count(*) FROM fence") == 1


INDEX = "-- walgate: no-transaction\nCREATE UNIQUE INDEX CONCURRENTLY item_name ON item (name)"


def test_an_index_is_built_concurrently(pair, files):
    files.put("0001_a.sql", INDEX)
    assert files.up() == ["0001_a"]
    assert pair.target.value("SELECT indisvalid FROM pg_index WHERE indexrelid = 'item_name'::regclass")
    assert ledger(pair) == [("0001_a", "done")]
    assert files.up() == []


def test_an_index_that_fails_is_told_with_what_it_left(pair, files):
    pair.target.execute("INSERT INTO item VALUES (1, 'secret'), (2, 'secret')")
    files.put("0001_a.sql", INDEX)
    error = files.refused("migration_failed")["error"]
    assert "0001_a.sql:2: " in error["message"] and "index public.item_name of public.item is left behind invalid" in error["detail"]
    assert "DROP INDEX CONCURRENTLY public.item_name" in error["remedy"] and "secret" not in str(error)
    assert ledger(pair) == [] and files.states() == {"0001_a": "pending"}
    shown = files.run("status", "--json").json["invalid_indexes"]
    assert shown == [{"index": "public.item_name", "table": "public.item", "remedy": "DROP INDEX CONCURRENTLY public.item_name"}]
    assert [entry["name"] for entry in files.run("verify", "--json").json] == ["index_invalid"]
    # Also where IF NOT EXISTS would take it for the one that is wanted.
    files.put("0001_a.sql", INDEX.replace("CONCURRENTLY", "CONCURRENTLY IF NOT EXISTS"))
    for _ in range(2):
        assert "DROP INDEX CONCURRENTLY public.item_name" in files.refused("index_invalid")["error"]["remedy"]
    pair.target.execute("DROP INDEX CONCURRENTLY item_name")
    pair.target.execute("DELETE FROM item WHERE id = 2")
    assert files.up() == ["0001_a"]


def cut_off(pair, files):
    """Kills runner and session half-way through the building of the index."""
    with pair.target.connect(autocommit=False) as old:
        old.execute("SELECT txid_current()")
        old.execute("INSERT INTO item VALUES (99, 'x')")
        runner = files.start()
        wait_until(lambda: pair.target.value("SELECT count(*) FROM pg_index i JOIN pg_class c ON c.oid = indexrelid"
                                             " WHERE relname = 'item_name'") == 1, what="the index is begun")
        runner.kill()
        runner.wait()
        pair.target.rows("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
                         " AND application_name LIKE '%%migrate'")
        old.rollback()
    wait_until(lambda: pair.target.value("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                                         " AND application_name LIKE '%%migrate'") == 0)


def test_a_cut_off_index_is_found_and_finished_after_the_remedy(pair, files):
    files.put("0001_a.sql", INDEX)
    cut_off(pair, files)
    assert ledger(pair) == [("0001_a", "running")] and files.states() == {"0001_a": "unfinished"}
    assert {entry["name"] for entry in files.run("verify", "--json").json} == {"migration_unfinished", "index_invalid"}
    error = files.refused("index_invalid")["error"]
    assert "run DROP INDEX CONCURRENTLY public.item_name, then `walgate migrate up` again" == error["remedy"]
    pair.target.execute("DROP INDEX CONCURRENTLY item_name")
    assert files.up() == ["0001_a"]
    assert ledger(pair) == [("0001_a", "done")]
    assert pair.target.value("SELECT indisvalid FROM pg_index WHERE indexrelid = 'item_name'::regclass")


def forget_the_end(pair):
    pair.target.execute("UPDATE walgate.migrations SET state = 'running', duration = NULL WHERE scope LIKE 'pipeline:%'")


def test_a_finished_index_whose_end_was_not_recorded_is_not_built_again(pair, files):
    files.put("0001_a.sql", INDEX)
    assert files.up() == ["0001_a"]
    before = pair.target.value("SELECT 'item_name'::regclass::oid")
    forget_the_end(pair)
    done = files.run("up", "--json").json
    assert done["applied"][0]["found_done"] is True and ledger(pair) == [("0001_a", "done")]
    assert pair.target.value("SELECT 'item_name'::regclass::oid") == before


def test_an_index_of_that_name_is_not_taken_for_ours(pair, files):
    pair.target.execute("CREATE INDEX item_name ON item (id)")
    files.put("0001_a.sql", INDEX)
    assert "item_name is there already" in files.refused("migration_failed")["error"]["message"]
    assert ledger(pair) == []
    files.put("0001_a.sql", INDEX.replace("CONCURRENTLY", "CONCURRENTLY IF NOT EXISTS"))
    assert files.up() == ["0001_a"]


def test_other_statements_outside_of_a_transaction_are_run_again_or_asked_about(pair, files):
    pair.target.execute("CREATE INDEX old ON item (name)")
    files.put("0001_a.sql", "-- walgate: no-transaction\nVACUUM item")
    assert files.up() == ["0001_a"]
    forget_the_end(pair)
    assert files.up() == ["0001_a"]
    files.put("0002_b.sql", "-- walgate: no-transaction\nDROP INDEX CONCURRENTLY old;")
    assert files.up() == ["0002_b"]
    pair.target.execute("UPDATE walgate.migrations SET state = 'running' WHERE id = '0002_b'")
    for _ in range(2):
        error = files.refused("migration_unfinished")["error"]
    assert "0002_b.sql:2: " in error["message"] and "does not exist" in error["message"]
    pair.target.execute(re.search(r"UPDATE walgate.*?id = '0002_b'", error["remedy"])[0])
    assert files.states() == {"0001_a": "applied", "0002_b": "applied"}


def test_a_statement_that_would_act_twice_is_not_run_again(pair, files):
    pair.target.execute("CREATE TABLE run (at timestamptz);"
                        "CREATE PROCEDURE fill() LANGUAGE plpgsql AS $$ BEGIN INSERT INTO run VALUES (now()); COMMIT; END $$")
    files.put("0001_a.sql", "-- walgate: no-transaction\nCALL fill()")
    assert files.up() == ["0001_a"]
    forget_the_end(pair)
    error = files.refused("migration_unfinished")["error"]
    assert pair.target.value("SELECT count(*) FROM run") == 1
    pair.target.execute(re.search(r"DELETE FROM walgate.*?id = '0001_a'", error["remedy"])[0])
    assert files.up() == ["0001_a"] and pair.target.value("SELECT count(*) FROM run") == 2


def test_an_error_that_a_file_raises_says_where_its_text_is(files):
    files.put("0001_a.sql", "SELECT 1;\nDO $$ BEGIN RAISE EXCEPTION 'secret-42'; END $$")
    error = files.refused("migration_failed")["error"]
    assert "0001_a.sql:2: " in error["message"] and "secret" not in str(error) and "the target's log" in error["detail"]


def test_a_waiting_runner_is_not_in_the_way_of_an_index(pair, files):
    # Whoever builds concurrently waits for all old snapshots: one that waits for him would be a deadlock.
    files.put("0001_a.sql", INDEX)
    with pair.target.connect(autocommit=False) as old:
        old.execute("INSERT INTO item VALUES (99, 'x')")
        first = files.start()
        # The first runner also builds indexes of walgate's own tables, before it holds the lock that the second waits for.
        wait_until(lambda: pair.target.value(
            "SELECT count(*) FROM pg_stat_progress_create_index WHERE command = 'CREATE INDEX CONCURRENTLY'") == 1)
        second = files.start()
        assert "waiting for its end" in second.stderr.readline()
        old.rollback()
    outputs = [runner.communicate(timeout=60) for runner in (first, second)]
    assert [first.returncode, second.returncode] == [0, 0], outputs
    assert ledger(pair) == [("0001_a", "done")]


# Sessions, scopes and roles

def test_what_one_file_sets_the_next_does_not_see(pair, files):
    role = pair.role(pair.target)
    pair.target.execute(f"CREATE SCHEMA shelf AUTHORIZATION {role}")
    files.put("0001_a.sql", f"SET ROLE {role}; SET search_path = shelf; CREATE TABLE a (id int); SET statement_timeout = '1s'")
    files.put("0002_b.sql", "CREATE TABLE b (id int)").put("0003_c.sql", f"SET SESSION AUTHORIZATION {role}; CREATE TABLE shelf.c ()")
    assert files.run("up", "--dry-run").code == 0
    assert files.up() == ["0001_a", "0002_b", "0003_c"]
    assert pair.target.rows("SELECT tableowner::text, schemaname::text FROM pg_tables WHERE tablename IN ('a', 'b', 'c') ORDER BY tablename") == [
        (role, "shelf"), ("postgres", "public"), (role, "shelf")]
    pair.target.execute("DROP SCHEMA shelf CASCADE")


def test_each_pipeline_has_a_ledger_of_its_own(pair, files):
    other = Files(pair, name="walgate")  # as walgate's own rows are called
    files.put("0001_a.sql", "ALTER TABLE item ADD a int")
    other.put("0001_b.sql", "ALTER TABLE item ADD b int")
    assert files.up() == ["0001_a"] and other.up() == ["0001_b"]
    assert files.states() == {"0001_a": "applied"} and other.states() == {"0001_b": "applied"}
    assert other.run("verify").code == 0


def test_remove_keeps_what_was_applied(pair):
    pair.both("CREATE TABLE item (id int PRIMARY KEY)")
    files = Files(pair, publish="ALL TABLES", slot=True)
    files.put("0001_a.sql", "ALTER TABLE item ADD a int")
    assert files.up() == ["0001_a"]
    assert files.pipeline.command("init").code == 0 and files.pipeline.command("remove").code == 0
    assert files.up() == [] and files.states() == {"0001_a": "applied"}


def test_a_ledger_of_an_earlier_release_is_brought_up(pair, files):
    files.put("0001_a.sql", "ALTER TABLE item ADD a int")
    assert files.up() == ["0001_a"]
    pair.target.execute("DELETE FROM walgate.migrations WHERE scope <> 'walgate' OR id >= '0004';"
                        "DROP TABLE walgate.shapes, walgate.mirrors; ALTER TABLE walgate.tables DROP accepted_at;"
                        "ALTER TABLE walgate.migrations DROP number, DROP state, DROP duration, DROP source_lsn;"
                        "ALTER TABLE item DROP a")
    own = pair.target.rows("SELECT id, checksum, applied_at FROM walgate.migrations ORDER BY id")
    assert len(own) == 3 and files.states() == {"0001_a": "pending"}
    assert files.run("up", "--dry-run").code == 0
    assert files.up() == ["0001_a"]
    assert pair.target.rows("SELECT id, checksum, applied_at FROM walgate.migrations WHERE scope = 'walgate' ORDER BY id")[:3] == own


@pytest.fixture
def roles(pair):
    """A role for the service, which may not make anything, and one for migrations, which owns the tables."""
    service, owner = pair.role(pair.target), pair.role(pair.target)
    pair.both("CREATE TABLE item (id int PRIMARY KEY, name text)")
    pair.target.execute(f"GRANT CREATE ON DATABASE \"{pair.target.name}\" TO {owner}; GRANT CREATE ON SCHEMA public TO {owner};"
                        f"ALTER TABLE item OWNER TO {owner}; GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON item TO {service}")
    return service, owner


def with_roles(pair, service, owner) -> Files:
    return Files(pair, publish="ALL TABLES", slot=True, config={
        "target": {"conninfo": pair.target.conninfo(user=service)},
        "migrations": {"conninfo": pair.target.conninfo(user=owner)}})


@pytest.mark.parametrize("first", ["migrate", "init"])
def test_the_services_role_needs_no_right_to_change_tables(pair, roles, first):
    service, owner = roles
    files = with_roles(pair, service, owner).put("0001_a.sql", "ALTER TABLE item ADD a int")
    if first == "migrate":
        assert files.up() == ["0001_a"]
    check = files.pipeline.command("check")
    assert check.code == (0 if first == "migrate" else 2), check
    if first == "init":
        assert "not_initialised" in check.out
        assert files.pipeline.run_until_exit().code == 2, "run does not make tables where another role is to do it"
        assert pair.target.rows("SELECT FROM pg_namespace WHERE nspname = 'walgate'") == []
    assert files.pipeline.command("init").code == 0
    files.pipeline.start()
    pair.source.execute("INSERT INTO item VALUES (1, 'a')")
    files.pipeline.wait_caught_up()
    files.put("0002_b.sql", "ALTER TABLE item ADD b int")
    assert files.up()[-1] == "0002_b"
    pair.source.execute("INSERT INTO item VALUES (2, 'b')")
    files.pipeline.wait_caught_up()
    assert pair.target.rows("SELECT id, name, a, b FROM item ORDER BY id") == [(1, "a", None, None), (2, "b", None, None)]
    may = pair.target.rows(f"SELECT has_database_privilege('{service}', current_database(), 'CREATE'),"
                           f" has_schema_privilege('{service}', 'walgate', 'CREATE'), has_schema_privilege('{service}', 'public', 'CREATE')")
    assert may == [(False, False, False)]
    assert pair.target.value("SELECT count(*) FROM pg_class WHERE relowner = %s::regrole", service) == 0
    assert pair.target.rows("SELECT DISTINCT applied_by::text FROM walgate.migrations") == [(owner,)]


def test_a_role_that_may_not_keep_the_ledger_is_told_how(pair, roles):
    service, owner = roles
    files = with_roles(pair, service, owner).put("0001_a.sql", "ALTER TABLE item ADD a int")
    pair.target.execute(f"GRANT CREATE ON DATABASE \"{pair.target.name}\" TO {service}")
    own = files.pipeline.config["migrations"].pop("conninfo")
    files.pipeline.write_config()
    assert files.pipeline.command("init").code == 0  # the tables belong to the service's role
    files.pipeline.write_config(migrations={"conninfo": own})
    error = files.refused("target_role_not_allowed")["error"]
    assert error["remedy"].startswith(f"GRANT {service} TO {owner}")
    assert files.run("status").code == 2
    pair.target.execute(f"GRANT {service} TO {owner}")
    assert files.up() == ["0001_a"]


def test_migrations_have_to_lead_to_the_target(pair, files, make_pair):
    files.put("0001_a.sql", "CREATE TABLE stray ()")
    other = make_pair().target
    files.pipeline.write_config(migrations={"conninfo": other.conninfo()})
    for words in (("up",), ("status",), ("verify",), ("up", "--dry-run")):
        done = files.run(*words)
        assert done.code == 1 and "lead to two databases" in done.err, done
    assert other.rows("SELECT FROM pg_class WHERE relname = 'stray'") == []


def test_a_server_that_does_not_answer(files):
    files.put("0001_a.sql", "SELECT 1")
    files.pipeline.write_config(migrations={"conninfo": "host=127.0.0.1 port=1 dbname=x"})
    done = files.run("up")
    assert done.code == 4 and "connection_failed" in done.err, done


# After the copy

def test_files_after_the_copy_wait_for_it(pair):
    pair.both("CREATE TABLE item (id int PRIMARY KEY, name text)")
    pair.source.execute("INSERT INTO item SELECT n, 'x' FROM generate_series(1, 1000) n")
    files = Files(pair, publish="ALL TABLES", slot=True, copy=True)
    files.put("0001_a.sql", "-- walgate: after-copy\nCREATE INDEX item_name ON item (name)").put("0002_b.sql", "ALTER TABLE item ADD b int")
    assert files.up() == ["0002_b"] and files.states() == {"0001_a": "pending", "0002_b": "applied"}
    hold = Hold(pair.target, "item", "NEW.id = 500")
    files.pipeline.start(wait=False)
    hold.wait_reached()
    left, = files.run("up", "--json").json["left"]
    assert left == {"id": "0001_a", "reason": "after-copy: not copied yet: public.item"}
    assert files.run("status", "--json").json["migrations"][0]["waits_for_copy"] is True
    hold.release()
    files.pipeline.wait_state("streaming")
    files.pipeline.wait_caught_up()
    wait_until(lambda: files.up() == ["0001_a"], what="the position is behind the copy")
    assert files.run("verify").code == 0
