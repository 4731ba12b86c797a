"""The target passes through states of the source only, with its own constraints in force."""
import random
import threading

import psycopg
import pytest

from harness import Load, wait_until

ROLES = ["auto", "never"]  # replica_role; with "never" the role has no right to switch checks off


def start(pair, role, *tables, **more):
    """A pipeline whose target sessions have the replica role, or an ordinary role with foreign keys checked."""
    config = {"target": {"replica_role": role}}
    if role == "never":
        config["target"]["conninfo"] = pair.target.conninfo(user=pair.target_role(*tables))
    pipeline = pair.pipeline(config=config, **more).start()
    assert pipeline.status()["replica_role"] is (role == "auto")
    return pipeline


def assert_clean(status):
    """Nothing failed, and no session had to begin anew; a batch may have been written again in order."""
    unclean = {name: status["counters"][name] for name in ("retries", "apply_errors", "missing_rows_skipped")
               if status["counters"][name]}
    assert not unclean, unclean


@pytest.mark.parametrize("role", ROLES)
def test_parents_and_children_of_eight_sessions(pair, role):
    pair.both("""
        CREATE TABLE parent (id int PRIMARY KEY, name text NOT NULL UNIQUE, children int NOT NULL CHECK (children > 0));
        CREATE TABLE child (id bigserial PRIMARY KEY, parent int NOT NULL REFERENCES parent, position int NOT NULL,
                            UNIQUE (parent, position));
        CREATE TABLE note (id bigserial PRIMARY KEY, child bigint NOT NULL REFERENCES child ON DELETE CASCADE)""")
    pipeline = start(pair, role, "parent", "child", "note")

    def family(session, rng, number):
        children = rng.randint(1, 5)
        session.execute("INSERT INTO parent VALUES (%s, %s, %s)", (number, f"parent {number}", children))
        for position in range(children):
            session.execute("WITH c AS (INSERT INTO child (parent, position) VALUES (%s, %s) RETURNING id)"
                            " INSERT INTO note (child) SELECT id FROM c", (number, position))
        if rng.random() < 0.3:
            session.execute("UPDATE parent SET name = name || '!' WHERE id = %s", (number,))

    assert Load(pair.source, family, sessions=8, limit=1000).start().wait() == 1000
    status = pipeline.wait_caught_up()
    pair.assert_same("parent", "child", "note")
    assert pair.target.value("SELECT count(*) FROM parent") == 1000
    assert status["counters"]["transactions"] == 1000
    assert_clean(status)
    assert pair.target.value("SELECT count(*) FROM pg_constraint WHERE contype IN ('f', 'u') AND NOT convalidated") == 0


@pytest.mark.parametrize("role", ROLES)
def test_a_unique_value_is_deleted_and_inserted_again(pair, role):
    pair.both("CREATE TABLE item (id int PRIMARY KEY, code text NOT NULL UNIQUE)")
    pipeline = start(pair, role, "item")
    with pair.source.connect(autocommit=False) as session:
        session.execute("INSERT INTO item VALUES (0, 'the one')")
        for n in range(300):
            session.execute("DELETE FROM item WHERE code = 'the one'")
            if n % 2:
                session.commit()  # neighbouring transactions, else one
            session.execute("INSERT INTO item VALUES (%s, 'the one')", (n + 1,))
            if n % 3:
                session.commit()
    status = pipeline.wait_caught_up()
    pair.assert_same("item")
    assert pair.target.rows("SELECT * FROM item") == [(300, "the one")]
    assert_clean(status)


@pytest.mark.parametrize("role", ROLES)
def test_keys_are_swapped_through_a_temporary_value(pair, role):
    pair.both("CREATE TABLE item (id int PRIMARY KEY, code text NOT NULL UNIQUE, body text)")
    pipeline = start(pair, role, "item")
    pair.source.execute("INSERT INTO item SELECT n, 'code ' || n, 'body ' || n FROM generate_series(1, 50) n")
    rng = random.Random(3)
    with pair.source.connect(autocommit=False) as session:
        for _ in range(100):
            a, b = rng.sample(range(1, 51), 2)
            session.execute("UPDATE item SET id = -1 WHERE id = %s", (a,))
            session.execute("UPDATE item SET id = %s WHERE id = %s", (a, b))
            session.execute("UPDATE item SET id = %s WHERE id = -1", (b,))
            session.execute("UPDATE item SET code = 'none' WHERE id = %s", (a,))
            session.execute("UPDATE item SET code = 'code x' || id WHERE id = %s", (b,))
            session.execute("UPDATE item SET code = 'code y' || id WHERE id = %s", (a,))
            session.commit()
    status = pipeline.wait_caught_up()
    pair.assert_same("item")
    assert_clean(status)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("deferral", ["INITIALLY DEFERRED", "INITIALLY IMMEDIATE"])
def test_deferrable_constraints(pair, role, deferral):
    pair.both(f"""
        CREATE TABLE step (id int PRIMARY KEY, position int NOT NULL UNIQUE DEFERRABLE {deferral});
        CREATE TABLE part (id int PRIMARY KEY, step int NOT NULL REFERENCES step DEFERRABLE {deferral})""")
    pipeline = start(pair, role, "step", "part")
    with pair.source.connect(autocommit=False) as session:
        session.execute("INSERT INTO step SELECT n, n FROM generate_series(1, 20) n")
        session.commit()
        session.execute("UPDATE step SET position = position + 1")  # passes through duplicates row by row
        session.commit()
        session.execute("SET CONSTRAINTS ALL DEFERRED")
        session.execute("INSERT INTO part VALUES (1, 99)")          # the child comes first
        session.execute("INSERT INTO step VALUES (99, 99)")
        session.execute("UPDATE step SET position = 99 WHERE id = 1")
        session.execute("UPDATE step SET position = 2 WHERE id = 99")
        session.commit()
        session.execute("DELETE FROM step WHERE id = 2")
        session.execute("INSERT INTO step VALUES (2, 3)")
        session.commit()
    status = pipeline.wait_caught_up()
    pair.assert_same("step", "part")
    assert status["counters"]["apply_errors"] == 0


def test_a_tree_is_deleted_parent_first_under_checked_foreign_keys(pair):
    # One statement on the source checks at its end, row by row the parent cannot go first.
    pair.both("CREATE TABLE tree (id int PRIMARY KEY, parent int REFERENCES tree)")
    pipeline = start(pair, "never", "tree")
    pair.source.execute("INSERT INTO tree SELECT n, nullif(n / 2, 0) FROM generate_series(1, 100) n")
    pair.source.execute("DELETE FROM tree")
    pair.source.execute("INSERT INTO tree VALUES (1, NULL)")
    pipeline.wait_caught_up()
    pair.assert_same("tree")


@pytest.mark.parametrize("role", ROLES)
def test_rows_that_the_targets_own_cascade_took_are_no_misses(pair, role):
    pair.both("CREATE TABLE parent (id int PRIMARY KEY);"
              "CREATE TABLE child (id int PRIMARY KEY, parent int REFERENCES parent ON DELETE CASCADE)")
    pipeline = start(pair, role, "parent", "child")
    pair.source.execute("INSERT INTO parent VALUES (1), (2); INSERT INTO child SELECT n, n % 2 + 1 FROM generate_series(1, 9) n")
    pair.source.execute("DELETE FROM parent WHERE id = 1")
    status = pipeline.wait_caught_up()
    pair.assert_same("parent", "child")
    assert status["counters"]["missing_rows_skipped"] == 0
    if role == "never":
        # In a batch the children go first; one by one the target's own cascade is there before them.
        assert status["counters"]["deletes"] + status["counters"]["cascaded_deletes"] == 5


class Reader(threading.Thread):
    """Looks at the target in repeatable read until it is stopped and collects what it saw."""

    def __init__(self, target, look):
        super().__init__(daemon=True)
        self.target, self.look = target, look
        self.snapshots = []
        self.failure = None
        self._stop_now = threading.Event()

    def run(self):
        try:
            with self.target.connect(autocommit=False) as session:
                session.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
                while not self._stop_now.is_set():
                    self.snapshots.append(self.look(session))
                    session.rollback()
        except BaseException as error:
            self.failure = error

    def stop(self):
        self._stop_now.set()
        self.join()
        if self.failure:
            raise self.failure


def test_a_reader_sees_only_states_that_the_source_had(pair):
    # Every source transaction moves money between the two tables and counts `version` up under a row lock, so that
    # the state of every version is known and the sum over both tables never changes.
    pair.both("""
        CREATE TABLE version (id int PRIMARY KEY, n int NOT NULL);
        CREATE TABLE cash (id int PRIMARY KEY, amount int NOT NULL);
        CREATE TABLE bank (id int PRIMARY KEY, amount int NOT NULL)""")
    pipeline = pair.pipeline().start()
    pair.source.execute("INSERT INTO version VALUES (1, 0); INSERT INTO cash SELECT n, 1000 FROM generate_series(0, 9) n;"
                        "INSERT INTO bank SELECT n, 1000 FROM generate_series(0, 9) n")
    pipeline.wait_caught_up()
    states = {0: (10_000, 10_000)}
    fingerprint = ("SELECT (SELECT n FROM version), (SELECT sum(amount * (id + 1)) FROM cash),"
                   "       (SELECT sum(amount * (id + 1)) FROM bank), (SELECT sum(amount) FROM cash),"
                   "       (SELECT sum(amount) FROM bank)")
    states = {0: pair.source.rows(fingerprint)[0]}
    guard = threading.Lock()

    def move(session, rng, number):
        version = session.execute("UPDATE version SET n = n + 1 RETURNING n").fetchone()[0]
        for _ in range(rng.randint(1, 4)):
            amount = rng.randint(1, 50)
            first, second = rng.sample(["cash", "bank"], 2)
            session.execute(f"UPDATE {first} SET amount = amount - %s WHERE id = %s", (amount, rng.randrange(10)))
            session.execute(f"UPDATE {second} SET amount = amount + %s WHERE id = %s", (amount, rng.randrange(10)))
        row = session.execute(fingerprint).fetchone()
        with guard:
            states[version] = row

    reader = Reader(pair.target, lambda session: (
        # Three statements: only the snapshot holds them together.
        session.execute("SELECT n FROM version").fetchone()[0],
        session.execute("SELECT sum(amount * (id + 1)), sum(amount) FROM cash").fetchone(),
        session.execute("SELECT sum(amount * (id + 1)), sum(amount) FROM bank").fetchone()))
    reader.start()
    with Load(pair.source, move, sessions=4, pause=0.002):
        wait_until(lambda: (len(reader.snapshots) >= 1500 and len({seen[0] for seen in reader.snapshots}) >= 150)
                   or reader.failure, 60, lambda: f"{len(reader.snapshots)} snapshots")
    pipeline.wait_caught_up()
    reader.stop()
    pair.assert_same("version", "cash", "bank")

    versions = [version for version, _, _ in reader.snapshots]
    assert versions == sorted(versions), "the target went back"
    assert len(versions) >= 1000 and len(set(versions)) >= 100, (len(versions), len(set(versions)))
    for version, (cash, cash_sum), (bank, bank_sum) in reader.snapshots:
        assert cash_sum + bank_sum == 20_000, f"version {version}"
        assert (version, cash, bank, cash_sum, bank_sum) == states[version]
