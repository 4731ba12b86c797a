"""Migration files of a pipeline, and the commands on them."""
import subprocess
from contextlib import contextmanager

import psycopg
import pytest

from harness import Database, Load, Pair, paths, wait_until


class Files:
    """The migration files of a pipeline, and the commands on them."""

    def __init__(self, pair: Pair, config: dict | None = None, **more):
        self.pair = pair
        self.pipeline = pair.pipeline(**({"publish": None, "slot": False} | more),
                                      config={"migrations": {"directory": "migrations", "lock_timeout": "100ms"}})
        self.name = self.pipeline.name
        self.folder = self.pipeline.folder / "migrations"
        self.folder.mkdir()
        self.pipeline.write_config(**(config or {}))

    def put(self, name: str, text: str | bytes) -> "Files":
        (self.folder / name).write_bytes(text.encode() if isinstance(text, str) else text)
        return self

    def run(self, *words: str):
        return self.pipeline.command("migrate", *words)

    def up(self, *words: str) -> list[str]:
        """Applies, which has to succeed; the names of what was."""
        done = self.run("up", "--json", *words)
        assert done.code == 0, done
        return [applied["id"] for applied in done.json["applied"]]

    def refused(self, name: str, *words: str, code: int = 2) -> dict:
        """`up` has to be refused with this name; the whole answer."""
        done = self.run("up", "--json", *words)
        assert done.code == code and done.json["error"]["name"] == name, done
        return done.json

    def states(self) -> dict[str, str]:
        done = self.run("status", "--json")
        assert done.code == 0, done
        return {entry["id"]: entry["state"] for entry in done.json["migrations"]}

    def start(self, *words: str) -> subprocess.Popen:
        """A runner in the background."""
        return subprocess.Popen([str(paths.walgate_binary()), "migrate", "up", "--config", str(self.pipeline.config_file), *words],
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                env=self.pipeline._env())

    def closed(self, text: str = "", migration: str | None = None, seconds: float = 20) -> dict:
        """Waits until the gate is closed because of something that reads like `text`; what status says of it."""
        def found():
            assert self.pipeline.running, self.pipeline.log_tail()
            status = self.pipeline.status()
            gate = status and status["state"] == "at_gate" and status["gate"]
            return gate if gate and text in "; ".join(gate["differences"]) and gate["migration"] == migration else None
        return wait_until(found, seconds, lambda: f"a gate about {text!r}: {self.pipeline.status()}\n{self.pipeline.log_tail()}")

    def passed(self, *tables: str) -> None:
        """The gate is open, all is applied, and both sides are the same."""
        self.pipeline.wait_caught_up()
        assert self.pipeline.status()["gate"] is None
        self.pair.assert_same(*(tables or ("item",)))

    def ledger(self) -> dict[str, str]:
        """The state of each migration, as the target remembers it."""
        return dict(self.pair.target.rows("SELECT id, state FROM walgate.migrations WHERE scope = %s", f"pipeline:{self.name}"))

    def announce(self, migration: str) -> str:
        """The statement that announces it."""
        return f"SELECT walgate.announce_migration('{self.name}', '{migration}');"


class Witness:
    """Sees on the target every statement that changes what belongs to the user, and who ran it."""

    def __init__(self, database: Database):
        self.database = database
        database.execute("""
            CREATE SCHEMA witness;
            CREATE TABLE witness.seen (who text, tag text, object text);
            CREATE FUNCTION witness.see() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
            BEGIN
              IF tg_event = 'sql_drop' THEN
                INSERT INTO witness.seen SELECT current_setting('application_name'), tg_tag, object_identity
                  FROM pg_event_trigger_dropped_objects() WHERE NOT is_temporary AND original;
              ELSE
                INSERT INTO witness.seen SELECT current_setting('application_name'), tg_tag, object_identity
                  FROM pg_event_trigger_ddl_commands() WHERE tg_tag NOT IN ('GRANT', 'REVOKE');
              END IF;
              DELETE FROM witness.seen WHERE object ~ '(^| )walgate(\\.|$)';
            END $$;
            CREATE EVENT TRIGGER witness_ddl ON ddl_command_end EXECUTE FUNCTION witness.see();
            CREATE EVENT TRIGGER witness_drop ON sql_drop EXECUTE FUNCTION witness.see();
            ALTER EVENT TRIGGER witness_ddl ENABLE ALWAYS; ALTER EVENT TRIGGER witness_drop ENABLE ALWAYS;""")
        for role in ("origin", "replica"):  # it has to be seen to see
            database.execute("TRUNCATE witness.seen")
            database.execute(f"SET session_replication_role = {role}; CREATE TABLE proof (id int); ALTER TABLE proof ADD n int")
            database.execute(f"SET session_replication_role = {role}; DROP TABLE proof")
            assert [tag for tag, in database.rows("SELECT tag FROM witness.seen")] == ["CREATE TABLE", "ALTER TABLE", "DROP TABLE"]
        database.execute("TRUNCATE witness.seen")

    def saw_only(self, *who: str) -> None:
        """These have changed something since the last time, and nobody else."""
        seen = self.database.rows("SELECT who, tag, object FROM witness.seen")
        assert {row[0] for row in seen} == set(who), seen
        self.database.execute("TRUNCATE witness.seen")


@contextmanager
def writing(database: Database, *ways: str):
    """Sessions that write before, during and after what is done meanwhile.  Each of their transactions adds a row to
    `beat`, which has no key, and does one of the `ways`: the first one that the tables as they are now take."""
    def transaction(session, rng, number):
        session.execute("INSERT INTO beat VALUES (%s)", (number,))
        for way in ways * 2:  # once more: the tables may change between two
            try:
                with session.transaction():
                    session.execute(way.format(n=number, old=number - rng.randint(1, 20)))
                return
            except (psycopg.ProgrammingError, psycopg.IntegrityError, psycopg.DataError) as error:
                last = error
        raise last

    def wait_for_more():
        before = load.committed
        wait_until(lambda: load.committed >= before + 5 or not load.running, what="the writer goes on")
    with Load(database, transaction, sessions=2, pause=0.01, first=1000) as load:
        wait_for_more()
        yield load
        wait_for_more()


ITEM = "CREATE TABLE item (id int PRIMARY KEY, name text, size int, note text);"
ROWS = "INSERT INTO item SELECT g, 'row ' || g, g * 10, 'note ' || g FROM generate_series(1, 10) g"


@pytest.fixture
def gates(pair):
    """A function: tables on both sides with rows, and a pipeline that streams."""
    def make(config: dict | None = None, tables: str = ITEM, rows: str = ROWS, **more) -> Files:
        pair.both(tables)
        files = Files(pair, **({"publish": "ALL TABLES", "slot": True, "config": config} | more))
        files.witness = Witness(pair.target)
        files.pipeline.start()
        pair.source.execute(rows)
        files.pipeline.wait_caught_up()
        return files
    return make
