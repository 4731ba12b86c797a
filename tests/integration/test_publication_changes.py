"""Tables that join, leave or are created again while the service runs."""
from harness.waiting import wait_until


def table_states(pipeline) -> dict:
    return {table["source"]: table["state"] for table in pipeline.status()["tables"]}


def wait_for_state(pipeline, table: str, state: str) -> None:
    wait_until(lambda: table_states(pipeline).get(table) == state, 30,
               lambda: f"{table} is {state}; {table_states(pipeline)}")


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
    assert 'table_left_publication' in pipeline.log() and 'relation="public.item"' in pipeline.log()
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


def test_a_table_created_again_stops_the_service(pair):
    pair.both("CREATE TABLE item (id int PRIMARY KEY, name text)")
    pipeline = pair.pipeline().start()
    pair.source.execute("INSERT INTO item VALUES (1, 'of the old table')")
    pair.source.execute("DROP TABLE item; CREATE TABLE item (id int PRIMARY KEY, name text)")
    pair.source.execute("INSERT INTO item VALUES (2, 'of the new table')")
    error = pipeline.assert_stopped("table_recreated")
    assert error["relation"] == "public.item" and error["lsn"]
    assert pair.target.rows("SELECT id FROM item") == [(1,)]
    # A person makes both sides equal and starts the service.
    pair.target.execute("TRUNCATE item")
    pipeline.start()
    pipeline.wait_caught_up()
    assert pair.target.rows("SELECT * FROM item") == [(2, "of the new table")]


def test_a_table_created_again_is_reported_before_it_changes(pair):
    pair.both("CREATE TABLE item (id int PRIMARY KEY)")
    pipeline = pair.pipeline().start()
    pair.source.execute("DROP TABLE item; CREATE TABLE item (id int PRIMARY KEY)")
    wait_for_state(pipeline, "public.item", "recreated")
    assert "table_recreated" in pipeline.log() and pipeline.running


def test_what_was_written_before_the_table_was_created_again_still_arrives(pair):
    """The service was down meanwhile: the stream brings the old table's changes, then the new one's."""
    pair.both("CREATE TABLE item (id int PRIMARY KEY, name text)")
    pipeline = pair.pipeline().start()
    pipeline.stop()
    pair.source.execute("INSERT INTO item VALUES (1, 'old')")
    pair.source.execute("DROP TABLE item; CREATE TABLE item (id int PRIMARY KEY, name text)")
    pair.source.execute("INSERT INTO item VALUES (2, 'new')")
    pipeline.start()
    pair.source.execute("INSERT INTO item VALUES (3, 'newer')")
    pipeline.wait_caught_up()
    assert pair.target.rows("SELECT id FROM item ORDER BY id") == [(1,), (2,), (3,)]
