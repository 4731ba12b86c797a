"""A change that cannot be applied: an error with everything needed to help oneself and no value, or the policy that was chosen."""
import threading

import pytest

from harness import wait_until

SECRET = "s3cret-value"


@pytest.fixture
def item(pair):
    pair.both("CREATE TABLE item (id int PRIMARY KEY, code text CONSTRAINT item_code_unique UNIQUE, name text)")
    return pair


def rule(**more):
    return {"tables": [{"source": "public.item", "target": "public.item"} | more]}


def assert_private(pipeline):
    """No value of a row in the log, in the status or in the tables of the service."""
    assert SECRET not in pipeline.log()
    for words in (("status",), ("status", "--json"), ("check",), ("check", "--json")):
        done = pipeline.command(*words)
        assert SECRET not in done.out + done.err, words
    for schema, table in pipeline.target.rows("SELECT schemaname, tablename FROM pg_tables WHERE schemaname = 'walgate'"):
        assert SECRET not in str(pipeline.target.rows(f'SELECT * FROM "{schema}"."{table}"')), table


def assert_described(error, name, relation, sqlstate=None):
    assert error["name"] == name
    assert error["relation"] == relation
    assert error["phase"] and error["message"] and error["remedy"], error
    assert "/" in error["lsn"] and error["xid"] > 0, error
    if sqlstate:
        assert error["sqlstate"] == sqlstate, error


def test_a_unique_violation_stops_and_skip_leaves_the_transaction_out(item):
    pipeline = item.pipeline().start()
    item.target.execute(f"INSERT INTO item VALUES (99, '{SECRET}', 'only here')")
    item.source.execute("INSERT INTO item VALUES (1, 'fine', '')")
    item.source.execute(f"BEGIN; INSERT INTO item VALUES (2, 'beside', ''); INSERT INTO item VALUES (3, '{SECRET}', ''); COMMIT")
    item.source.execute("INSERT INTO item VALUES (4, 'after', '')")
    error = pipeline.assert_stopped("unique_violation_on_target")
    assert_described(error, "unique_violation_on_target", "public.item", "23505")
    assert "item_code_unique" in error["message"] + error["detail"], error
    assert_private(pipeline)
    # Before it everything is there, of it nothing, after it nothing.
    assert item.target.rows("SELECT id FROM item ORDER BY id") == [(1,), (99,)]
    # A restart without help stops at the same place.
    assert pipeline.expect_stop("unique_violation_on_target")["lsn"] == error["lsn"]

    wrong = pipeline.command("skip", "--lsn", "0/12345")
    assert wrong.code == 2 and "skip_refused" in wrong.out + wrong.err, wrong
    done = pipeline.command("skip", "--lsn", error["lsn"])
    assert done.code == 0, done
    assert error["lsn"] in done.out and SECRET not in done.out + done.err, done
    pipeline.start()
    status = pipeline.wait_caught_up()
    assert item.target.rows("SELECT id FROM item ORDER BY id") == [(1,), (4,), (99,)]
    assert status["error"] is None and status["counters"]["transactions_skipped"] == 1
    # What was in it is written down.
    assert item.target.rows("SELECT changes FROM walgate.skips") == [({"public.item": {"insert": 2}},)]
    # The permission is used up and does not reach further.
    again = pipeline.command("skip", "--lsn", error["lsn"])
    assert again.code == 2 and "skip_refused" in again.out + again.err, again


def test_skip_needs_a_standing_error(item):
    pipeline = item.pipeline().start()
    item.source.execute("INSERT INTO item VALUES (1, 'a', '')")
    pipeline.wait_caught_up()
    for down in (False, True):
        if down:
            pipeline.stop()
        done = pipeline.command("skip", "--lsn", pipeline.command("status", "--json").json["applied_lsn"])
        assert done.code == 2 and "skip_refused" in done.out + done.err, done


def test_a_skipped_transaction_still_teaches_its_relations(item):
    # The relation record of a table that first appears in the skipped transaction is not sent again in that session.
    item.both("CREATE TABLE fresh (id int PRIMARY KEY)")
    pipeline = item.pipeline()
    item.target.execute("INSERT INTO item VALUES (1, 'taken', '')")
    item.source.execute("BEGIN; INSERT INTO fresh VALUES (1); INSERT INTO item VALUES (1, 'mine', ''); COMMIT")
    item.source.execute("INSERT INTO fresh VALUES (2); INSERT INTO item VALUES (5, 'five', '')")
    error = pipeline.expect_stop("unique_violation_on_target")
    assert pipeline.command("skip", "--lsn", error["lsn"]).code == 0
    pipeline.start().wait_caught_up()
    assert item.target.rows("SELECT id FROM fresh") == [(2,)]
    assert item.target.rows("SELECT id FROM item ORDER BY id") == [(1,), (5,)]


@pytest.mark.parametrize("change", [f"UPDATE item SET name = '{SECRET}' WHERE id = 1", "DELETE FROM item WHERE id = 1",
                                    f"UPDATE item SET id = 7, name = '{SECRET}' WHERE id = 1"],
                         ids=["update", "delete", "key change"])
def test_a_row_that_is_missing_stops(item, change):
    pipeline = item.pipeline().start()
    item.source.execute("INSERT INTO item VALUES (1, 'a', ''), (2, 'b', '')")
    pipeline.wait_caught_up()
    item.target.execute("DELETE FROM item WHERE id = 1")
    item.source.execute(f"BEGIN; UPDATE item SET name = 'changed' WHERE id = 2; {change}; COMMIT")
    error = pipeline.assert_stopped("row_missing")
    assert_described(error, "row_missing", "public.item")
    assert "id" in error["detail"] + error["message"], "the key columns are named"
    assert_private(pipeline)
    assert item.target.rows("SELECT id, name FROM item") == [(2, "")], "a part of the transaction stayed"
    # A person repairs the target and it goes on.
    item.target.execute("INSERT INTO item VALUES (1, 'a', '')")
    pipeline.start().wait_caught_up()
    item.assert_same("item")


def test_missing_rows_are_skipped_and_counted_on_request(item):
    pipeline = item.pipeline(config=rule(on_missing="skip")).start()
    item.source.execute("INSERT INTO item SELECT n, 'code ' || n, '' FROM generate_series(1, 10) n")
    pipeline.wait_caught_up()
    item.target.execute("DELETE FROM item WHERE id <= 3")
    item.source.execute(f"UPDATE item SET name = '{SECRET}' WHERE id IN (1, 2, 5); DELETE FROM item WHERE id IN (3, 6)")
    status = pipeline.wait_caught_up()
    assert item.target.rows("SELECT id FROM item ORDER BY id") == [(4,), (5,), (7,), (8,), (9,), (10,)]
    assert item.target.value("SELECT name FROM item WHERE id = 5") == SECRET
    assert status["counters"]["missing_rows_skipped"] == 3
    assert (status["conflicts"]["update_missing"], status["conflicts"]["delete_missing"]) == (2, 1)
    assert "row_missing" in pipeline.log()
    assert_private(pipeline)


@pytest.mark.parametrize("policy, kept", [("skip", "only here"), ("overwrite", "from the source")])
def test_duplicates_follow_their_policy(item, policy, kept):
    pipeline = item.pipeline(config=rule(on_duplicate=policy)).start()
    item.target.execute("INSERT INTO item VALUES (1, 'a', 'only here')")
    item.source.execute("INSERT INTO item VALUES (1, 'a', 'from the source'), (2, 'b', 'fine')")
    status = pipeline.wait_caught_up()
    assert item.target.rows("SELECT id, name FROM item ORDER BY id") == [(1, kept), (2, "fine")]
    if policy == "skip":
        assert status["conflicts"]["insert_exists"] == 1


def test_a_check_constraint_of_the_target_stops(item):
    item.target.execute("ALTER TABLE item ADD CONSTRAINT short_name CHECK (length(name) < 5)")
    pipeline = item.pipeline().start()
    item.source.execute(f"INSERT INTO item VALUES (1, 'a', '{SECRET}')")
    error = pipeline.assert_stopped("constraint_violation_on_target")
    assert_described(error, "constraint_violation_on_target", "public.item", "23514")
    assert "short_name" in error["message"] + error["detail"]
    assert_private(pipeline)


def test_a_foreign_key_that_only_the_target_has_stops_a_role_that_checks_it(item):
    item.target.execute("CREATE TABLE known (code text PRIMARY KEY);"
                        "ALTER TABLE item ADD CONSTRAINT known_code FOREIGN KEY (code) REFERENCES known")
    role = item.target_role("item")
    item.target.execute(f"GRANT SELECT ON known TO {role}")
    pipeline = item.pipeline(publish="TABLE item", config={
        "target": {"replica_role": "never", "conninfo": item.target.conninfo(user=role)}}).start()
    item.source.execute(f"INSERT INTO item VALUES (1, '{SECRET}', '')")
    error = pipeline.assert_stopped("foreign_key_violation_on_target")
    assert_described(error, "foreign_key_violation_on_target", "public.item", "23503")
    assert "known_code" in error["message"] + error["detail"]
    assert_private(pipeline)


def test_a_value_that_is_too_long_for_the_target_stops(item):
    item.target.execute("ALTER TABLE item ALTER name TYPE varchar(5)")
    pipeline = item.pipeline().start()
    item.source.execute(f"INSERT INTO item VALUES (1, 'a', '{SECRET}')")
    error = pipeline.assert_stopped("value_not_accepted")
    assert_described(error, "value_not_accepted", "public.item", "22001")
    assert_private(pipeline)
    assert item.target.value("SELECT count(*) FROM item") == 0


def test_a_column_that_is_dropped_under_the_service_is_waited_for(item):
    pipeline = item.pipeline().start()
    item.source.execute("INSERT INTO item VALUES (1, 'a', 'x')")
    pipeline.wait_caught_up()
    item.target.execute("ALTER TABLE item DROP name")
    item.source.execute("INSERT INTO item VALUES (2, 'b', 'y')")
    pipeline.wait_gate("public.item.name")
    item.target.execute("ALTER TABLE item ADD name text; UPDATE item SET name = 'x'")
    pipeline.wait_caught_up()
    item.assert_same("item")


def test_a_column_that_only_the_source_gets_is_waited_for_before_its_transaction(item):
    pipeline = item.pipeline().start()
    item.source.execute("INSERT INTO item VALUES (1, 'a', 'x')")
    item.source.execute("ALTER TABLE item ADD more text")
    item.source.execute("INSERT INTO item VALUES (2, 'b', 'y', 'z')")
    pipeline.wait_gate("public.item.more")
    assert item.target.rows("SELECT id FROM item") == [(1,)]
    item.target.execute("ALTER TABLE item ADD more text")
    pipeline.wait_caught_up()
    item.assert_same("item")


def test_a_target_altered_in_a_way_that_fits_is_read_again(item):
    # A prepared statement meets another column type: the catalog is read again before anything is called permanent.
    pipeline = item.pipeline().start()
    item.source.execute("INSERT INTO item VALUES (1, 'a', 'x')")
    pipeline.wait_caught_up()
    item.target.execute("ALTER TABLE item ALTER id TYPE bigint, ADD extra int DEFAULT 5")
    item.source.execute("INSERT INTO item VALUES (2, 'b', 'y'); UPDATE item SET name = 'z' WHERE id = 1")
    pipeline.wait_caught_up()
    assert item.target.rows("SELECT id, name, extra FROM item ORDER BY id") == [(1, "z", 5), (2, "y", 5)]


def test_a_change_that_cannot_be_identified_stops(pair):
    # The source checks the identity when a statement starts: the publication takes deletes only while this one is under way.
    pair.both("CREATE TABLE item (id int PRIMARY KEY, name text)")
    pair.source.execute("ALTER TABLE item REPLICA IDENTITY NOTHING")
    pipeline = pair.pipeline(publish="TABLE item WITH (publish = 'insert')").start()
    pair.source.execute("INSERT INTO item VALUES (1, 'a')")
    pipeline.wait_caught_up()
    with pair.source.connect() as gate:
        gate.execute("SELECT pg_advisory_lock(1)")
        slow = threading.Thread(target=pair.source.execute, args=("DELETE FROM item WHERE pg_advisory_lock_shared(1) IS NOT NULL",))
        slow.start()
        wait_until(lambda: pair.source.value("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'advisory'"))
        pair.source.execute(f'ALTER PUBLICATION "{pipeline.name}" SET (publish = \'insert, delete\')')
        gate.execute("SELECT pg_advisory_unlock(1)")
        slow.join()
    assert pair.source.value("SELECT count(*) FROM item") == 0
    error = pipeline.assert_stopped("change_not_identified")
    assert_described(error, "change_not_identified", "public.item")
    assert pair.target.value("SELECT count(*) FROM item") == 1


def test_a_row_missing_from_a_table_that_cascades_to_itself_is_still_missing(pair):
    pair.both("CREATE TABLE tree (id int PRIMARY KEY, parent int REFERENCES tree ON DELETE CASCADE)")
    pipeline = pair.pipeline(config={"target": {"replica_role": "never"}}).start()
    pair.source.execute("INSERT INTO tree VALUES (1, NULL), (2, 1), (3, NULL)")
    pair.source.execute("DELETE FROM tree WHERE id = 1")
    pipeline.wait_caught_up()
    pair.assert_same("tree")
    pair.target.execute("DELETE FROM tree WHERE id = 3")
    pair.source.execute("DELETE FROM tree WHERE id = 3")
    assert pipeline.wait_exit() == 2
    assert "row_missing" in pipeline.log_tail()
