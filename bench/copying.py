"""One run of the initial copy: the same table, to one fresh target after the other.

The ways: psql pipes COPY BINARY from one server to the other, which nothing that goes through a client can beat with one
session; walgate with one worker and with two; the initial copy of a subscription.  The clock of each starts with its
process (of the subscription: when it is enabled) and stops when the table is complete on the target and a commit of ours
after it has flushed the target's WAL.  A service says so in walgate.copies, a subscription by state "r".
"""
import os
import resource
import subprocess
import time
from dataclasses import dataclass

from harness import Database, Pipeline, paths, wait_until
from psycopg import sql

from drain import LOOK_SECONDS, METER_SECONDS, PATIENCE, compare, flush
from followers import PUBLICATION
from processes import Cpu, Meter
from stage import Stage, observe
from workloads import ITEM, ITEM_ROWS, sized, write

ROWS = 5_000_000
PSQL, ONE, TWO, BUILT_IN = "psql", "walgate, 1 worker", "walgate, 2 workers", "built-in"


@dataclass
class Copied:
    """How one way did."""
    seconds: float
    cpu: Cpu
    rss_bytes: int | None = None


class Piped:
    """`psql | psql`."""

    def __init__(self, source: Database, target: Database):
        self._source, self._target = source, target
        self._processes: list[subprocess.Popen] = []
        self.service_pid = None

    def start(self) -> None:
        self._before = _children_seconds()
        reading = self._psql(self._source, "COPY item TO STDOUT (FORMAT binary)", stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE)
        writing = self._psql(self._target, "COPY item FROM STDIN (FORMAT binary)", stdin=reading.stdout,
                             stdout=subprocess.DEVNULL)
        reading.stdout.close()
        self._processes = [reading, writing]

    @staticmethod
    def _psql(database: Database, statement: str, **streams) -> subprocess.Popen:
        return subprocess.Popen([paths.OURS.program("psql"), "-X", "-q", "-c", statement, database.conninfo()],
                                env=os.environ | {"PGOPTIONS": ""}, **streams)

    def is_done(self, _) -> bool:
        codes = [process.poll() for process in self._processes]
        if any(codes):
            raise RuntimeError(f"psql ended with {codes}")
        return codes == [0, 0]

    def end(self) -> tuple[float, int | None]:
        """CPU seconds of the client's processes and their memory, as far as it counts."""
        return _children_seconds() - self._before, None

    def close(self) -> None:
        pass


class Service:
    """`walgate run` with that many workers."""

    def __init__(self, source: Database, target: Database, workers: int):
        self._pipeline = Pipeline(source, target, f"bench_copy_{workers}", publish=None, copy={"workers": workers},
                                  config={"source": {"publications": [PUBLICATION]}})
        done = self._pipeline.command("init")
        if done.code:
            raise RuntimeError(f"walgate init ended with {done.code}:\n{done.err}")

    @property
    def service_pid(self) -> int:
        return self._pipeline.process.pid

    def start(self) -> None:
        self._pipeline.start(wait=False)

    def is_done(self, target) -> bool:
        if not self._pipeline.running:
            raise RuntimeError(f"walgate ended with {self._pipeline.process.returncode}:\n{self._pipeline.log_tail()}")
        return target.execute("SELECT EXISTS (SELECT FROM walgate.copies WHERE state = 'copied')").fetchone()[0]

    def end(self) -> tuple[float, int | None]:
        self._pipeline.wait_state("streaming", seconds=PATIENCE)
        peak = self._pipeline.peak_memory_bytes()
        code = self._pipeline.stop(PATIENCE)
        assert code == 0, f"walgate ended with {code}:\n{self._pipeline.log_tail()}"
        return 0.0, peak

    def close(self) -> None:
        self._pipeline.close()
        self._pipeline.target.rows("SELECT pg_replication_origin_drop(roname)::text FROM pg_replication_origin WHERE roname = %s",
                                   f"walgate_{self._pipeline.name}")


class Subscription:
    """CREATE SUBSCRIPTION with its copy of the data, in binary where the server's release copies so (16 and later)."""
    service_pid = None

    def __init__(self, source: Database, target: Database):
        self._target = target
        target.execute(sql.SQL("CREATE SUBSCRIPTION bench_copy CONNECTION {} PUBLICATION {}"
                               " WITH (binary = true, enabled = false, create_slot = false, slot_name = bench_copy)").format(
                                   source.conninfo(), sql.Identifier(PUBLICATION)))
        source.value("SELECT pg_create_logical_replication_slot('bench_copy', 'pgoutput')::text")
        self._source = source

    def start(self) -> None:
        self._target.execute("ALTER SUBSCRIPTION bench_copy ENABLE")

    def is_done(self, target) -> bool:
        return target.execute("SELECT coalesce(bool_and(srsubstate = 'r'), false) FROM pg_subscription_rel").fetchone()[0]

    def end(self) -> tuple[float, int | None]:
        self._target.execute("ALTER SUBSCRIPTION bench_copy DISABLE")
        wait_until(lambda: not self._source.value("SELECT active FROM pg_replication_slots WHERE slot_name = 'bench_copy'"),
                   PATIENCE, "slot of the subscription is free")
        return 0.0, None

    def close(self) -> None:
        self._target.execute("DROP SUBSCRIPTION bench_copy")


def run(stage: Stage, scale: float, turn: int, say) -> dict[str, Copied]:
    """One run of all ways, by their names.  `turn`: which of them is the first."""
    with stage.databases("psql", "one", "two", "builtin") as (source, *targets):
        say("preparing")
        source.execute("CREATE EXTENSION walgate")
        write(source, ITEM + ";" + ITEM_ROWS.format(first=1, last=sized(ROWS, scale)))
        source.execute("VACUUM ANALYZE")
        source.execute(f"CREATE PUBLICATION {PUBLICATION} FOR TABLE item")
        for target in targets:
            target.execute(ITEM)
        ways = list(zip((PSQL, ONE, TWO, BUILT_IN),
                        (Piped, lambda *both: Service(*both, 1), lambda *both: Service(*both, 2), Subscription), targets))
        found = {}
        for name, make, target in ways[turn % len(ways):] + ways[:turn % len(ways)]:
            say(f"{name} copies")
            found[name] = _copy(stage, make(source, target), source, target)
            say(f"{name}: {found[name].seconds:.2f} s; comparing")
            compare(source, target, name)
    return found


def _copy(stage: Stage, way, source: Database, target: Database) -> Copied:
    stage.checkpoint()
    with observe(source) as on_source, observe(target) as on_target:
        began = time.monotonic()
        way.start()
        meter = Meter(on_source, on_target, way.service_pid)
        next_sample = began

        def done():
            nonlocal next_sample
            if time.monotonic() >= next_sample:
                meter.sample()
                next_sample = time.monotonic() + METER_SECONDS
            return way.is_done(on_target)
        wait_until(done, PATIENCE, "the table is copied", every=LOOK_SECONDS)
        flush(on_target)
        seconds = time.monotonic() - began
        cpu = meter.sample()
    client_seconds, peak = way.end()
    cpu.service += client_seconds
    way.close()
    return Copied(seconds, cpu, peak)


def _children_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
