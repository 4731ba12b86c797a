"""What the initial copy finds on the target: rows that are there, foreign keys of any shape, sequences."""
import pytest

from copying import HALF, ROWS, catch_up, fill, finish, item_pipeline
from harness import Hold, wait_until

# Rows that are there before


def with_existing_rows(pair, existing_rows: str | None, **more):
    pipeline = item_pipeline(pair, copy={"existing_rows": existing_rows} if existing_rows else True, **more)
    fill(pair.target, 100, first=ROWS + 1)
    pair.target.execute("INSERT INTO event VALUES ('of the target')")
    return pipeline


def test_rows_that_are_there_are_refused(pair):
    pipeline = with_existing_rows(pair, None)
    done = pipeline.command("check", "--json")
    assert done.code == 2, done
    found = {each["object"] for each in done.json if each["name"] == "target_not_empty" and each["severity"] == "error"}
    assert found == {"public.item", "public.event"}, done.json
    for _ in range(2):
        assert pipeline.run_until_exit().code == 2
    assert "target_not_empty" in pipeline.log()
    assert pair.target.value("SELECT count(*) FROM item") == 100
    assert pair.target.rows("SELECT body FROM event") == [("of the target",)]
    pair.target.execute("TRUNCATE item, event")
    pipeline.start()
    finish(pair, pipeline)


def test_rows_that_are_there_are_emptied_on_request(pair):
    pipeline = with_existing_rows(pair, "truncate")
    fill(pair.target, 100)  # the same keys
    assert pipeline.command("check").code == 0
    pipeline.start()
    finish(pair, pipeline)
    assert pair.target.value("SELECT count(*) FROM item") == ROWS


def test_rows_that_are_there_are_kept_on_request(pair):
    pipeline = with_existing_rows(pair, "keep").start()
    pair.source.execute("UPDATE item SET n = 1 WHERE id % 10 = 0; INSERT INTO event VALUES ('streamed')")
    catch_up(pipeline)
    everything = "SELECT id, n, body FROM item ORDER BY id"
    assert [row for row in pair.target.rows(everything) if row[0] <= ROWS] == pair.source.rows(everything)
    assert pair.target.value("SELECT count(*) FROM item") == ROWS + 100
    assert pair.target.rows("SELECT body FROM event ORDER BY body") == [
        ("of the target",), ("one",), ("streamed",), ("two",), ("two",)]


def test_a_kept_row_that_collides_stops_and_nothing_of_the_table_is_there(pair):
    pipeline = with_existing_rows(pair, "keep")
    fill(pair.target, 1, first=ROWS)
    error = pipeline.expect_stop("unique_violation_on_target")
    assert error["relation"] == "public.item", error
    assert pair.target.value("SELECT count(*) FROM item") == 101
    pair.target.execute(f"DELETE FROM item WHERE id = {ROWS}")
    pipeline.start()
    catch_up(pipeline)
    assert pair.target.value("SELECT count(*) FROM item") == ROWS + 100


def test_a_kill_beside_kept_rows_leaves_them_alone(pair):
    """The copy is one transaction for the table: no row of it is there, and nobody asks which ones were ours."""
    pipeline = with_existing_rows(pair, "keep")
    hold = Hold(pair.target, "item", HALF)
    pipeline.start(wait=False)
    hold.wait_reached(what=pipeline.log_tail)
    pipeline.kill9()
    hold.release()
    wait_until(lambda: pair.target.value("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                                         " AND application_name LIKE 'walgate%%'") == 0, what="the old sessions are gone")
    assert pair.target.value("SELECT count(*) FROM item") == 100
    pipeline.start()
    catch_up(pipeline)
    assert pair.target.value("SELECT count(*) FROM item") == ROWS + 100
    assert pair.target.value("SELECT count(*) FROM event") == 4


def test_tables_of_the_target_that_others_refer_to_are_emptied(pair):
    """TRUNCATE refuses them, even in replica role, unless all are named."""
    pair.both("CREATE TABLE parent (id int PRIMARY KEY); CREATE TABLE child (id int PRIMARY KEY, parent int REFERENCES parent)")
    pair.target.execute("CREATE TABLE own (id int PRIMARY KEY, parent int REFERENCES parent ON DELETE CASCADE);"
                        "INSERT INTO parent SELECT generate_series(1, 100); INSERT INTO child VALUES (1, 1);"
                        "INSERT INTO own VALUES (1, 1)")
    pair.source.execute("INSERT INTO parent SELECT generate_series(1, 50); INSERT INTO child VALUES (2, 2)")
    pipeline = pair.pipeline(copy={"existing_rows": "truncate"}).start()
    finish(pair, pipeline, "parent", "child")
    assert pair.target.rows("SELECT * FROM own") == [(1, 1)]


# Foreign keys

SHAPES = {
    # Names against the order, a tree whose rows stand before their parents, two steps.
    "tree": ("""
        CREATE TABLE z_top (id int PRIMARY KEY, parent int REFERENCES z_top);
        CREATE TABLE m_middle (id int PRIMARY KEY, top int NOT NULL REFERENCES z_top);
        CREATE TABLE a_leaf (id int PRIMARY KEY, middle int NOT NULL REFERENCES m_middle, top int REFERENCES z_top)""", """
        INSERT INTO z_top VALUES (1, NULL);
        INSERT INTO z_top SELECT g, 1 FROM generate_series(2, 500) g;
        UPDATE z_top SET parent = CASE WHEN id < 500 THEN id + 1 END;
        INSERT INTO m_middle SELECT g, g FROM generate_series(1, 500) g;
        INSERT INTO a_leaf SELECT g, g, 501 - g FROM generate_series(1, 500) g"""),
    "deferrable cycle": ("""
        CREATE TABLE z_top (id int PRIMARY KEY, other int);
        CREATE TABLE a_leaf (id int PRIMARY KEY, top int REFERENCES z_top DEFERRABLE);
        ALTER TABLE z_top ADD FOREIGN KEY (other) REFERENCES a_leaf DEFERRABLE INITIALLY DEFERRED""", """
        INSERT INTO z_top SELECT g, 501 - g FROM generate_series(1, 500) g;
        INSERT INTO a_leaf SELECT g, 501 - g FROM generate_series(1, 500) g"""),
}
BY_ROLE = [("auto", True), ("never", False), ("auto", False)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("replica_role, superuser", BY_ROLE, ids=["auto", "never", "auto without the right"])
def test_foreign_keys_do_not_get_in_the_way(pair, shape, replica_role, superuser):
    tables, rows = SHAPES[shape]
    names = ["z_top", "a_leaf"] + (["m_middle"] if "m_middle" in tables else [])
    pair.both(tables)
    pair.source.execute(rows)
    role = {} if superuser else {"user": pair.target_role(*names)}
    pipeline = pair.pipeline(copy={"workers": 2}, env={"WALGATE_COPY_RANGE_BLOCKS": "1"}, config={
        "target": {"replica_role": replica_role, "conninfo": pair.target.conninfo(**role)}}).start()
    assert pipeline.status()["replica_role"] is (replica_role == "auto" and superuser)
    pair.source.execute("INSERT INTO z_top VALUES (1000, NULL); INSERT INTO a_leaf SELECT 1000, 1000"
                        if "m_middle" not in tables else
                        "INSERT INTO z_top VALUES (1000, NULL); INSERT INTO m_middle VALUES (1000, 1000)")
    finish(pair, pipeline, *names)


def test_checked_foreign_keys_are_copied_whole_or_not_at_all(pair):
    tables, rows = SHAPES["tree"]
    pair.both(tables)
    pair.source.execute(rows)
    hold = Hold(pair.target, "m_middle", "NEW.id = 250")
    pipeline = pair.pipeline(copy={"workers": 2}, env={"WALGATE_COPY_RANGE_BLOCKS": "1"},
                             config={"target": {"replica_role": "never"}}).start(wait=False)
    hold.wait_reached(what=pipeline.log_tail)
    assert pair.target.value("SELECT count(*) FROM z_top") == 0
    pipeline.kill9()
    pair.source.execute("UPDATE z_top SET parent = NULL WHERE id % 2 = 0; DELETE FROM a_leaf WHERE id % 3 = 0")
    hold.release()
    pipeline.start()
    finish(pair, pipeline, "z_top", "m_middle", "a_leaf")


def test_a_checked_key_to_a_table_of_the_target_alone(pair):
    pair.source.execute("CREATE TABLE item (id int PRIMARY KEY, kind int)")
    pair.target.execute("CREATE TABLE kind (id int PRIMARY KEY); INSERT INTO kind VALUES (1), (2);"
                        "CREATE TABLE item (id int PRIMARY KEY, kind int REFERENCES kind)")
    pair.source.execute("INSERT INTO item SELECT g, 1 + g % 2 FROM generate_series(1, 100) g; INSERT INTO item VALUES (101, 3)")
    pipeline = pair.pipeline(copy=True, config={"target": {"replica_role": "never"}})
    error = pipeline.expect_stop("foreign_key_violation_on_target")
    assert error["relation"] == "public.item" and pair.target.value("SELECT count(*) FROM item") == 0, error
    pair.target.execute("INSERT INTO kind VALUES (3)")
    pipeline.start()
    finish(pair, pipeline, "item")


CYCLE = """CREATE TABLE one (id int PRIMARY KEY, other int); CREATE TABLE two (id int PRIMARY KEY, other int REFERENCES one);
           ALTER TABLE one ADD CONSTRAINT one_other FOREIGN KEY (other) REFERENCES two"""


def test_a_cycle_of_keys_that_are_checked_at_once_is_refused(pair):
    pair.both(CYCLE)
    pair.source.execute("INSERT INTO one VALUES (1, NULL); INSERT INTO two VALUES (1, 1); UPDATE one SET other = 1")
    pipeline = pair.pipeline(copy=True, config={"target": {"replica_role": "never"}})
    done = pipeline.command("check", "--json")
    assert done.code == 2 and "foreign_keys_in_cycle" in {each["name"] for each in done.json}, done
    assert pipeline.run_until_exit().code == 2
    assert "foreign_keys_in_cycle" in pipeline.log()
    assert pair.target.value("SELECT count(*) FROM one") == 0
    # Either remedy does: a key that can be deferred, or (the next test) the replica role.
    pair.target.execute("ALTER TABLE one ALTER CONSTRAINT one_other DEFERRABLE")
    pipeline.start()
    finish(pair, pipeline, "one", "two")


def test_a_cycle_of_keys_is_copied_where_they_are_not_checked(pair):
    pair.both(CYCLE)
    pair.source.execute("INSERT INTO one SELECT generate_series(1, 500), NULL;"
                        "INSERT INTO two SELECT g, 501 - g FROM generate_series(1, 500) g; UPDATE one SET other = id")
    pipeline = pair.pipeline(copy=True, env={"WALGATE_COPY_RANGE_BLOCKS": "1"}).start()
    finish(pair, pipeline, "one", "two")


# Sequences

def test_owned_sequences_are_set(pair):
    theirs = '"My Shop"."It"'
    pair.source.execute(f'CREATE SCHEMA "My Shop"; CREATE TABLE {theirs} ("Id" serial PRIMARY KEY, left_out serial,'
                        " n int GENERATED ALWAYS AS IDENTITY, never int GENERATED BY DEFAULT AS IDENTITY (START 7))")
    pair.target.execute("CREATE TABLE thing (id serial PRIMARY KEY, n int GENERATED ALWAYS AS IDENTITY (INCREMENT 5),"
                        " never int GENERATED BY DEFAULT AS IDENTITY (START 7))")

    def insert(rows):
        pair.source.execute(f"INSERT INTO {theirs} (never) SELECT 0 FROM generate_series(1, {rows})")

    def next_values(*sequences):
        return tuple(pair.target.value(f"SELECT nextval('thing_{name}_seq')::int") for name in sequences)

    insert(100)
    pipeline = pair.pipeline(copy=True, config={"tables": [
        {"source": theirs, "target": "public.thing", "columns": {"Id": "id", "left_out": None}}]}).start()
    assert next_values("id", "n", "never") == (101, 105, 7)
    # The stream does not carry sequences; the command does.
    insert(50)
    catch_up(pipeline)
    done = pipeline.command("sync-sequences")
    assert done.code == 0, done
    assert next_values("id", "n", "never") == (151, 155, 8)  # the last one nobody asked for
    assert pipeline.stop() == 0
    pair.source.execute(f"INSERT INTO {theirs} DEFAULT VALUES")
    done = pipeline.command("sync-sequences", "--json")  # with the service down as well
    assert done.code == 0 and done.json, done
    assert next_values("id", "n", "never") == (152, 160, 9)  # nor is one set back


def test_sequences_are_not_needed_on_the_target(pair):
    pair.source.execute("CREATE TABLE item (id serial PRIMARY KEY, n int NOT NULL DEFAULT 0, body text)")
    pair.target.execute("CREATE TABLE item (id int PRIMARY KEY, n int NOT NULL DEFAULT 0, body text)")
    pair.source.execute("INSERT INTO item (body) SELECT 'x' FROM generate_series(1, 10)")
    pipeline = pair.pipeline(copy=True).start()
    finish(pair, pipeline, "item")
    assert pipeline.command("sync-sequences").code == 0


def test_sequences_of_tables_that_are_left_out_are_left_alone(pair):
    pair.both("CREATE TABLE item (id serial PRIMARY KEY); CREATE TABLE own (id serial PRIMARY KEY)")
    pair.source.execute("INSERT INTO item SELECT FROM generate_series(1, 10); INSERT INTO own SELECT FROM generate_series(1, 10)")
    pipeline = pair.pipeline(copy=True, config={"tables": [{"source": "public.own", "target": None}]}).start()
    assert pipeline.command("sync-sequences").code == 0
    assert pair.target.rows("SELECT nextval('item_id_seq')::int, nextval('own_id_seq')::int") == [(11, 1)]
