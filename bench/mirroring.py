"""The Kafka mirror beside what librdkafka itself can do.

Throughput: a backlog of inserts of 200 bytes, one broker on this machine, exactly once, format debezium without schemas.  The
clock starts when the slot becomes active and stops when the mirror's position has passed the load.  The peer is a bare
transactional producer (bare_producer/) that afterwards sends the same records, headers and all, with the same properties and
as many in a transaction.

Latency: from the commit on the source, as its WAL says, to a consumer that reads what is committed and stamps each record when
it gets it, at 1000 transactions of one row per second with the default settings.
"""
import functools
import json
import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field

from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition
from harness import Pipeline, lsn, paths, wait_until

sys.path.insert(0, str(paths.TOP / "tests/kafka"))
import broker  # noqa: E402

from followers import PUBLICATION  # noqa: E402
from latency import TABLE, _commits, _write  # noqa: E402
from stage import Stage  # noqa: E402
from workloads import in_transactions, sized, write  # noqa: E402

ROWS, ROWS_PER_TRANSACTION = 1_000_000, 1_000
PER_KAFKA_TRANSACTION = 50_000
SECONDS = 20
ITEM = "CREATE TABLE item (id bigint PRIMARY KEY, body text NOT NULL)"
BODY = ("INSERT INTO item SELECT i, (SELECT string_agg(md5(i::text || j), '') FROM generate_series(1, 6) j) "
        "FROM generate_series((n - 1) * {rows} + 1, n * {rows}) i;")


@dataclass
class Mirrored:
    """What one run found."""
    mirror_microseconds: float
    bare_microseconds: float
    bytes_per_record: float
    rss_bytes: int
    latencies: list[float] = field(default_factory=list)

    def percentile(self, part: float) -> float:
        return self.latencies[min(len(self.latencies) - 1, int(len(self.latencies) * part))]


@functools.cache
def bare_producer() -> str:
    """Compiles the peer; returns the program."""
    program = paths.scratch() / "bare_producer"
    subprocess.run(["c++", "-std=c++20", "-O2", str(paths.TOP / "bench/bare_producer/bare_producer.cpp"), "-o", str(program),
                    "-lrdkafka"], check=True)
    return str(program)


def run(stage: Stage, scale: float, say) -> Mirrored:
    bare_producer()
    with broker.Cluster(heap="1g") as kafka, stage.databases("mirrored") as (source, target):
        found = _throughput(stage, kafka, source, target, sized(ROWS, scale), say)
        found.latencies = _latency(kafka, source, target, max(5, round(SECONDS * scale)), say)
    return found


def mirrored_pipeline(kafka, source, target, name: str, table: str) -> Pipeline:
    for database in (source, target):
        database.execute(table)
    source.execute(f"CREATE PUBLICATION {PUBLICATION}_{name} FOR TABLE {table.split()[2]}")
    return Pipeline(source, target, f"bench_{name}", publish=None, config={
        "source": {"publications": [f"{PUBLICATION}_{name}"]},
        "kafka": {"properties": kafka.client_config(), "copy": False}})


def _throughput(stage: Stage, kafka, source, target, rows: int, say) -> Mirrored:
    pipeline = mirrored_pipeline(kafka, source, target, "kafka", ITEM)
    pipeline.start()
    wait_mirror(pipeline, "streaming")
    assert pipeline.stop(30) == 0, pipeline.log_tail()
    say("loading")
    write(source, in_transactions(1, rows // ROWS_PER_TRANSACTION, BODY.format(rows=ROWS_PER_TRANSACTION)))
    end = lsn(source.value("SELECT pg_current_wal_insert_lsn()::text"))
    source.execute("INSERT INTO item VALUES (0, 'the last one')")
    stage.checkpoint()
    say("the mirror catches up")
    pipeline.start(wait=False)
    wait_until(lambda: pipeline.slot_row()["active"], 60, "the slot is used", every=0.002)
    began = time.monotonic()

    def passed():
        status = pipeline.status()
        mirror = status and status["mirror"]
        return mirror and mirror["position"] and lsn(mirror["position"]) >= end
    wait_until(passed, 3600, "the mirror has caught up", every=0.01)
    seconds = time.monotonic() - began
    rss = pipeline.peak_memory_bytes()
    events = [name for name in ("mirror_behind", "mirror_joined") if pipeline.events(name)]
    say(f"mirror: {rows / seconds:,.0f} records/s, {rss / 2**20:.0f} MB {events}; bare producer")
    assert pipeline.stop(30) == 0, pipeline.log_tail()
    pipeline.close()
    kafka.create_topic("bare", partitions=1)
    done = subprocess.run([bare_producer(), f"{pipeline.name}.public.item", "bare", str(rows), str(PER_KAFKA_TRANSACTION),
                           *(f"{name}={value}" for name, value in kafka.client_config().items()),
                           "linger.ms=5", "compression.codec=lz4", "queue.buffering.max.messages=1000000",
                           "queue.buffering.max.kbytes=16384"], check=True, capture_output=True, text=True)
    bare_seconds, size = done.stdout.split()
    say(f"bare: {rows / float(bare_seconds):,.0f} records/s")
    return Mirrored(seconds / rows * 1e6, float(bare_seconds) / rows * 1e6, int(size) / rows, rss)


def _latency(kafka, source, target, seconds: int, say) -> list[float]:
    say("latency")
    pipeline = mirrored_pipeline(kafka, source, target, "kafka_latency", TABLE)
    pipeline.start()
    wait_mirror(pipeline, "streaming")
    source.execute("INSERT INTO stamp VALUES (-1, 0, 0, 'makes the topic')")
    stamps: dict[tuple[int, int], float] = {}
    ended = threading.Event()
    reader = threading.Thread(target=_read, args=(kafka, f"{pipeline.name}.public.stamp", stamps, ended))
    _wait_position(pipeline, source)
    reader.start()
    begin = source.value("SELECT pg_current_wal_insert_lsn()::text")
    try:
        _write(source, 1000, seconds, 1)
        rows = source.rows("SELECT client, number, xmin::text FROM stamp WHERE run = 1")
        wait_until(lambda: len(stamps) >= len(rows), 60, lambda: f"{len(stamps)} of {len(rows)} records are read")
    finally:
        ended.set()
        reader.join()
    commits = _commits(source.server, begin)
    times = sorted((commits[xid], stamps[client, number]) for client, number, xid in rows)
    assert pipeline.stop(30) == 0, pipeline.log_tail()
    pipeline.close()
    return sorted((arrived - at) * 1000 for at, arrived in times[len(times) // 5:])


def _read(kafka, topic: str, stamps: dict, ended: threading.Event) -> None:
    consumer = Consumer(kafka.client_config() | {"group.id": "bench", "isolation.level": "read_committed",
                                                 "enable.auto.commit": False, "fetch.wait.max.ms": 5})
    consumer.assign([TopicPartition(topic, 0, OFFSET_BEGINNING)])
    while not ended.is_set():
        message = consumer.poll(0.1)  # one by one: to consume several waits for as many
        if message and message.error() is None and message.value():
            now = time.time()
            row = json.loads(message.value())["after"]
            stamps[row["client"], row["number"]] = now
    consumer.close()


def wait_mirror(pipeline: Pipeline, state: str, seconds: float = 60) -> None:
    wait_until(lambda: ((pipeline.status() or {}).get("mirror") or {}).get("state") == state, seconds,
               lambda: f"mirror {state}\n{pipeline.log_tail()}")


def _wait_position(pipeline: Pipeline, source) -> None:
    position = lsn(source.value("SELECT pg_current_wal_insert_lsn()::text"))
    source.execute("SELECT pg_logical_emit_message(true, 'walgate-bench', '')")
    wait_until(lambda: lsn(((pipeline.status() or {}).get("mirror") or {}).get("position")) >= position, 60, "mirrored")
