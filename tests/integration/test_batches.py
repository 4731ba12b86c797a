"""Batches that the target refuses, and what must not be summed up: nothing is lost, doubled or left in silence."""
import json

import pytest

SWAP = ("UPDATE coded SET code = NULL WHERE id = 2; UPDATE coded SET code = 2 WHERE id = 1;"
        "UPDATE coded SET code = 1 WHERE id = 2;")


def coded(pair, **limits):
    """A pipeline with a table in which a swap of unique values makes a set fail, stopped."""
    pair.both("CREATE TABLE coded (id int PRIMARY KEY, code int UNIQUE); CREATE TABLE plain (id int PRIMARY KEY, v int)")
    pipeline = pair.pipeline(config={"limits": limits}).start()
    pair.source.execute("INSERT INTO coded VALUES (1, 1), (2, 2), (3, 3)")
    pipeline.wait_caught_up()
    pipeline.stop()
    return pipeline


def counters(pipeline) -> dict:
    return pipeline.status()["counters"]


def test_the_batch_behind_a_refused_one_is_whole(pair):
    pipeline = coded(pair, batch_rows=3)
    pair.source.execute(SWAP)
    for id in range(30):
        pair.source.execute("INSERT INTO plain VALUES (%s, 0)", id)
    pipeline.start().wait_caught_up()
    pair.assert_same("coded", "plain")
    assert counters(pipeline)["strict_replays"] and counters(pipeline)["inserts"] == 30


def test_a_gate_behind_a_refused_batch(pair):
    """What the refused one meant is found out before anybody is asked about the next."""
    pipeline = coded(pair, batch_rows=3)
    pair.both("CREATE TABLE wide (id int PRIMARY KEY)")
    pair.source.execute(SWAP)
    pair.source.execute("ALTER TABLE wide ADD x int; INSERT INTO wide VALUES (1, 1), (2, 2), (3, 3)")
    pipeline.start()
    pipeline.wait_gate("no column x")
    assert counters(pipeline)["apply_errors"] == 0
    pair.target.execute("ALTER TABLE wide ADD x int")
    pipeline.wait_caught_up()
    pair.assert_same("coded", "wide")


@pytest.mark.parametrize("rows", [2, 10])
def test_statements_behind_a_refused_one_are_prepared_again(pair, rows):
    pipeline = coded(pair, batch_rows=1000)
    pair.source.execute(f"BEGIN; {SWAP} INSERT INTO plain SELECT n, 0 FROM generate_series(1, {rows}) n; COMMIT")
    pipeline.start().wait_caught_up()
    for first in range(100, 1000, 100):
        pair.source.execute(f"INSERT INTO plain SELECT n, 0 FROM generate_series({first}, {first + rows}) n")
        pipeline.wait_caught_up()
    pair.assert_same("coded", "plain")
    assert counters(pipeline)["strict_replays"] == 1 and counters(pipeline)["retries"] == 0


def test_a_refused_large_transaction_is_applied_in_order(pair):
    pipeline = coded(pair, batch_rows=1000, batch_bytes="64kB")
    pair.source.execute(f"BEGIN; INSERT INTO plain SELECT n, 0 FROM generate_series(1, 20000) n; {SWAP}"
                        "UPDATE plain SET v = 1; COMMIT")
    pipeline.start().wait_caught_up()
    pair.assert_same("coded", "plain")


def test_a_generated_column_of_the_key_locates_rows_of_a_set(pair):
    pair.both("CREATE TABLE item (a int, b text, v int, k text GENERATED ALWAYS AS (md5(b)) STORED NOT NULL,"
              " PRIMARY KEY (a, k)); ALTER TABLE item ALTER b SET STORAGE EXTERNAL")
    pipeline = pair.pipeline(pair.all_tables_with_generated()).start()
    pair.source.execute("INSERT INTO item SELECT a, repeat(b::text, 5000), 0 FROM generate_series(1, 3) a, generate_series(1, 3) b")
    pair.source.execute("UPDATE item SET v = a * 10 + left(b, 1)::int")
    pipeline.wait_caught_up()
    pair.assert_same("item")


def test_many_updates_of_a_row_with_a_large_value_take_little_memory(pair):
    pair.both("CREATE TABLE wide (id int PRIMARY KEY, big text, n int); ALTER TABLE wide ALTER big SET STORAGE EXTERNAL")
    pipeline = pair.pipeline().start()
    pipeline.stop()
    pair.source.execute("INSERT INTO wide VALUES (1, repeat('x', 200000), 0)")
    pair.source.execute("DO $$ BEGIN FOR i IN 1..5000 LOOP UPDATE wide SET n = i WHERE id = 1; END LOOP; END $$")
    pipeline.start().wait_caught_up()
    pair.assert_same("wide")
    assert pipeline.peak_memory_bytes() < 200 * 1024 * 1024


def test_a_column_altered_on_the_target_is_noticed_before_a_copy(pair):
    """COPY BINARY carries no types: the bytes of a timestamp would be taken for those of a timestamptz."""
    pair.both("CREATE TABLE item (id int PRIMARY KEY, at timestamp)")
    pipeline = pair.pipeline().start()
    pair.source.execute("INSERT INTO item SELECT n, '2026-01-02' FROM generate_series(1, 1000) n")
    pipeline.wait_caught_up()
    pair.target.execute("SET timezone = 'UTC'; ALTER TABLE item ALTER at TYPE timestamptz")
    for first in range(1001, 5000, 1000):
        pair.source.execute(f"INSERT INTO item SELECT n, '2026-01-02' FROM generate_series({first}, {first} + 999) n")
        pipeline.wait_caught_up()
    assert pair.target.value("SELECT count(DISTINCT at) FROM item") == 1
    assert counters(pipeline)["strict_replays"] == 0 and counters(pipeline)["retries"] == 1


def test_a_row_that_came_and_went_still_meets_a_stray_one(pair):
    pair.both("CREATE TABLE item (id int PRIMARY KEY, v int)")
    pipeline = pair.pipeline().start()
    pair.target.execute("INSERT INTO item VALUES (5, 99)")
    pair.source.execute("BEGIN; INSERT INTO item VALUES (5, 0), (6, 0); DELETE FROM item; COMMIT")
    pipeline.assert_stopped("unique_violation_on_target")


@pytest.mark.parametrize("rows", [1, 10, 1000])  # one by one, as a set, as a COPY
def test_a_lone_insert_that_the_target_refuses_is_told_with_its_transaction(pair, rows):
    pair.both("CREATE TABLE item (id int PRIMARY KEY, v int)")
    pipeline = pair.pipeline().start()
    pair.source.execute("INSERT INTO item VALUES (0, 0)")
    pipeline.wait_caught_up()
    pair.target.execute("INSERT INTO item VALUES (1, 99)")
    pair.source.execute(f"INSERT INTO item SELECT n, 0 FROM generate_series(1, {rows}) n")
    error = pipeline.assert_stopped("unique_violation_on_target")
    assert error["lsn"] and error["xid"], error
    assert pair.target.value("SELECT count(*) FROM item") == 2
    pair.target.execute("DELETE FROM item WHERE id = 1")
    pipeline.start().wait_caught_up()
    pair.assert_same("item")


TREE = "CREATE TABLE tree (id int PRIMARY KEY, parent int REFERENCES tree)"


def checked_tree(pair, **rule):
    """A pipeline whose target checks a foreign key of a table to itself at each statement."""
    pair.both(TREE)
    role = pair.target_role("tree")
    return pair.pipeline(config={"target": {"replica_role": "never", "conninfo": pair.target.conninfo(user=role)},
                                 "tables": [{"source": "public.tree", "target": "public.tree"} | rule]}).start()


def test_the_last_resort_skips_missing_rows_where_it_may(pair):
    pipeline = checked_tree(pair, on_missing="skip")
    for id in range(1, 6):
        pair.source.execute("INSERT INTO tree VALUES (%s, nullif(%s - 1, 0))", id, id)
    pipeline.wait_caught_up()
    pair.target.execute("DELETE FROM tree WHERE id = 5")
    pair.source.execute("DELETE FROM tree")
    status = pipeline.wait_caught_up()
    pair.assert_same("tree")
    assert status["counters"]["missing_rows_skipped"] == 1, json.dumps(status)


@pytest.mark.parametrize("rule", ["overwrite", "skip"])
def test_the_last_resort_heeds_duplicates(pair, rule):
    pipeline = checked_tree(pair, on_duplicate=rule)
    pair.target.execute("INSERT INTO tree VALUES (5, NULL)")
    pair.source.execute("INSERT INTO tree VALUES (4, 5), (5, NULL), (3, 4), (2, 3), (1, 2)")
    pipeline.wait_caught_up()
    pair.assert_same("tree")
