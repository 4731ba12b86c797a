"""The target while Kafka is away: from the commit on the source to the commit on the target, before, during and after.

A steady load of 9 kB of WAL per transaction goes on all the time.  The broker is killed for two minutes, in which the slot's
copy keeps more than 1 GB for the mirror, and the phase after that lasts until the mirror is in step with the target again.
The times are read from the servers' WAL, as in latency.py.  The broker stands for other machines.  All else shares one disk, so
the source's flushes cost nothing (fsync off): they would wait while the backlog is read.  And the servers write no segment of
WAL before they use it, as those do not that recycle their segments.  At the end every row is in Kafka, once and in order.
"""
import contextlib
import json
import subprocess
import tempfile
import time
from dataclasses import dataclass

from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition
from harness import lsn, paths, wait_until

import mirroring  # finds tests/kafka
import broker
from drain import compare
from latency import _commits
from stage import Stage

TPS, PARTS, SESSIONS = 1000, 5, 8
WARM_UP, BEFORE, AWAY, LONGEST = 20, 40, 120, 600  # seconds
TABLE = """CREATE TABLE stamp (client int NOT NULL, number int NOT NULL, part int NOT NULL, body text NOT NULL,
                               PRIMARY KEY (client, number, part))"""
SCRIPT = """\\set n :n + 1
INSERT INTO stamp SELECT :client_id, :n, part, repeat(md5(random()::text), 54) FROM generate_series(1, {parts}) part;
"""


@dataclass
class Outage:
    """Latencies by phase, sorted, in milliseconds; and how much WAL the source kept at the end of the outage."""
    milliseconds: dict[str, list[float]]
    backlog_bytes: int
    catch_up_seconds: float

    def percentile(self, phase: str, part: float = 0.99) -> float:
        found = self.milliseconds[phase]
        return found[min(len(found) - 1, int(len(found) * part))]


def run(stage: Stage, scale: float, say) -> Outage:
    with broker.Cluster(heap="1g", elsewhere=True) as kafka, stage.databases("outage") as (source, target):
        pipeline = mirroring.mirrored_pipeline(kafka, source, target, "outage", TABLE)
        pipeline.start()
        mirroring.wait_mirror(pipeline, "streaming")
        begins = [side.value("SELECT pg_current_wal_insert_lsn()::text") for side in (source, target)]
        with _even_disk(source, target), _load(source):
            say("warming up")
            time.sleep(max(5, WARM_UP * scale))
            counted = time.time()
            say("before")
            time.sleep(max(5, BEFORE * scale))
            kafka.nodes[0].kill9()
            say("the broker is away")
            away = time.time()
            time.sleep(max(25, AWAY * scale))
            mirroring.wait_mirror(pipeline, "retrying")
            backlog = pipeline.status()["mirror"]["retained_wal_bytes"]
            kafka.start()
            back = time.time()
            say(f"the mirror catches up {backlog / 2**20:,.0f} MB")
            mirroring.wait_mirror(pipeline, "streaming", LONGEST)
            joined = time.time()
        say(f"in step after {joined - back:.0f} s")
        end = lsn(source.value("SELECT pg_current_wal_insert_lsn()::text"))
        source.execute("INSERT INTO stamp VALUES (-1, 0, 0, 'the last one')")
        wait_until(lambda: lsn(pipeline.status()["mirror"]["position"]) >= end, LONGEST, "the mirror has all", every=0.1)
        compare(source, target, "walgate")
        written, arrived = (_times(side, begin) for side, begin in zip((source, target), begins))
        phases: dict[str, list[float]] = {"before": [], "away": [], "catch_up": []}
        for row, at in written.items():
            if counted <= at < joined:
                phases["before" if at < away else "away" if at < back else "catch_up"].append((arrived[row] - at) * 1000)
        _assert_in_order(kafka, f"{pipeline.name}.public.stamp", len(written) * PARTS + 1)
        assert pipeline.stop(30) == 0, pipeline.log_tail()
        pipeline.close()
        found = Outage({phase: sorted(times) for phase, times in phases.items()}, backlog, joined - back)
        say("p99 " + ", ".join(f"{phase} {found.percentile(phase):.1f} ms" for phase in phases))
        return found


@contextlib.contextmanager
def _load(source):
    """Writes at the rate until the block ends."""
    with tempfile.NamedTemporaryFile("w", dir=paths.scratch()) as script:
        script.write(SCRIPT.format(parts=PARTS))
        script.flush()
        process = subprocess.Popen(
            [paths.OURS.program("pgbench"), "-n", "-M", "prepared", "-c", str(SESSIONS), "-j", "1", "-D", "n=0",
             "-f", script.name, "-R", str(TPS), "-T", "3600", source.conninfo()],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            yield
            assert process.poll() is None, "pgbench has ended"
        finally:
            process.terminate()
            process.wait()


@contextlib.contextmanager
def _even_disk(source, target):
    source.server.configure(fsync="off", wal_init_zero="off")
    target.server.configure(wal_init_zero="off")
    try:
        yield
    finally:
        source.server.configure(fsync="on", wal_init_zero=None)
        target.server.configure(wal_init_zero=None)


def _times(database, begin: str) -> dict[tuple[int, int], float]:
    commits = _commits(database.server, begin)
    return {(client, n): commits[xid] for client, n, xid in
            database.rows("SELECT client, number, xmin::text FROM stamp WHERE part = 1")}


def _assert_in_order(kafka, topic: str, rows: int) -> None:
    """As many records as rows, each further on in the source's order than the one before."""
    consumer = Consumer(kafka.client_config() | {"group.id": "bench", "isolation.level": "read_committed",
                                                 "enable.auto.commit": False, "enable.partition.eof": False})
    consumer.assign([TopicPartition(topic, 0, OFFSET_BEGINNING)])
    last, count, deadline = (0, 0), 0, time.monotonic() + 300
    while count < rows and time.monotonic() < deadline:
        for message in consumer.consume(5000, 1):
            assert message.error() is None, message.error()
            headers = dict(message.headers())
            position = lsn(headers["walgate.lsn"].decode()), int(headers["walgate.position"])
            assert position > last, f"{json.loads(message.key())} comes at {position}, after {last}"
            last, count = position, count + 1
    consumer.close()
    assert count == rows, f"{count} records for {rows} rows"
