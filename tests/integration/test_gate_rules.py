"""Gates: what closes them and what does not, what a person can answer, and what stands in the meantime."""
import pytest

from harness import Hold, lsn, wait_until
from migrating import gates, Files, ITEM, ROWS


def accept(files, table="public.item"):
    done = files.pipeline.command("accept", "--table", table)
    assert done.code == 0, done


# What closes the gate

def test_a_rename_is_asked_about_even_where_the_target_has_both_names(gates):
    files = gates(tables=ITEM, rows=ROWS)
    files.pair.target.execute("ALTER TABLE item ADD title text")
    files.witness.saw_only("")
    files.pair.source.execute("ALTER TABLE item RENAME name TO title; UPDATE item SET title = 'new' WHERE id = 1")
    files.closed("has renamed the column name to title; the rows' values are in public.item.name on the target")
    files.pair.target.execute("UPDATE item SET title = name, name = NULL")  # what a person may want
    accept(files)
    files.pipeline.wait_caught_up()
    files.witness.saw_only()
    assert files.pair.target.rows("SELECT name, title FROM item WHERE id < 3 ORDER BY id") == [(None, "new"), (None, "row 2")]
    files.pair.source.execute("UPDATE item SET title = 'newer' WHERE id = 2")  # it is asked once
    files.pipeline.wait_caught_up()
    assert files.pipeline.stop() == 0
    files.pipeline.start()
    files.pair.source.execute("UPDATE item SET title = 'newest' WHERE id = 2")
    files.pipeline.wait_caught_up()
    assert files.pair.target.value("SELECT title FROM item WHERE id = 2") == "newest"
    assert len(files.pipeline.events("gate_closed")) == 1


def test_a_not_null_column_that_nothing_fills(gates):
    files = gates()
    files.pair.target.execute("ALTER TABLE item ADD owner text; UPDATE item SET owner = 'x'; ALTER TABLE item ALTER owner SET NOT NULL")
    files.pair.source.execute("ALTER TABLE item ADD extra int; INSERT INTO item VALUES (20, 'x', 1, 'n', 2)")
    gate = files.closed("public.item.owner: the target column is NOT NULL without a default")
    assert any("no column extra" in text for text in gate["differences"])
    files.put("0001_a.sql", "ALTER TABLE item ADD extra int")
    files.up()
    files.closed("NOT NULL without a default")
    files.put("0002_b.sql", "ALTER TABLE item ALTER owner SET DEFAULT 'nobody'").up()
    files.pipeline.wait_caught_up()
    assert files.pair.target.value("SELECT owner FROM item WHERE id = 20") == "nobody"


def test_a_key_that_the_target_lacks(gates):
    files = gates()
    files.pair.source.execute("ALTER TABLE item ADD code int UNIQUE; UPDATE item SET code = id + 100; ALTER TABLE item ALTER code SET NOT NULL")
    files.put("0001_a.sql", "ALTER TABLE item ADD code int; UPDATE item SET code = id + 100; ALTER TABLE item ALTER code SET NOT NULL")
    files.closed("public.item has no column code")
    files.up()
    files.passed()
    files.pair.source.execute("ALTER TABLE item DROP CONSTRAINT item_pkey; ALTER TABLE item ADD PRIMARY KEY (code);"
                              "UPDATE item SET id = 0 WHERE code = 101; INSERT INTO item (id, code) VALUES (0, 200); DELETE FROM item WHERE code = 102")
    files.closed("no usable unique index over (code)")
    files.put("0002_b.sql", "ALTER TABLE item DROP CONSTRAINT item_pkey; ALTER TABLE item ADD PRIMARY KEY (code)").up()
    files.passed()


def test_values_that_were_computed_anew_under_the_same_columns(gates):
    files = gates()
    for number, way in enumerate(("copy", "accept", "announced"), 1):
        ddl = "ALTER TABLE item ALTER size TYPE int USING size * 2;"
        if way == "announced":
            files.put("0001_a.sql", ddl)
            files.pipeline.write_config(migrations={"at_announcement": "apply"})
            files.pipeline.stop()
            files.pipeline.start()
            ddl += files.announce("0001_a")
        files.pair.source.execute(ddl + f"INSERT INTO item VALUES ({20 + number}, 'x', 1, 'n')")
        files.pair.source.execute("UPDATE item SET note = 'after' WHERE id = 2")
        if way == "announced":
            files.passed()
            continue
        files.closed("the source has rewritten the table, and the values that it computed there are not in the stream")
        assert "walgate copy --table 'public.item'" in files.pipeline.status()["next_step"]
        if way == "copy":
            assert files.pipeline.command("copy", "--table", "public.item").code == 0
        else:
            files.pair.target.execute("UPDATE item SET size = size * 2")
            accept(files)
        wait_until(lambda: files.pipeline.status()["state"] == "streaming", what=lambda: f"{files.pipeline.status()}\n{files.pipeline.log_tail()}")
        files.passed()


CODE = "ALTER TABLE item ADD code uuid DEFAULT gen_random_uuid();"
REWRITTEN = "the source has rewritten the table, and the values that it computed there are not in the stream"


@pytest.mark.parametrize("seen", ["before the service", "by the service", "in the service's time", "in the service's time, without rows"])
@pytest.mark.parametrize("answer", ["copy", "accept", "column made anew"])
def test_a_computed_column_that_the_target_had_before(gates, seen, answer):
    """Whenever the target has got it: nobody can have filled it yet."""
    ahead = lambda: files.pair.target.execute("ALTER TABLE item ADD code uuid")
    files = gates(tables=ITEM + "CREATE TABLE other (id int PRIMARY KEY);")
    if seen == "before the service":
        assert files.pipeline.stop() == 0
        ahead()
        files.pipeline.start()
        files.pair.source.execute("UPDATE item SET size = 3 WHERE id = 1")
    else:
        if seen.endswith("without rows"):
            assert files.pipeline.stop() == 0
            files.pipeline.start()
        ahead()
        if seen == "by the service":
            files.pair.source.execute("UPDATE item SET size = 3 WHERE id = 1")
    files.pipeline.wait_caught_up()
    files.pair.source.execute("INSERT INTO other VALUES (1); INSERT INTO item VALUES (19);" + CODE + "INSERT INTO item (id) VALUES (20)")
    files.closed("has changed rows of the table and then rewritten it")
    files.pipeline.kill9()
    files.pipeline.start(wait=False)
    files.closed("has changed rows of the table and then rewritten it")
    if answer == "copy":
        assert files.pipeline.command("copy", "--table", "public.item").code == 0
    elif answer == "accept":
        files.pair.target.execute("UPDATE item SET code = md5(id::text)::uuid")
        accept(files)
    else:
        files.put("0001_a.sql", "ALTER TABLE item DROP code; ALTER TABLE item ADD code uuid").up()
    wait_until(lambda: files.pipeline.status()["state"] == "streaming", what=lambda: f"{files.pipeline.status()}\n{files.pipeline.log_tail()}")
    files.pipeline.wait_caught_up()
    assert {gate["lsn"] for gate in files.pipeline.events("gate_closed")} == {files.pipeline.events("gate_closed")[0]["lsn"]}
    if answer == "copy":
        files.passed("item", "other")
    else:
        rows = "SELECT id, name, size FROM item ORDER BY id"
        assert files.pair.target.rows(rows) == files.pair.source.rows(rows)


@pytest.mark.parametrize("moment", ["announced", "at the gate", "at the gate of a service that is away", "while the service was away"])
def test_a_computed_column_that_the_target_gets_for_the_transaction(gates, moment):
    files = gates(config={"migrations": {"at_announcement": "apply"}})
    files.put("0001_a.sql", CODE)
    if moment == "while the service was away":
        assert files.pipeline.stop() == 0
    files.pair.source.execute(CODE + (files.announce("0001_a") if moment == "announced" else "") + "INSERT INTO item (id, code) VALUES (20, NULL)")
    if moment.startswith("at the gate"):
        gate = files.closed("public.item has no column code")
        assert any("the migration has to give the target's the same values" in text for text in gate["differences"])
        if moment != "at the gate":
            files.pipeline.kill9()
    if moment != "announced":
        files.up()
    if not files.pipeline.running:
        files.pipeline.start()
    files.pipeline.wait_caught_up()
    assert len(files.pipeline.events("gate_closed")) == (1 if moment.startswith("at the gate") else 0)
    assert files.pipeline.events("table_rewritten")
    rows = "SELECT id, name, size FROM item ORDER BY id"
    assert files.pair.target.rows(rows) == files.pair.source.rows(rows)
    assert files.pair.target.value("SELECT code FROM item WHERE id = 20") is None


def answer_by_copy(files, *tables):
    for table in tables:
        assert files.pipeline.command("copy", "--table", f"public.{table}").code == 0
    wait_until(lambda: files.pipeline.status()["state"] == "streaming", what=lambda: f"{files.pipeline.status()}\n{files.pipeline.log_tail()}")
    files.passed(*tables)


@pytest.mark.parametrize("rows_between", [True, False])
def test_a_renamed_table_is_asked_about_when_it_is_rewritten(gates, rows_between):
    files = gates(copy=True)
    files.put("0001_a.sql", "ALTER TABLE item RENAME TO thing")
    if rows_between:
        files.pair.source.execute("ALTER TABLE item RENAME TO thing; UPDATE thing SET size = 1 WHERE id = 1")
        files.closed("the target has no table public.thing")
        files.up()
        files.passed("thing")
        files.pair.source.execute("ALTER TABLE thing ALTER size TYPE int USING size * 2")
    else:
        files.pair.source.execute("ALTER TABLE item RENAME TO thing; ALTER TABLE thing ALTER size TYPE int USING size * 2")
    assert files.closed(REWRITTEN)["relation"] == "public.thing"
    if rows_between:
        answer_by_copy(files, "thing")
    else:
        files.up()
        files.pair.target.execute("UPDATE thing SET size = size * 2")
        accept(files, "public.thing")
        files.passed("thing")


def test_a_renamed_table_that_changes_again_in_the_same_batch(gates):
    files = gates(copy=True)
    assert files.pipeline.stop() == 0
    files.put("0001_a.sql", "ALTER TABLE item RENAME TO thing; ALTER TABLE thing ADD x int").up()
    files.pair.source.execute("ALTER TABLE item RENAME TO thing; INSERT INTO thing VALUES (20)")
    files.pair.source.execute("ALTER TABLE thing ADD x int; INSERT INTO thing (id, x) VALUES (21, 5)")
    files.pipeline.start()
    files.passed("thing")
    assert not files.pipeline.events("copy_needed")


@pytest.mark.parametrize("answer", ["migrated", "accepted"])
def test_one_answer_does_for_one_rewrite(gates, answer):
    """No row of the table lies between the two."""
    files = gates()
    files.pair.source.execute("ALTER TABLE item ALTER size TYPE bigint")
    files.closed("has changed the column's type")
    if answer == "migrated":
        files.put("0001_a.sql", "ALTER TABLE item ALTER size TYPE bigint").up()
    else:
        accept(files)
    files.pipeline.wait_caught_up()
    files.pair.source.execute("ALTER TABLE item ALTER size TYPE bigint USING size * 100")
    wait_until(lambda: len(files.pipeline.events("gate_closed")) == 2, what=files.pipeline.log_tail)
    files.closed(REWRITTEN)
    assert files.pipeline.command("copy", "--table", "public.item").code == 0
    files.pipeline.wait_state("streaming")
    files.pipeline.wait_caught_up()
    rows = "SELECT id, size::bigint FROM item ORDER BY id"
    assert files.pair.target.rows(rows) == files.pair.source.rows(rows)


@pytest.mark.parametrize("type", ["int", "bigint"])
def test_a_rewritten_table_that_has_taken_over_the_name_of_another(gates, type):
    files = gates(tables=ITEM + "CREATE TABLE line (id int PRIMARY KEY, size int);", rows=ROWS + "; INSERT INTO line VALUES (1, 5)", copy=True)
    ddl = (f"ALTER TABLE item RENAME TO x; ALTER TABLE line RENAME TO item; ALTER TABLE x RENAME TO line; ALTER TABLE item ALTER size TYPE {type} USING size * 2")
    files.pair.source.execute(ddl)
    assert files.closed("the source has rewritten the")["relation"] == "public.item"
    files.put("0001_a.sql", ddl).up()
    if type == "int":
        files.closed(REWRITTEN)
        accept(files, "public.item")
    files.passed("item", "line")


def test_rows_that_were_changed_before_they_were_computed_anew_are_asked_about(gates):
    files = gates(config={"migrations": {"at_announcement": "apply"}})
    ddl = "ALTER TABLE item ALTER size TYPE int USING size * 2;"
    files.put("0001_a.sql", ddl)
    files.pair.source.execute("UPDATE item SET note = 'before' WHERE id = 1;" + ddl + files.announce("0001_a"))
    files.closed("has changed rows of the table and then rewritten it")
    assert files.pipeline.command("copy", "--table", "public.item").code == 0
    wait_until(lambda: files.pipeline.status()["state"] == "streaming", what=lambda: f"{files.pipeline.status()}\n{files.pipeline.log_tail()}")
    files.passed()


@pytest.mark.parametrize("ddl", ["VACUUM FULL item", "CLUSTER item USING item_pkey", "ALTER TABLE item SET (fillfactor = 50)", "ANALYZE item",
                                 "ALTER TABLE item ALTER size SET DEFAULT 4", "ALTER TABLE item ADD CHECK (size > 0)", "CREATE INDEX ON item (size)",
                                 "ALTER TABLE item REPLICA IDENTITY FULL", "ALTER TABLE item ALTER name SET NOT NULL"])
def test_what_changes_neither_columns_nor_values_passes(gates, ddl):
    files = gates()
    files.pair.source.execute(ddl)
    files.pair.source.execute("UPDATE item SET size = 5 WHERE id = 1")
    files.passed()
    assert not files.pipeline.events("gate_closed")


def test_a_gate_before_a_transaction_in_many_pieces(gates):
    files = gates({"limits": {"batch_rows": 100}})
    files.pair.source.execute("INSERT INTO item SELECT g, 'old' FROM generate_series(1000, 2999) g; ALTER TABLE item RENAME name TO title;"
                              "INSERT INTO item SELECT g, 'new' FROM generate_series(3000, 4999) g; UPDATE item SET title = title || '!' WHERE id > 2000")
    files.closed("has renamed")
    assert files.pair.target.value("SELECT count(*) FROM item") == 10
    files.put("0001_a.sql", "ALTER TABLE item RENAME name TO title").up()
    files.passed()


def test_several_gates_in_a_row(gates):
    files = gates()
    for number in range(1, 6):
        files.pair.source.execute(f"UPDATE item SET size = {number}; ALTER TABLE item ADD c{number} int; UPDATE item SET c{number} = id")
        files.put(f"000{number}_c.sql", f"ALTER TABLE item ADD c{number} int")
    for number in range(1, 6):
        files.closed(f"no column c{number}")
        assert files.up("--to", str(number)) == [f"000{number}_c"]
    files.passed()
    assert len(files.pipeline.events("gate_open")) == 5


def test_an_answer_while_the_service_copies_another_table(gates):
    # It has left the gate for that, with what it knew before.
    files = gates(tables=ITEM + "CREATE TABLE other (id int PRIMARY KEY);", rows=ROWS + "; INSERT INTO other VALUES (1)", copy=True)
    files.pair.source.execute("DROP TABLE item;" + ITEM + "INSERT INTO item VALUES (1, 'new')")
    files.closed("another table has taken over the name")
    hold = Hold(files.pair.target, "other")
    assert files.pipeline.command("copy", "--table", "public.other").code == 0
    hold.wait_reached()
    files.pair.source.execute(f"ALTER PUBLICATION {files.name} SET (publish = 'insert, update, delete')")  # to be remembered of each table
    files.pair.target.execute("TRUNCATE item")
    accept(files)
    hold.release()
    files.pipeline.wait_state("streaming")
    files.passed("item", "other")


def test_the_log_goes_on_telling_that_the_stream_waits(gates):
    files = gates()
    assert files.pipeline.stop() == 0
    files.pipeline.start(env={"WALGATE_GATE_LOG_SECONDS": "1"})
    files.pair.source.execute("ALTER TABLE item ADD x int; INSERT INTO item VALUES (20, 'x', 1, 'n', 2)")
    files.closed("no column x")
    first = files.pipeline.wait_event("gate_waits", relation="public.item", migration="", minutes=0)
    assert first["level"] == "warning" and "public.item has no column x" in first["differences"]
    files.pair.source.execute("CREATE TABLE load AS SELECT repeat('x', 1000) FROM generate_series(1, 2000)")

    def more():
        last = files.pipeline.events("gate_waits")[-1]
        return int(last["retained_wal_bytes"]) > int(first["retained_wal_bytes"]) + 2_000_000 and int(last["retained_bytes_per_minute"]) > 0
    wait_until(more, what=files.pipeline.log_tail)
    files.put("0001_a.sql", "ALTER TABLE item ADD x int; CREATE TABLE load (repeat text)").up()
    files.passed()
    assert len(files.pipeline.events("gate_closed")) == 1


# What the configuration lets pass

IGNORES = {"tables": [{"source": "public.item", "target": "public.item", "on_extra_column": "ignore", "on_dropped_column": "ignore"}]}


def test_columns_that_the_configuration_does_not_care_for(gates):
    files = gates(IGNORES)
    files.pair.source.execute("ALTER TABLE item ADD extra int; INSERT INTO item VALUES (20, 'x', 1, 'n', 2)")
    files.pipeline.wait_caught_up()
    assert "extra" in files.pipeline.wait_event("column_ignored")["columns"]
    files.pair.source.execute("ALTER TABLE item DROP note; INSERT INTO item VALUES (21, 'x', 1, 2)")
    files.pipeline.wait_caught_up()
    assert "note" in files.pipeline.wait_event("column_left_over")["columns"]
    assert files.pair.target.rows("SELECT id, name, size, note FROM item WHERE id > 10 OR id = 1 ORDER BY 1") == [
        (1, "row 1", 10, "note 1"), (20, "x", 1, "n"), (21, "x", 1, None)]
    assert not files.pipeline.events("gate_closed")


def test_a_column_that_went_together_with_one_that_came_is_asked_about_all_the_same(gates):
    files = gates(IGNORES)
    files.pair.source.execute("ALTER TABLE item DROP note; ALTER TABLE item ADD remark text; INSERT INTO item VALUES (20, 'x', 1, 'r')")
    files.closed("a new name for the same values, or something else?")
    accept(files)
    files.pipeline.wait_caught_up()
    assert files.pair.target.rows("SELECT id, note FROM item WHERE id IN (1, 20) ORDER BY 1") == [(1, "note 1"), (20, None)]


def test_a_new_table_holds_nobody_up_until_its_first_change(gates):
    files = gates(copy=True)
    files.pair.source.execute("CREATE TABLE fresh (id int PRIMARY KEY, name text)")
    files.pair.source.execute("INSERT INTO item VALUES (20, 'goes on')")
    files.passed()
    files.pipeline.wait_event("table_joined_publication", relation="public.fresh")
    files.pair.source.execute("INSERT INTO fresh VALUES (1, 'x')")
    files.pair.source.execute("INSERT INTO item VALUES (21, 'waits')")
    gate = files.closed("the target has no table public.fresh")
    assert gate["relation"] == "public.fresh" and files.pair.target.value("SELECT max(id) FROM item") == 20
    files.put("0001_a.sql", "CREATE TABLE fresh (id int PRIMARY KEY, name text)").up()
    files.pipeline.wait_state("streaming")
    files.passed("item", "fresh")
    files.witness.saw_only(f"walgate {files.name} migrate")


def test_a_new_table_that_nobody_wants_until_a_person_does(gates):
    files = gates({"on_new_table": "ignore"}, copy=True)
    files.pair.source.execute("CREATE TABLE fresh (id int PRIMARY KEY, name text); INSERT INTO fresh VALUES (1, 'x')")
    files.pair.source.execute("INSERT INTO item VALUES (20, 'goes on')")
    files.passed()
    wait_until(lambda: {"public.fresh": "ignored"}.items() <= {t["source"]: t["state"] for t in files.pipeline.status()["tables"]}.items(),
               what=lambda: files.pipeline.status())
    assert files.pipeline.stop() == 0
    files.pair.target.execute("CREATE TABLE fresh (id int PRIMARY KEY, name text)")
    accept(files, "public.fresh")
    files.pipeline.start()
    files.pair.source.execute("INSERT INTO fresh VALUES (2, 'y')")
    files.passed("item", "fresh")


# What stands while the gate is closed

def at_gate(files):
    files.pair.source.execute("INSERT INTO item VALUES (20, 'the last before')")
    files.pair.source.execute("ALTER TABLE item ADD extra int; INSERT INTO item VALUES (21, 'x', 1, 'n', 2)")
    files.put("0001_a.sql", "ALTER TABLE item ADD extra int")
    return files.closed("no column extra")


def test_everything_before_the_gate_is_applied_and_acknowledged(gates):
    files = gates()
    before = files.pair.source.value("SELECT pg_current_wal_insert_lsn()::text")
    gate = at_gate(files)
    assert files.pair.target.value("SELECT max(id) FROM item") == 20
    slot = files.pipeline.slot_row()
    assert lsn(before) < lsn(slot["confirmed_flush_lsn"]) <= lsn(gate["lsn"])
    # Nothing but the announcing transaction lies between.
    left = files.pair.source.value("SELECT count(*) FROM pg_logical_slot_peek_changes(%s, NULL, NULL, 'format', 'json', 'publications', %s)"
                                   " WHERE data::json ->> 'kind' = 'begin' OR data LIKE '%%\"begin\"%%'", files.name, files.name)
    assert left == 1
    files.up()
    files.passed()


def test_what_the_gate_costs_is_told(gates):
    files = gates()
    at_gate(files)
    first = files.pipeline.status()
    files.pair.source.execute("CREATE UNLOGGED TABLE elsewhere (); CREATE TABLE foreign_wal AS SELECT g, repeat('x', 1000) FROM generate_series(1, 20000) g")
    def grown():
        status = files.pipeline.status()
        return status if status["retained_wal_bytes"] > first["retained_wal_bytes"] + 10**7 and status["gate"]["retained_bytes_per_minute"] > 10**7 else None
    status = wait_until(grown, what=lambda: files.pipeline.status())
    assert status["state"] == "at_gate" and status["lag"]["bytes"] > 10**7
    assert files.pipeline.command("status").out.find("at_gate") >= 0


def test_sigterm_at_the_gate_and_a_start_later(gates):
    files = gates()
    gate = at_gate(files)
    assert files.pipeline.stop() == 0
    shown = files.pipeline.command("status", "--json").json
    assert shown["pid"] is None and shown["state"] == "stopped" and shown["gate"]["lsn"] == gate["lsn"], shown
    assert shown["gate"]["differences"] == gate["differences"] and shown["gate"]["since"] == gate["since"] and shown["error"] is None
    files.pipeline.start(wait=False)
    assert files.closed()["since"] == gate["since"]
    files.up()
    files.passed()


def test_a_transaction_is_left_out_at_the_gate(gates):
    files = gates()
    gate = at_gate(files)
    refused = files.pipeline.command("skip", "--lsn", "0/1")
    assert refused.code == 2 and gate["lsn"] in refused.err
    assert files.pipeline.command("skip", "--lsn", gate["lsn"]).code == 0
    files.pair.source.execute("UPDATE item SET extra = 4 WHERE id = 1")
    files.closed("no column extra")  # the next one has the new shape, too
    files.up()
    files.pipeline.wait_caught_up()
    assert files.pair.target.rows("SELECT id, extra FROM item WHERE id IN (1, 20, 21) ORDER BY 1") == [(1, 4), (20, None)]


@pytest.mark.parametrize("side", ["source", "target"])
@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_a_server_restarts_while_the_gate_is_closed(own_pair, side, mode):
    own_pair.both(ITEM)
    files = Files(own_pair, publish="ALL TABLES", slot=True)
    files.pipeline.start()
    own_pair.source.execute(ROWS)
    files.pipeline.wait_caught_up()
    gate = at_gate(files)
    getattr(own_pair, side).server.restart(mode)
    assert files.closed()["lsn"] == gate["lsn"]
    own_pair.source.execute("INSERT INTO item VALUES (22, 'later', 1, 'n', 2)")
    files.up()
    files.pipeline.wait_state("streaming")
    files.passed()


def test_two_roles_at_the_gate(pair):
    service, owner = pair.role(pair.target), pair.role(pair.target)
    pair.both(ITEM)
    pair.target.execute(f'GRANT CREATE ON DATABASE "{pair.target.name}" TO {owner}; GRANT CREATE ON SCHEMA public TO {owner};'
                        f"ALTER TABLE item OWNER TO {owner}; GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON item TO {service}")
    files = Files(pair, publish="ALL TABLES", slot=True, config={"target": {"conninfo": pair.target.conninfo(user=service)},
                                                                 "migrations": {"conninfo": pair.target.conninfo(user=owner)}})
    assert files.pipeline.command("init").code == 0
    files.pipeline.start()
    pair.source.execute(ROWS)
    pair.source.execute("ALTER TABLE item ADD extra int; INSERT INTO item VALUES (21, 'x', 1, 'n', 2)")
    files.closed("no column extra")
    files.put("0001_a.sql", "ALTER TABLE item ADD extra int").put("0002_b.sql", "ALTER TABLE item ADD more int")
    assert files.up("--to", "1") == ["0001_a"]
    pair.source.execute("ALTER TABLE item ADD more int;" + files.announce("0002_b") + "INSERT INTO item VALUES (22, 'x', 1, 'n', 2, 3)")
    files.passed()
    assert pair.target.rows("SELECT DISTINCT applied_by::text FROM walgate.migrations WHERE scope <> 'walgate'") == [(owner,)]
    with pytest.raises(Exception, match="must be owner"), pair.target.connect(user=service) as session:
        session.execute("ALTER TABLE item ADD stray int")
