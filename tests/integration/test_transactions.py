"""What a source's transactions may hold besides rows: prepared ones over restarts, rewrites, TRUNCATE and its sequences."""
import pytest


def own_source_with_prepared_transactions(pair):
    pair.source.server.configure(max_prepared_transactions=5)
    pair.source.server.restart()


@pytest.mark.parametrize("restarted", ["service", "killed service", "source", "crashed source"])
def test_a_prepared_transaction_over_a_restart_arrives_once(own_pair, restarted):
    """The sum would tell a second time from the first, and a table without a key takes every repeat."""
    own_source_with_prepared_transactions(own_pair)
    own_pair.both("CREATE TABLE item (id int PRIMARY KEY, n int); CREATE TABLE entry (n int)")
    pipeline = own_pair.pipeline(publish="TABLE item, entry WITH (publish = 'insert, update')").start()
    own_pair.source.execute("INSERT INTO item VALUES (1, 0), (2, 0)")
    own_pair.source.execute("BEGIN; UPDATE item SET n = n + 1 WHERE id = 1; INSERT INTO item VALUES (3, 3);"
                            "INSERT INTO entry VALUES (1); PREPARE TRANSACTION 'later'")
    own_pair.source.execute("UPDATE item SET n = n + 10 WHERE id = 2")
    pipeline.wait_caught_up()
    if restarted == "service":
        assert pipeline.stop() == 0
    elif restarted == "killed service":
        pipeline.kill9()
    else:
        own_pair.source.server.restart("fast" if restarted == "source" else "immediate")
    if not pipeline.running:
        pipeline.start()
    pipeline.wait_state("streaming")
    own_pair.source.execute("INSERT INTO entry VALUES (2)")
    pipeline.wait_caught_up()
    assert own_pair.target.rows("SELECT * FROM item ORDER BY id") == [(1, 0), (2, 10)], "it is not committed yet"
    own_pair.source.execute("COMMIT PREPARED 'later'")
    own_pair.source.execute("INSERT INTO entry VALUES (3)")
    pipeline.wait_caught_up()
    assert own_pair.target.rows("SELECT * FROM item ORDER BY id") == [(1, 1), (2, 10), (3, 3)]
    assert own_pair.target.rows("SELECT n FROM entry ORDER BY n") == [(1,), (2,), (3,)]


def test_a_prepared_transaction_that_is_committed_while_the_service_is_down(own_pair):
    own_source_with_prepared_transactions(own_pair)
    own_pair.both("CREATE TABLE entry (n int)")
    pipeline = own_pair.pipeline(publish="TABLE entry WITH (publish = 'insert')").start()
    own_pair.source.execute("BEGIN; INSERT INTO entry VALUES (1); PREPARE TRANSACTION 'kept'")
    own_pair.source.execute("BEGIN; INSERT INTO entry VALUES (2); PREPARE TRANSACTION 'dropped'")
    own_pair.source.execute("INSERT INTO entry VALUES (3)")
    pipeline.wait_caught_up()
    assert pipeline.stop() == 0
    own_pair.source.server.restart()
    own_pair.source.execute("COMMIT PREPARED 'kept'")
    own_pair.source.execute("ROLLBACK PREPARED 'dropped'")
    own_pair.source.server.restart()
    pipeline.start().wait_caught_up()
    assert own_pair.target.rows("SELECT n FROM entry ORDER BY n") == [(1,), (3,)]


@pytest.mark.parametrize("rewrite", ["VACUUM FULL item", "CLUSTER item USING item_pkey", "VACUUM FREEZE item"])
def test_storage_that_is_written_anew_changes_nothing(pair, rewrite):
    pair.both("CREATE TABLE item (id int PRIMARY KEY, name text, body text)")
    pair.source.execute("ALTER TABLE item ALTER body SET STORAGE EXTERNAL")
    pipeline = pair.pipeline().start()
    pair.source.execute("INSERT INTO item SELECT n, 'before', repeat('x', 10000) FROM generate_series(1, 30) n")
    pair.source.execute("DELETE FROM item WHERE id <= 10")
    pair.source.execute(rewrite)
    pair.source.execute("UPDATE item SET name = 'between' WHERE id % 2 = 0")  # the body stays where it was put anew
    pair.source.execute("INSERT INTO item VALUES (1, 'between', 'y')")
    pair.source.execute(rewrite)
    pair.source.execute("UPDATE item SET name = 'after', body = 'z' WHERE id % 3 = 0; DELETE FROM item WHERE id > 25")
    status = pipeline.wait_caught_up()
    pair.assert_same("item")
    assert (status["counters"]["inserts"], status["counters"]["truncates"]) == (31, 0), status
    assert "table_rewritten" not in pipeline.log(), "nothing was computed anew"


def test_a_type_that_changes_in_the_middle_of_the_stream(pair):
    """Rows before, between and after, some in the transaction of the ALTER itself.  The target's column takes both types."""
    pair.source.execute("CREATE TABLE item (id int PRIMARY KEY, n int, note text)")
    pair.target.execute("CREATE TABLE item (id bigint PRIMARY KEY, n numeric, note text)")
    pipeline = pair.pipeline().start()
    pair.source.execute("INSERT INTO item VALUES (1, 1, 'before'), (2, 2, 'before')")
    with pair.source.connect(autocommit=False) as session:
        session.execute("INSERT INTO item VALUES (3, 3, 'between')")
        session.execute("ALTER TABLE item ALTER n TYPE bigint")
        session.execute("INSERT INTO item VALUES (4, 4000000000, 'between')")
        session.execute("UPDATE item SET n = n + 4000000000, note = 'between' WHERE id = 1")
        session.execute("ALTER TABLE item ALTER n TYPE numeric")
        session.execute("INSERT INTO item VALUES (5, 5.5, 'between')")
        session.commit()
    pipeline.wait_gate("has changed rows of the table and then rewritten it")  # the values might be others
    assert pipeline.command("accept", "--table", "public.item").code == 0
    pair.source.execute("INSERT INTO item VALUES (6, 6.25, 'after')")
    pair.source.execute("UPDATE item SET n = n + 0.75, note = 'after' WHERE id = 3; DELETE FROM item WHERE id = 2")
    pipeline.wait_caught_up()
    rows = "SELECT id::bigint, n::text, note FROM item ORDER BY id"
    assert pair.target.rows(rows) == pair.source.rows(rows)


def test_a_rewrite_that_computes_values_is_asked_about_and_told(pair):
    pair.both("CREATE TABLE item (id int PRIMARY KEY, name text); CREATE TABLE other (id int PRIMARY KEY)")
    pipeline = pair.pipeline().start()
    pair.source.execute("INSERT INTO item SELECT n, 'n' || n FROM generate_series(1, 100) n; INSERT INTO other VALUES (1)")
    pipeline.wait_caught_up()
    assert "table_rewritten" not in pipeline.log()
    pair.target.execute("ALTER TABLE item ADD stamp timestamptz; ALTER TABLE other ADD n int DEFAULT 7")
    pair.source.execute("ALTER TABLE other ADD n int DEFAULT 7")  # a constant is no rewrite
    pair.source.execute("ALTER TABLE item ALTER name TYPE text USING upper(name),"
                        "  ADD stamp timestamptz DEFAULT clock_timestamp()")
    pair.source.execute("INSERT INTO item VALUES (101, 'after', '2026-02-01'); INSERT INTO other VALUES (2, 8)")
    assert pipeline.wait_gate("the source has rewritten the table")["relation"] == "public.item"
    assert "table_rewritten" not in pipeline.log()
    assert pipeline.command("accept", "--table", "public.item").code == 0
    pipeline.wait_caught_up()
    told, = [line for line in pipeline.log().splitlines() if "table_rewritten" in line]
    assert 'relation="public.item"' in told and "lsn=" in told, told
    assert pair.target.value("SELECT count(*) FROM item WHERE name = upper(name)") == 0, "the stream does not hold these"
    assert pair.target.value("SELECT stamp FROM item WHERE id = 101") is not None
    pair.assert_same("other")


@pytest.mark.parametrize("restart", [True, False])
def test_truncate_restarts_the_sequences_of_the_target_when_it_does_on_the_source(pair, restart):
    pair.both("CREATE TABLE item (id int GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, n serial)")
    pipeline = pair.pipeline().start()
    pair.source.execute("INSERT INTO item DEFAULT VALUES; INSERT INTO item DEFAULT VALUES")
    pipeline.wait_caught_up()
    sequences = [pair.target.value("SELECT pg_get_serial_sequence('item', %s)", column) for column in ("id", "n")]
    for sequence in sequences:
        pair.target.value("SELECT setval(%s, 50)", sequence)
    pair.source.execute(f"INSERT INTO item DEFAULT VALUES; TRUNCATE item {'RESTART' if restart else 'CONTINUE'} IDENTITY;"
                        "INSERT INTO item DEFAULT VALUES")
    pipeline.wait_caught_up()
    pair.assert_same("item")
    assert pair.target.value("SELECT count(*) FROM item") == 1
    for sequence in sequences:
        assert pair.target.value("SELECT nextval(%s)", sequence) == (1 if restart else 51), sequence
