"""Latency: from the commit on the source to the commit on the target, in milliseconds.

Nobody polls, so that nothing disturbs.  A row's xmin says which transaction wrote it on each side, and each server's WAL
says when that one committed: pg_waldump shows the time in the commit record.  Both clocks are this machine's.  On the source
the commit record is written before it is flushed, so that the disk of the source is part of the latency; on the target
commits are asynchronous and become visible microseconds after their record.

"no disk" is the same on a source whose flushes cost nothing (fsync off): what replication alone takes.
"""
import datetime
import os
import re
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from harness import Server, paths, wait_until

from drain import compare, flush
from followers import both
from processes import Cpu, Meter
from stage import Stage, observe

SESSIONS = 16
"""Enough for the highest rate on a disk that needs some milliseconds for each flush."""
SECONDS = 20
WARM_UP = 0.2
"""The part of the transactions, from the first one on, that does not count."""

TABLE = """CREATE TABLE stamp (client int NOT NULL, number int NOT NULL, run int NOT NULL, body text NOT NULL,
                               PRIMARY KEY (client, number, run))"""
SCRIPT = "\\set n :n + 1\nINSERT INTO stamp VALUES (:client_id, :n, {run}, 'forty bytes of text in each of the rows');\n"
COMMIT = re.compile(r"tx:\s+(\d+), .*desc: COMMIT (\S+ \S+) UTC")


@dataclass(frozen=True)
class Rate:
    """Transactions per second, and whether the source's flushes reach the disk."""
    tps: int
    disk: bool = True

    def __str__(self):
        return f"{self.tps} tps" + ("" if self.disk else ", no disk")


@dataclass
class Latencies:
    """Sorted, in milliseconds, and what the follower used."""
    milliseconds: list[float]
    cpu: Cpu
    rss_bytes: int | None

    def percentile(self, part: float) -> float:
        return self.milliseconds[min(len(self.milliseconds) - 1, int(len(self.milliseconds) * part))]


class TooSlow(RuntimeError):
    """The source itself cannot keep the rate up."""


def run(stage: Stage, rates: list[Rate], scale: float, work_mem: str, walgate_first: bool,
        say) -> dict[str, dict[Rate, Latencies]]:
    """One run of every rate; by the follower's name."""
    with both(stage, lambda database: database.execute(TABLE), work_mem) as (source, followers):
        found = {}
        for follower in followers if walgate_first else reversed(followers):
            follower.start()
            _wait_caught_up(source, follower)
            found[follower.name] = {}
            for rate in rates:
                say(f"{follower.name} at {rate}")
                stage.checkpoint()
                source.server.configure(fsync="on" if rate.disk else "off")
                found[follower.name][rate] = _measure(source, follower, rate.tps, max(2, round(SECONDS * scale)))
            source.server.configure(fsync="on")
            follower.pause()
        for follower in followers:
            follower.start()
            _wait_caught_up(source, follower)
            compare(source, follower.target, follower.name)
            follower.pause()
    return found


def _rows(database) -> int:
    return database.value("SELECT count(*) FROM stamp")


def _wait_caught_up(source, follower) -> None:
    rows = _rows(source)
    wait_until(lambda: follower.assert_alive() or (follower.active and _rows(follower.target) == rows), 120,
               f"{follower.name} has caught up", every=0.1)


def _measure(source, follower, tps: int, seconds: int) -> Latencies:
    number = source.value("SELECT coalesce(max(run), 0) + 1 FROM stamp")
    sides = (source, follower.target)
    begins = [side.value("SELECT pg_current_wal_insert_lsn()::text") for side in sides]
    with observe(source) as on_source, observe(follower.target) as on_target:
        meter = Meter(on_source, on_target, follower.service_pid)
        before = meter.sample()
        _write(source, tps, seconds, number)
        _wait_caught_up(source, follower)
        after = meter.sample()
    written, arrived = (_times(side, begin, number) for side, begin in zip(sides, begins))
    first = sorted(written.values())[int(len(written) * WARM_UP)]
    return Latencies(sorted((arrived[row] - at) * 1000 for row, at in written.items() if at >= first),
                     after - before, follower.peak_memory_bytes())


def _write(source, tps: int, seconds: int, number: int) -> None:
    """Inserts at that rate."""
    with tempfile.NamedTemporaryFile("w", dir=paths.scratch()) as script:
        script.write(SCRIPT.format(run=number))
        script.flush()
        done = subprocess.run(
            [paths.OURS.program("pgbench"), "-n", "-M", "prepared", "-c", str(SESSIONS), "-j", "1", "-D", "n=0",
             "-f", script.name, "-R", str(tps), "-T", str(seconds), source.conninfo()],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        raise RuntimeError(f"pgbench failed:\n{done.stdout}")
    rows = source.value("SELECT count(*) FROM stamp WHERE run = %s", number)
    if rows < 0.8 * tps * seconds:
        raise TooSlow(f"the source wrote {rows} transactions in {seconds} s instead of {tps} per second")


def _times(database, begin: str, number: int) -> dict[tuple[int, int], float]:
    """When each row of the run was committed there, by client and number; its transactions came after `begin`."""
    commits = _commits(database.server, begin)
    return {(client, n): commits[xid] for client, n, xid in
            database.rows("SELECT client, number, xmin::text FROM stamp WHERE run = %s", number)}


def _commits(server: Server, begin: str) -> dict[str, float]:
    """When each transaction of a server committed, by xid, in seconds."""
    with server.connect() as session:
        flush(session)
    end = server.value("SELECT pg_current_wal_flush_lsn()::text")
    text = subprocess.run(
        [*paths.as_server_user(), paths.OURS.program("pg_waldump"), "-p", str(server.data / "pg_wal"), "-s", begin, "-e", end,
         "-r", "Transaction"], stdin=subprocess.DEVNULL, capture_output=True, text=True, cwd=server.folder,
        env=os.environ | {"TZ": "UTC"}, check=True).stdout
    return {xid: datetime.datetime.fromisoformat(f"{at}+00:00").timestamp() for xid, at in COMMIT.findall(text)}
