"""The two that carry a source database to a target database: walgate, and PostgreSQL's own subscription.

Both stream the same publication from slots of their own.  A follower is made with its slot and paused; `start` lets it
go on from where it stands, `pause` returns when its slot is free again.
"""
import contextlib

from harness import Database, Pipeline, wait_until
from psycopg import sql

from stage import Stage

PUBLICATION = "bench"
PATIENCE = 120


class Follower:
    """What the two have in common.  `slot` is the slot's name, `name` what people read."""
    name: str
    slot: str

    def __init__(self, source: Database, target: Database):
        self.source, self.target = source, target

    @property
    def active(self) -> bool:
        return self.source.value("SELECT active FROM pg_replication_slots WHERE slot_name = %s", self.slot)

    def assert_alive(self) -> None:
        """Fails when the follower has given up."""

    service_pid: int | None = None

    def peak_memory_bytes(self) -> int | None:
        """Of the service, while it runs."""
        return None

    def counters(self) -> dict:
        """What the service counted since it started."""
        return {}

    def _wait_free(self) -> None:
        wait_until(lambda: not self.active, PATIENCE, f"slot of {self.name} is free")


class Walgate(Follower):
    name, slot = "walgate", "bench_walgate"

    def __init__(self, source: Database, target: Database, work_mem: str, replica_role: str = "auto"):
        super().__init__(source, target)
        self._pipeline = Pipeline(source, target, self.slot, publish=None, config={
            "source": {"publications": [PUBLICATION], "decoding_work_mem": work_mem},
            "target": {"replica_role": replica_role}})
        # The first start registers the pipeline and its position.
        self._pipeline.start()
        self.pause()

    def start(self) -> None:
        self._pipeline.start(wait=False)

    def pause(self) -> None:
        code = self._pipeline.stop(PATIENCE)
        assert code == 0, f"walgate ended with {code}:\n{self._pipeline.log_tail()}"
        self._wait_free()

    def assert_alive(self) -> None:
        if not self._pipeline.running:
            raise RuntimeError(f"walgate ended with {self._pipeline.process.returncode}:\n{self._pipeline.log_tail()}")

    @property
    def service_pid(self) -> int:
        return self._pipeline.process.pid

    def peak_memory_bytes(self) -> int:
        return self._pipeline.peak_memory_bytes()

    def counters(self) -> dict:
        return (self._pipeline.status() or {}).get("counters", {})

    def close(self) -> None:
        self._pipeline.close()
        self.target.rows("SELECT pg_replication_origin_drop(roname)::text FROM pg_replication_origin WHERE roname = %s",
                         f"walgate_{self.slot}")


class BuiltIn(Follower):
    name, slot = "built-in", "bench_builtin"

    def __init__(self, source: Database, target: Database):
        super().__init__(source, target)
        # CREATE SUBSCRIPTION cannot make its slot inside a transaction block; autocommit sessions have none.
        target.execute(sql.SQL(
            "CREATE SUBSCRIPTION bench_builtin CONNECTION {} PUBLICATION {}"
            " WITH (binary = true, synchronous_commit = off, copy_data = false)").format(
                source.conninfo(), sql.Identifier(PUBLICATION)))
        wait_until(lambda: self.active, PATIENCE, "the subscription streams")
        states = target.rows("SELECT DISTINCT srsubstate::text FROM pg_subscription_rel")
        assert states == [("r",)], f"tables of the subscription are not ready: {states}"
        self.pause()

    def start(self) -> None:
        self.target.execute("ALTER SUBSCRIPTION bench_builtin ENABLE")

    def pause(self) -> None:
        self.target.execute("ALTER SUBSCRIPTION bench_builtin DISABLE")
        wait_until(lambda: self.target.value("SELECT count(*) = 0 FROM pg_stat_subscription WHERE pid IS NOT NULL"),
                   PATIENCE, "the apply worker ended")
        self._wait_free()

    def close(self) -> None:
        self.pause()
        self.target.execute("DROP SUBSCRIPTION bench_builtin")


@contextlib.contextmanager
def both(stage: Stage, prepare, work_mem: str, replica_role: str = "auto"):
    """A source database and the two followers of it, paused, each with a target database.  `prepare(database)` makes the
    same tables on all three; what is in schema public is published."""
    with stage.databases("walgate", "builtin") as (source, for_walgate, for_builtin):
        for database in (source, for_walgate, for_builtin):
            prepare(database)
            database.execute("VACUUM ANALYZE")
        source.execute(f"CREATE PUBLICATION {PUBLICATION} FOR TABLES IN SCHEMA public")
        followers = [Walgate(source, for_walgate, work_mem, replica_role), BuiltIn(source, for_builtin)]
        yield source, followers
        for follower in followers:
            follower.close()
