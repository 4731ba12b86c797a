"""The copy beside what people do to publications, configurations and tables at awkward moments."""
from copying import (HALF, ROWS, catch_up, committed_ranges, copy_states, fill, finish, item_pipeline,
                     rows_copied, wait_states)
from harness import Hold, Pair, wait_until


def test_a_table_that_is_asked_for_while_it_is_copied_and_then_killed(pair):
    """What the first copy had brought must not be taken for a part of the second."""
    pipeline = item_pipeline(pair, copy={"workers": 1})
    hold = Hold(pair.target, "item", HALF)
    pipeline.start(wait=False)
    hold.wait_reached()
    assert committed_ranges(pair) > 2
    done = pipeline.command("copy", "--table", "public.item")
    assert done.code == 0 and committed_ranges(pair) == 0, done
    hold.release()
    wait_until(lambda: copy_states(pair)["event"] == "copied" or pair.target.value("SELECT count(*) FROM item") > ROWS // 2 + 200)
    pipeline.kill9()
    pipeline.start()
    finish(pair, pipeline)


def test_a_table_comes_back_to_its_publication(pair):
    pipeline = item_pipeline(pair, publish="TABLE item, event").start()
    pair.source.execute(f"ALTER PUBLICATION {pipeline.name} DROP TABLE item")
    pipeline.wait_event("table_left_publication", relation="public.item")
    pair.source.execute("UPDATE item SET n = 1; DELETE FROM item WHERE id % 3 = 0")
    pipeline.kill9()
    pipeline.start()
    pair.source.execute(f"ALTER PUBLICATION {pipeline.name} ADD TABLE item")
    before = len(pipeline.log())
    pipeline.wait_event("table_copied", after=before, relation="public.item")
    finish(pair, pipeline)


def test_a_table_that_joins_and_does_not_change_is_copied_too(pair):
    pipeline = item_pipeline(pair, publish="TABLE event").start()
    pair.source.execute(f"ALTER PUBLICATION {pipeline.name} ADD TABLE item")
    pipeline.wait_event("table_copied", relation="public.item")
    wait_states(pipeline, "streaming")
    finish(pair, pipeline)


def test_a_table_that_comes_back_beside_rows_of_others_is_only_streamed_on(pair):
    pipeline = item_pipeline(pair, publish="TABLE item, event", copy={"existing_rows": "keep"})
    fill(pair.target, 100, first=ROWS + 1)
    pipeline.start()
    pair.source.execute(f"ALTER PUBLICATION {pipeline.name} DROP TABLE item")
    pipeline.wait_event("table_left_publication", relation="public.item")
    pair.source.execute("UPDATE item SET n = 1 WHERE id = 1")
    before = len(pipeline.log())
    pair.source.execute(f"ALTER PUBLICATION {pipeline.name} ADD TABLE item")
    pipeline.wait_event("table_joined_publication", after=before, relation="public.item")
    pipeline.wait_event("streaming", after=before)  # the session that knows that it is back
    pair.source.execute("UPDATE item SET n = 2 WHERE id = 2; INSERT INTO event VALUES ('after')")
    catch_up(pipeline)
    pair.assert_same("event")
    assert pair.target.rows("SELECT id, n FROM item WHERE n <> 0") == [(2, 2)]
    assert pair.target.value("SELECT count(*) FROM item") == ROWS + 100
    assert rows_copied(pipeline) == ROWS and copy_states(pair)["item"] == "copied"


def test_a_table_that_was_only_streamed_comes_back(pair):
    pipeline = item_pipeline(pair, rows=0, publish="TABLE item, event", copy={"enabled": False})
    pair.source.execute("TRUNCATE event")
    pipeline.start()
    fill(pair.source)
    catch_up(pipeline)
    pipeline.stop()
    pipeline.write_config(copy={"enabled": True})
    pipeline.start()
    assert copy_states(pair) == {"item": "excluded", "event": "excluded"}
    pair.source.execute(f"ALTER PUBLICATION {pipeline.name} DROP TABLE item")
    pipeline.wait_event("table_left_publication", relation="public.item")
    pair.source.execute("UPDATE item SET n = 1; DELETE FROM item WHERE id % 3 = 0")
    pair.source.execute(f"ALTER PUBLICATION {pipeline.name} ADD TABLE item")
    pipeline.wait_event("table_copied", relation="public.item")
    finish(pair, pipeline)


def test_another_target_table_is_not_emptied_for_a_copy_that_had_begun_elsewhere(pair):
    pair.target.execute("CREATE TABLE other (id int PRIMARY KEY, n int NOT NULL DEFAULT 0, body text NOT NULL);"
                        "INSERT INTO other VALUES (-1, 0, 'somebody else''s')")
    pipeline = item_pipeline(pair, copy={"workers": 1})
    hold = Hold(pair.target, "item", HALF)
    pipeline.start(wait=False)
    hold.wait_reached()
    pipeline.kill9()
    hold.release()
    pipeline.write_config(tables=[{"source": "public.item", "target": "public.other"}])
    assert pipeline.start(wait=False).wait_exit(30) == 2
    assert "target_not_empty" in pipeline.log_file.read_text()
    assert pair.target.rows("SELECT * FROM other") == [(-1, 0, "somebody else's")]


def test_a_truncate_of_tables_whose_copies_are_of_different_age(pair):
    pair.both("CREATE TABLE parent (id int PRIMARY KEY); CREATE TABLE child (id int PRIMARY KEY, parent int REFERENCES parent)")
    pair.source.execute("INSERT INTO parent VALUES (1), (2); INSERT INTO child VALUES (1, 1)")
    pipeline = pair.pipeline(copy=True).start()
    pipeline.stop()
    pair.source.execute("TRUNCATE parent, child; INSERT INTO parent VALUES (7); INSERT INTO child VALUES (7, 7)")
    assert pipeline.command("copy", "--table", "public.child").code == 0
    pipeline.start()
    finish(pair, pipeline, "parent", "child")


def test_emptying_does_not_come_back_by_the_other_direction(pair):
    there = item_pipeline(pair, config={"source": {"origin": "none"}}).start()
    back = Pair(pair.target, pair.source).pipeline(name="back", config={"source": {"origin": "none"}}).start()
    try:
        assert there.command("copy", "--table", "public.item").code == 0
        before = len(there.log())
        there.wait_event("table_copied", after=before, relation="public.item")
        pair.target.execute("INSERT INTO event VALUES ('back')")
        back.wait_caught_up()
        assert pair.source.value("SELECT count(*) FROM item") == ROWS
        assert pair.source.value("SELECT count(*) FROM event WHERE body = 'back'") == 1
    finally:
        back.stop()


def test_the_ledger_is_kept_in_the_source_s_encoding(source_server, target_server, pair):
    name = pair.source.name + "_latin"
    latin = Pair(source_server.database(name, "ENCODING 'LATIN1' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'"),
                 target_server.database(name))
    try:
        latin.both('CREATE TABLE "stück" (id int PRIMARY KEY, n int NOT NULL DEFAULT 0, body text NOT NULL)')
        fill(latin.source, table='"stück"')
        pipeline = latin.pipeline(copy={"workers": 1}, env={"WALGATE_COPY_RANGE_BLOCKS": "2"})
        hold = Hold(latin.target, '"stück"', HALF)
        pipeline.start(wait=False)
        hold.wait_reached()
        assert latin.target.value("SELECT count(*) FROM walgate.copy_ranges WHERE source_table = 'stück'") > 2
        pipeline.kill9()
        hold.release()
        pipeline.start()
        catch_up(pipeline)
        latin.assert_same("stück")
        assert pipeline.events("copy_resumed")
        assert copy_states(latin) == {"stück": "copied"}
    finally:
        latin.close()


# Tables that the target does not have yet

LATE = "CREATE TABLE late (id int PRIMARY KEY, n int NOT NULL DEFAULT 0, body text NOT NULL)"


def test_a_table_that_joins_before_the_target_has_it_keeps_no_other_up(pair):
    pipeline = item_pipeline(pair).start()
    pair.source.execute(LATE)
    pipeline.wait_event("table_joined_publication", relation="public.late")
    pipeline.wait_event("target_table_missing", relation="public.late")
    pair.source.execute("INSERT INTO event VALUES ('meanwhile')")
    catch_up(pipeline)
    pair.assert_same("event")
    assert len(pipeline.events("streaming")) == 1, "for a table that cannot be copied no session ends"
    wait_states(pipeline, "waiting", table="public.late")
    # A start finds it like that, too.
    pipeline.kill9()
    check = pipeline.command("check", "--json")
    assert check.code == 0, check
    assert [(each["severity"], each["object"]) for each in check.json if each["name"] == "target_table_missing"] == [
        ("warning", "public.late")], check
    pipeline.start()
    pair.source.execute("INSERT INTO event VALUES ('after a kill')")
    catch_up(pipeline)
    pair.assert_same("event")
    wait_states(pipeline, "waiting", table="public.late")
    before = len(pipeline.log())
    pair.target.execute(LATE)
    pipeline.wait_event("table_copied", after=before, relation="public.late")
    fill(pair.source, 10, table="late")
    finish(pair, pipeline, "item", "event", "late")
    assert len(pipeline.events("table_copied")) == 3, "the others are not copied again"


def test_the_first_change_of_a_table_that_the_target_lacks_waits_at_a_gate(pair):
    pipeline = item_pipeline(pair).start()
    pair.source.execute(LATE)
    pipeline.wait_event("table_joined_publication", relation="public.late")
    fill(pair.source, 10, table="late")
    pair.source.execute("INSERT INTO event VALUES ('after')")
    pipeline.wait_gate("public.late")
    pipeline.stop()
    pipeline.start(wait=False)  # again: nothing is passed over
    pipeline.wait_gate("public.late")
    pair.target.execute(LATE)
    finish(pair, pipeline, "item", "event", "late")


def test_at_the_first_start_the_target_has_every_table(pair):
    pipeline = item_pipeline(pair)
    pair.source.execute(LATE)
    assert pipeline.command("check").code == 2
    for _ in range(2):
        pipeline.expect_stop("target_table_missing")
    assert pair.target.value("SELECT count(*) FROM item") == 0
    pair.target.execute(LATE)
    pipeline.start()
    finish(pair, pipeline, "item", "event", "late")


# Origins: a server has room for few

def origins(pair, pipeline) -> set[str]:
    return {name for name, in pair.target.rows("SELECT roname FROM pg_replication_origin WHERE starts_with(roname, %s)",
                                               f"walgate_{pipeline.name}")}


def test_the_origins_of_a_copy_go_with_it(pair):
    pipeline = item_pipeline(pair)
    hold = Hold(pair.target, "item", HALF)
    pipeline.start(wait=False)
    hold.wait_reached(what=pipeline.log_tail)
    own = f"walgate_{pipeline.name}"
    assert len(origins(pair, pipeline) - {own}) >= 2, "no session of the copy is marked"
    hold.release()
    finish(pair, pipeline)
    assert origins(pair, pipeline) == {own}


def test_remove_forgets_the_origins_of_a_copy_that_was_killed(pair):
    pipeline = item_pipeline(pair)
    hold = Hold(pair.target, "item", HALF)
    pipeline.start(wait=False)
    hold.wait_reached(what=pipeline.log_tail)
    pipeline.kill9()
    hold.release()
    wait_until(lambda: pair.target.value("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                                         " AND application_name LIKE 'walgate%%'") == 0, what="the old sessions are gone")
    assert origins(pair, pipeline)
    other = f"walgate_{pipeline.name}x copy 0"  # of a pipeline whose name only begins alike
    pair.target.execute("SELECT pg_replication_origin_create(%s)", other)
    try:
        assert pipeline.command("remove").code == 0
        assert origins(pair, pipeline) == {other}
    finally:
        pair.target.execute("SELECT pg_replication_origin_drop(%s)", other)
