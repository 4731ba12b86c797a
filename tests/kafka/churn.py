"""Constant load on three tables, and the proof that a mirror brought each of its changes once and in order."""
import json
import threading
from collections import Counter, defaultdict

from confluent_kafka import Consumer, TopicPartition

from harness.pipeline import lsn
from mirroring import Sent, sent, view

SCHEMA = """
    CREATE TABLE item (id bigint PRIMARY KEY, name text, version int);
    CREATE TABLE part (a int, b int, filler text, PRIMARY KEY (a, b));
    CREATE TABLE journal (number int)"""
SOURCE_ONLY = "CREATE SEQUENCE new_id START 1000000"
TABLES = ("item", "part", "journal")
PARTITIONS = {"item": 3, "part": 2, "journal": 1}
RULES = [{"source": f"public.{table}", "partitions": count} for table, count in PARTITIONS.items()]
LARGE_ROWS = 1500

ITEMS = 40  # few keys, so that changes meet


def churn(session, rng, number: int) -> None:
    """One transaction: its number into the journal, and one to many changes of all kinds; now and then a large one."""
    session.execute("INSERT INTO journal VALUES (%s)", (number,))
    if number % 50 == 0:
        session.execute("DELETE FROM part WHERE b > 0 AND a <> %s", (number,))
        session.execute("INSERT INTO part SELECT %s, n, repeat('x', 100) FROM generate_series(1, %s) n", (number, LARGE_ROWS))
        return
    for item in sorted(rng.sample(range(ITEMS), rng.choice((1, 1, 2, 5)))):
        kind = rng.random()
        if kind < 0.45:
            session.execute("INSERT INTO item VALUES (%s, %s, 0) ON CONFLICT (id) DO UPDATE SET version = item.version + 1",
                            (item, f"of {number}"))
        elif kind < 0.7:
            session.execute("UPDATE item SET version = version + 1 WHERE id %% %s = %s", (ITEMS, item))
        elif kind < 0.85:
            session.execute("UPDATE item SET id = nextval('new_id') WHERE id = %s", (item,))
        else:
            session.execute("DELETE FROM item WHERE id %% %s = %s", (ITEMS, item))
    session.execute("INSERT INTO part VALUES (%s, 0, 'small') ON CONFLICT (a, b) DO UPDATE SET filler = %s",
                    (rng.randrange(20), f"of {number}"))


def topic(pipeline, table: str) -> str:
    return f"{pipeline.name}.public.{table}"


def records_of(kafka, pipeline) -> dict[str, list[Sent]]:
    return {table: sent(kafka, topic(pipeline, table), partitions) for table, partitions in PARTITIONS.items()}


def assert_each_change_once(kafka, pipeline) -> int:
    """The topics hold each change once and in order, each transaction whole, and add up to the tables; the number of
    records.  Everything has been mirrored, and nobody writes any more."""
    records = records_of(kafka, pipeline)
    places: dict[int, Counter] = defaultdict(Counter)  # transaction -> its records' places
    count = 0
    for table, found in records.items():
        last: dict[int, tuple] = {}
        deleted = None
        for record in found:
            where = f"{table} partition {record.partition} offset {record.offset} key {record.key}"
            # A tombstone stands right behind its delete; every other record behind those of earlier changes.
            if record.value is None:
                assert deleted == (record.partition, record.position, record.key), f"a tombstone without its delete: {where}"
            else:
                before = last.get(record.partition, (0, 0))
                assert record.position > before, f"{where}: {record.position} behind {before}"
                last[record.partition] = record.position
                places[record.position[0]][record.position[1]] += 1
                count += 1
            deleted = (record.partition, record.position, record.key) if record.op == "d" else None
    # Every transaction whole, and each of its places once.
    ends = [end for end in sent(kafka, f"{pipeline.name}.transaction") if end.value.get("status") == "END"]
    assert len(ends) == len({end.position for end in ends}), "a transaction ended twice"
    assert [end.position for end in ends] == sorted(end.position for end in ends), "transactions out of order"
    counts = {end.position[0]: end.value["event_count"] for end in ends}
    assert set(places) == set(counts), f"transactions without records or without an end: {set(places) ^ set(counts)}"
    for transaction, its in places.items():
        assert its == Counter(range(1, counts[transaction] + 1)), f"transaction {transaction:X}: {counts[transaction]} changes, {its}"
    # Every transaction of the source is there, once.
    journal = Counter(record.value["after"]["number"] for record in records["journal"])
    assert journal == Counter(number for number, in pipeline.source.rows("SELECT number FROM journal"))
    for table in ("item", "part"):
        rows = [row for row, in pipeline.source.rows(f"SELECT to_jsonb({table}) FROM {table}")]
        assert canonical(view(records[table]).values()) == canonical(rows), table
    return count


def canonical(rows) -> list[str]:
    return sorted(json.dumps(row, sort_keys=True) for row in rows)


def open_transaction(kafka, pipeline) -> bool:
    """Has somebody written into the topics what is neither committed nor aborted?  The end as readers of committed records
    see it is then before the end."""
    ends = []
    for isolation in ("read_committed", "read_uncommitted"):
        reader = Consumer(kafka.internal_config() | {"group.id": "ends", "isolation.level": isolation, "log_level": "0"})
        try:
            ends.append([reader.get_watermark_offsets(TopicPartition(topic(pipeline, table), partition), timeout=20)[1]
                         for table, partitions in PARTITIONS.items() for partition in range(partitions)])
        finally:
            reader.close()
    return ends[0] != ends[1]


class Watcher:
    """A consumer of committed records that reads the journal while everything else falls down; afterwards it must have seen
    each transaction once and in the order in which the source committed them."""

    def __init__(self, kafka, pipeline):
        self.positions: list[tuple[int, int]] = []
        self.numbers: list[int] = []
        self._stop = threading.Event()
        self._reader = Consumer(kafka.internal_config() | {
            "group.id": "watcher", "isolation.level": "read_committed", "enable.auto.commit": "false",
            "auto.offset.reset": "earliest", "log_level": "0"})
        self._reader.assign([TopicPartition(topic(pipeline, "journal"), 0, 0)])
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._stop.is_set():
            message = self._reader.poll(0.2)
            if message is None or message.error():  # the broker is away, or the topic is not there yet
                continue
            headers = dict(message.headers())
            self.positions.append((lsn(headers["walgate.lsn"].decode()), int(headers["walgate.position"])))
            self.numbers.append(json.loads(message.value())["after"]["number"])

    def close(self) -> None:
        self._stop.set()
        self._thread.join()
        self._reader.close()
