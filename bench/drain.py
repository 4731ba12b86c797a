"""One run of one workload: pause both followers, load the source, let each catch up alone, compare.

The clock of a follower starts when its slot becomes active, so that starting a process and connecting count for nobody,
and stops when all of the load is on its target durably: the last transaction, a row in `bench_end`, is visible, and a
commit of ours after it has flushed the target's WAL, for both alike, instead of waiting for the WAL writer to come by.
"""
import time
from dataclasses import dataclass

from harness import wait_until

from followers import both
from processes import Cpu, Meter
from stage import Stage, observe
from workloads import Workload

LOOK_SECONDS = 0.01
METER_SECONDS = 0.25
PATIENCE = 3600


class Different(AssertionError):
    """A target does not hold what the source holds."""


@dataclass
class Drain:
    """How one follower did."""
    seconds: float
    cpu: Cpu
    rss_bytes: int | None
    counters: dict


def run(stage: Stage, workload: Workload, scale: float, work_mem: str, walgate_first: bool, say) -> dict[str, Drain]:
    """One run; a Drain for each follower's name."""
    def prepare(database):
        workload.prepare(database, scale)
        database.execute("CREATE TABLE bench_end (id int PRIMARY KEY)")

    say("preparing")
    with both(stage, prepare, workload.work_mem or work_mem, workload.replica_role) as (source, followers):
        say("loading")
        before = source.value("SELECT pg_current_wal_insert_lsn()::text")
        workload.load(source, scale)
        source.execute("INSERT INTO bench_end VALUES (1)")  # waits for the disk
        _assert_waiting(source, before)
        drains = {}
        for follower in followers if walgate_first else reversed(followers):
            say(f"{follower.name} catches up")
            drains[follower.name] = _drain(stage, follower)
        say("comparing")
        for follower in followers:
            compare(source, follower.target, follower.name)
    return drains


def _assert_waiting(source, before: str) -> None:
    """Both followers stand before the load."""
    moved = source.rows("SELECT slot_name, active, confirmed_flush_lsn::text FROM pg_replication_slots"
                        " WHERE active OR confirmed_flush_lsn > %s::pg_lsn", before)
    assert not moved, f"not paused during the load: {moved}"


def _drain(stage: Stage, follower) -> Drain:
    stage.checkpoint()
    with observe(follower.source) as source, observe(follower.target) as target:
        active = "SELECT active FROM pg_replication_slots WHERE slot_name = %s"
        follower.start()

        def streams():
            follower.assert_alive()
            return source.execute(active, (follower.slot,)).fetchone()[0]
        wait_until(streams, 120, f"{follower.name} streams", every=0.002)
        began = time.monotonic()
        meter = Meter(source, target, follower.service_pid)
        next_sample = began + METER_SECONDS

        def arrived():
            nonlocal next_sample
            if time.monotonic() >= next_sample:
                follower.assert_alive()
                meter.sample()
                next_sample = time.monotonic() + METER_SECONDS
            return target.execute("SELECT EXISTS (SELECT FROM bench_end)").fetchone()[0]
        wait_until(arrived, PATIENCE, f"{follower.name} has caught up", every=LOOK_SECONDS)
        flush(target)
        seconds = time.monotonic() - began
        drain = Drain(seconds, meter.sample(), follower.peak_memory_bytes(), follower.counters())
    follower.pause()
    return drain


def flush(session) -> None:
    """Returns when everything that was committed before is on the disk."""
    session.execute("SET synchronous_commit = on")
    session.execute("SELECT pg_logical_emit_message(true, 'bench', '')")


def compare(source, target, name: str) -> None:
    """Fails unless every table of the source holds the same rows on the target, by count and digest of all rows."""
    tables = source.rows("SELECT format('%I', relname) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
                         " ORDER BY 1")
    for table, in tables:
        digest = (f"SELECT count(*), coalesce(sum(hashtextextended(t::text, 0)::numeric), 0),"
                  f" coalesce(sum(hashtextextended(t::text, 1)::numeric), 0) FROM {table} t")
        left, right = source.rows(digest)[0], target.rows(digest)[0]
        if left != right:
            raise Different(f"{name}: table {table} differs: {left[0]} rows on the source, {right[0]} on the target"
                            + (", other contents" if left[0] == right[0] else ""))
