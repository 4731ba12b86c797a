"""Tables and partitions that join, leave or come anew: noticed, told and remembered over restarts."""
import pytest

from harness.waiting import wait_until


def states_in(status) -> dict:
    return {table["source"]: table["state"] for table in status["tables"]}


def table_states(pipeline) -> dict:
    return states_in(pipeline.status())


def wait_for_state(pipeline, table: str, state: str) -> None:
    wait_until(lambda: table_states(pipeline).get(table) == state, 30,
               lambda: f"{table} is {state}; {table_states(pipeline)}")


def wait_for_line(pipeline, *words: str, after: int = 0) -> str:
    """Waits for a line of the log that holds all words."""
    def found():
        return next((line for line in pipeline.log()[after:].splitlines() if all(word in line for word in words)), None)
    return wait_until(found, 30, lambda: f"a line with {words}; {pipeline.log_tail()}")


def findings(pipeline) -> dict:
    """What `check` says, by name; the objects of each."""
    found: dict = {}
    for finding in pipeline.command("check", "--json").json:
        found.setdefault(finding["name"], set()).add((finding["severity"], finding["object"]))
    return found


def accept(pipeline, table: str) -> None:
    done = pipeline.command("accept", "--table", table)
    assert done.code == 0, done.err


def test_a_table_taken_out_of_the_publication_is_reported(pair):
    pair.both("CREATE TABLE item (id int PRIMARY KEY); CREATE TABLE other (id int PRIMARY KEY)")
    pipeline = pair.pipeline(publish="TABLE item, other").start()
    pair.source.execute("INSERT INTO item VALUES (1)")
    pair.source.execute(f"ALTER PUBLICATION {pipeline.name} DROP TABLE item")
    pair.source.execute("INSERT INTO item VALUES (2)")
    wait_for_state(pipeline, "public.item", "left")
    pair.source.execute("INSERT INTO other VALUES (1)")
    pipeline.wait_caught_up()
    assert table_states(pipeline)["public.other"] == "streaming"
    wait_for_line(pipeline, "table_left_publication", 'relation="public.item"')
    assert pair.target.rows("SELECT * FROM item") == [(1,)]
    assert pair.target.rows("SELECT * FROM other") == [(1,)]


def test_a_dropped_and_a_new_table_are_reported(pair):
    pair.both("CREATE TABLE item (id int PRIMARY KEY)")
    pipeline = pair.pipeline().start()
    pair.source.execute("DROP TABLE item")
    wait_for_state(pipeline, "public.item", "left")
    pair.both("CREATE TABLE late (id int PRIMARY KEY)")
    wait_for_state(pipeline, "public.late", "streaming")
    pair.source.execute("INSERT INTO late VALUES (1)")
    pipeline.wait_caught_up()
    assert "table_joined_publication" in pipeline.log()
    assert pair.target.rows("SELECT * FROM late") == [(1,)]


def test_a_table_left_out_by_a_rule_is_not_reported(pair):
    pair.both("CREATE TABLE item (id int PRIMARY KEY); CREATE TABLE other (id int PRIMARY KEY)")
    pipeline = pair.pipeline(config={"tables": [{"source": "public.item", "target": None}]}).start()
    pair.source.execute("DROP TABLE item; DROP TABLE other")
    wait_for_state(pipeline, "public.other", "left")
    assert "public.item" not in pipeline.log()


def test_a_table_that_left_before_a_kill_is_told_after_it(pair):
    pair.both("CREATE TABLE item (id int PRIMARY KEY); CREATE TABLE other (id int PRIMARY KEY)")
    pipeline = pair.pipeline(publish="TABLE item, other").start()
    pipeline.kill9()
    pair.source.execute(f"ALTER PUBLICATION {pipeline.name} DROP TABLE item")
    assert findings(pipeline)["table_left_publication"] == {("warning", "public.item")}
    pipeline.start()
    assert table_states(pipeline) == {"public.item": "left", "public.other": "streaming"}
    assert pipeline.log().count("table_left_publication") == 1
    pipeline.stop()
    assert states_in(pipeline.command("status", "--json").json)["public.item"] == "left"
    assert findings(pipeline)["table_left_publication"] == {("warning", "public.item")}
    # What has been told once is not told again, until a person settles it.
    pipeline.start()
    assert pipeline.log().count("table_left_publication") == 1
    refused = pipeline.command("accept", "--table", "public.item")
    assert refused.code == 2 and "pipeline_running" in refused.err
    pipeline.stop()
    accept(pipeline, "public.item")
    pipeline.start()
    assert table_states(pipeline) == {"public.other": "streaming"}


ANOTHER = "another table has taken over the name"


def test_a_table_created_again_is_waited_at_until_it_is_accepted(pair):
    pair.both("CREATE TABLE item (id int PRIMARY KEY, name text)")
    pipeline = pair.pipeline().start()
    pair.source.execute("INSERT INTO item VALUES (1, 'of the old table')")
    pair.source.execute("DROP TABLE item; CREATE TABLE item (id int PRIMARY KEY, name text)")
    pair.source.execute("INSERT INTO item VALUES (2, 'of the new table')")
    gate = pipeline.wait_gate(ANOTHER)
    assert gate["relation"] == "public.item" and gate["lsn"]
    for _ in range(2):  # restarts do not lead past it
        pipeline.stop()
        pipeline.start(wait=False)
        assert pipeline.wait_gate(ANOTHER)["lsn"] == gate["lsn"]
    assert pair.target.rows("SELECT id FROM item") == [(1,)]
    assert findings(pipeline)["table_recreated"] == {("error", "public.item")}
    # A person makes both sides equal and says so.
    pair.target.execute("TRUNCATE item")
    accept(pipeline, "public.item")
    pipeline.wait_caught_up()
    assert pair.target.rows("SELECT * FROM item") == [(2, "of the new table")]
    assert table_states(pipeline) == {"public.item": "streaming"}
    pipeline.stop()
    assert "table_recreated" not in findings(pipeline)
    refused = pipeline.command("accept", "--table", "public.item")
    assert refused.code == 2 and "accept_refused" in refused.err


def test_a_table_created_again_is_reported_before_it_changes(pair):
    pair.both("CREATE TABLE item (id int PRIMARY KEY)")
    pipeline = pair.pipeline().start()
    pair.source.execute("DROP TABLE item; CREATE TABLE item (id int PRIMARY KEY)")
    wait_for_state(pipeline, "public.item", "recreated")
    wait_for_line(pipeline, "table_recreated", 'relation="public.item"')
    assert pipeline.running


@pytest.mark.parametrize("end", ["stop", "kill9"])
def test_what_was_written_before_the_table_was_created_again_still_arrives(pair, end):
    """The service was down meanwhile: the stream brings the old table's changes, and waits at the new one's."""
    pair.both("CREATE TABLE item (id int PRIMARY KEY, name text)")
    pipeline = pair.pipeline().start()
    getattr(pipeline, end)()
    pair.source.execute("INSERT INTO item VALUES (1, 'old')")
    pair.source.execute("DROP TABLE item; CREATE TABLE item (id int PRIMARY KEY, name text)")
    pair.source.execute("INSERT INTO item VALUES (2, 'new')")
    pipeline.start(wait=False)
    pipeline.wait_gate(ANOTHER)
    assert pair.target.rows("SELECT id FROM item") == [(1,)]


def test_a_table_created_again_before_the_first_start_is_waited_at(pair):
    """Nobody has looked before; the stream has both tables."""
    pair.both("CREATE TABLE item (id int PRIMARY KEY)")
    pipeline = pair.pipeline()
    pair.source.execute("INSERT INTO item VALUES (1)")
    pair.source.execute("DROP TABLE item; CREATE TABLE item (id int PRIMARY KEY)")
    pair.source.execute("INSERT INTO item VALUES (2)")
    pipeline.start(wait=False)
    pipeline.wait_gate(ANOTHER)
    assert pair.target.rows("SELECT id FROM item") == [(1,)]


def test_a_transaction_with_rows_of_the_old_and_the_new_table_can_be_accepted(pair):
    pair.both("CREATE TABLE item (id int PRIMARY KEY)")
    pipeline = pair.pipeline().start()
    pair.source.execute("BEGIN; INSERT INTO item VALUES (1); DROP TABLE item; CREATE TABLE item (id int PRIMARY KEY);"
                        "INSERT INTO item VALUES (2); COMMIT")
    pipeline.wait_gate(ANOTHER)
    accept(pipeline, "public.item")
    pipeline.wait_caught_up()
    pair.assert_same("item")


def test_a_table_that_joined_and_was_created_again_at_once_is_noticed(pair):
    """No look lay between: what the first change told is remembered before it is applied."""
    pair.both("CREATE TABLE other (id int PRIMARY KEY)")
    pipeline = pair.pipeline().start()
    pair.both("CREATE TABLE item (id int PRIMARY KEY)")
    pair.source.execute("INSERT INTO item VALUES (1)")
    pipeline.wait_caught_up()
    pipeline.kill9()
    pair.source.execute("DROP TABLE item; CREATE TABLE item (id int PRIMARY KEY); INSERT INTO item VALUES (2)")
    pipeline.start(wait=False)
    pipeline.wait_gate(ANOTHER)
    assert pair.target.rows("SELECT id FROM item") == [(1,)]


def test_tables_renamed_into_each_other_are_noticed(pair):
    pair.both("CREATE TABLE item (id int PRIMARY KEY); CREATE TABLE other (id int PRIMARY KEY)")
    pipeline = pair.pipeline().start()
    pair.source.execute("INSERT INTO item VALUES (1); INSERT INTO other VALUES (10)")
    pipeline.wait_caught_up()
    pipeline.stop()
    swap = "ALTER TABLE item RENAME TO third; ALTER TABLE other RENAME TO item; ALTER TABLE third RENAME TO other"
    pair.source.execute(swap)
    pair.source.execute("INSERT INTO item VALUES (11)")
    assert findings(pipeline)["table_recreated"] == {("error", "public.item"), ("error", "public.other")}
    pipeline.start(wait=False)
    pipeline.wait_gate(ANOTHER)
    assert pair.target.rows("SELECT id FROM item") == [(1,)]
    pair.target.execute(swap)  # which is all that is to be done
    pair.source.execute("INSERT INTO other VALUES (2)")
    pipeline.wait_caught_up()
    pair.assert_same("item", "other")


def test_a_table_that_joined_while_the_service_was_down_is_told(pair):
    pair.both("CREATE TABLE item (id int PRIMARY KEY)")
    pipeline = pair.pipeline().start()
    pipeline.stop()
    pair.both("CREATE TABLE late (id int PRIMARY KEY)")
    assert findings(pipeline)["table_joined_publication"] == {("warning", "public.late")}
    pipeline.start()
    wait_for_line(pipeline, "table_joined_publication", 'relation="public.late"')


def test_a_short_absence_and_a_changed_selection_are_told(pair):
    pair.both("CREATE TABLE item (id int PRIMARY KEY, name text)")
    pipeline = pair.pipeline(publish="TABLE item").start()
    pipeline.stop()
    publication = f"ALTER PUBLICATION {pipeline.name}"
    pair.source.execute(f"{publication} DROP TABLE item; INSERT INTO item VALUES (1, 'lost');"
                        f" {publication} ADD TABLE item")
    pipeline.start()
    wait_for_line(pipeline, "table_selection_changed", 'relation="public.item"', "taken out")
    for change, words in [("SET TABLE item (id)", "column list"), ("SET TABLE item WHERE (id > 5)", "row filter"),
                          ("SET (publish = 'insert')", "operations")]:
        pair.source.execute(f"{publication} {change}")
        wait_for_line(pipeline, "table_selection_changed", words)
    pipeline.stop()
    before = len(pipeline.log())
    pipeline.start()
    assert "table_selection_changed" not in pipeline.log()[before:]


def test_partitions_under_their_root_are_watched(pair):
    pair.source.execute("CREATE TABLE item (id int PRIMARY KEY) PARTITION BY RANGE (id);"
                        "CREATE TABLE item_1 PARTITION OF item FOR VALUES FROM (0) TO (10);"
                        "CREATE TABLE item_2 PARTITION OF item FOR VALUES FROM (10) TO (20)")
    pair.target.execute("CREATE TABLE item (id int PRIMARY KEY)")
    pipeline = pair.pipeline(publish="TABLE item WITH (publish_via_partition_root)").start()
    assert table_states(pipeline) == {"public.item": "streaming"}
    pair.source.execute("CREATE TABLE item_3 PARTITION OF item FOR VALUES FROM (20) TO (30)")
    assert " info " in wait_for_line(pipeline, "partition_joined", "public.item_3")
    pair.source.execute("CREATE TABLE item_4 (id int PRIMARY KEY); INSERT INTO item_4 VALUES (31)")
    pair.source.execute("ALTER TABLE item ATTACH PARTITION item_4 FOR VALUES FROM (30) TO (40)")
    assert " warning " in wait_for_line(pipeline, "partition_joined", "public.item_4")
    pair.source.execute("ALTER TABLE item DETACH PARTITION item_1")
    assert " warning " in wait_for_line(pipeline, "partition_left", "public.item_1")
    pipeline.stop()
    pair.source.execute("DROP TABLE item_2")
    assert findings(pipeline)["partition_left"] == {("warning", "public.item")}
    pipeline.start()
    wait_for_line(pipeline, "partition_left", "public.item_2")
    assert table_states(pipeline) == {"public.item": "streaming"}


def test_a_locked_table_holds_nothing_up(pair):
    pair.both("CREATE TABLE item (id int PRIMARY KEY); CREATE TABLE other (id int PRIMARY KEY)")
    pipeline = pair.pipeline().start()
    with pair.source.connect() as locking:
        locking.execute("BEGIN")
        locking.execute("LOCK TABLE item IN ACCESS EXCLUSIVE MODE")
        pair.source.execute("DROP TABLE other")
        wait_for_state(pipeline, "public.other", "left")
        assert pipeline.stop() == 0
        locking.execute("ROLLBACK")


def test_the_tables_of_an_older_release_are_brought_up(pair):
    pair.both("CREATE TABLE item (id int PRIMARY KEY)")
    pipeline = pair.pipeline().start()
    pipeline.stop()
    pair.target.execute("DROP TABLE walgate.tables, walgate.shapes, walgate.mirrors, walgate.copies, walgate.copy_ranges;"
                        "DROP FUNCTION walgate.hold;"
                        "ALTER TABLE walgate.pipelines DROP COLUMN tables_known;"
                        "DELETE FROM walgate.migrations WHERE id > '0002'; ALTER TABLE walgate.migrations DROP COLUMN number,"
                        " DROP COLUMN state, DROP COLUMN duration, DROP COLUMN source_lsn")
    assert pipeline.command("status", "--json").json["tables"] == []
    pair.source.execute("INSERT INTO item VALUES (1)")
    pipeline.start()
    pipeline.wait_caught_up()
    assert table_states(pipeline) == {"public.item": "streaming"}
    assert "table_joined_publication" not in pipeline.log()
