"""What is measured, one line per measure, with its bar.

`ratio` is always peer / walgate in a unit of which less is better: above 1 walgate is ahead, and a measure stands when its
ratio reaches its bar.  A measure without a bar informs.
"""
from dataclasses import dataclass

from copying import BUILT_IN, ONE, PSQL, TWO
from latency import Rate


@dataclass(frozen=True)
class Measure:
    """`part` says which module measures it, `of` what that module is to run for it."""
    name: str
    part: str
    of: object
    bar: float | None
    unit: str
    title: str = ""


FULL, NO_DISK, QUIET = Rate(1000), Rate(1000, disk=False), Rate(300)
CPU_BAR = 1 / 0.6
DECODE_BAR = 1 / 1.15
LATENCY_BAR = 1 / 1.25
COPY_BAR = 1 / 1.1
KAFKA_LIMITS = {"rate": 10, 0.5: 20, 0.99: 100, "rss": 300}
"""Peers of the mirror's measures, each in its unit."""
RSS_LIMIT = 200
"""MB that the service may take in any workload: the peer of measure "rss"."""

MEASURES = [
    Measure("W1", "drain", "W1", 2, "s"),
    Measure("W2", "drain", "W2", 1.5, "s"),
    Measure("W3", "drain", "W3", 2.5, "s"),
    Measure("W4", "drain", "W4", 2, "s"),
    Measure("W5", "drain", "W5", 2.5, "s"),
    Measure("W6", "drain", "W6", 2, "s"),
    Measure("W8", "drain", "W8", 2, "s"),
    Measure("W9", "drain", "W9", 1, "s"),
    Measure("W16_one_table", "drain", "W16_one_table", 2, "s"),
    Measure("W16_three_tables", "drain", "W16_three_tables", 2, "s"),
    Measure("W16_hot_rows", "drain", "W16_hot_rows", 2, "s"),
    Measure("W3_own_memory", "drain", "W3_own_memory", None, "s"),
    Measure("cpu_per_change_W1", "cpu", "W1", CPU_BAR, "µs"),
    Measure("cpu_per_change_W3", "cpu", "W3", CPU_BAR, "µs"),
    Measure("cpu_per_change_W4", "cpu", "W4", CPU_BAR, "µs"),
    Measure("cpu_per_change_W16_one_table", "cpu", "W16_one_table", CPU_BAR, "µs"),
    Measure("cpu_per_change_W16_three_tables", "cpu", "W16_three_tables", CPU_BAR, "µs"),
    Measure("cpu_per_change_W16_hot_rows", "cpu", "W16_hot_rows", CPU_BAR, "µs"),
    Measure("decode_cpu", "decoding", "by_function", DECODE_BAR, "s", "1 M inserts, no-op plugin as the peer"),
    Measure("decode_cpu_walsender", "decoding", "by_walsender", None, "s", "the same, streamed"),
    Measure("latency_p50", "latency", (FULL, 0.5), LATENCY_BAR, "ms", str(FULL)),
    Measure("latency_p99", "latency", (FULL, 0.99), LATENCY_BAR, "ms", str(FULL)),
    Measure("latency_p50_300", "latency", (QUIET, 0.5), None, "ms", str(QUIET)),
    Measure("latency_p99_300", "latency", (QUIET, 0.99), None, "ms", str(QUIET)),
    Measure("latency_p50_no_disk", "latency", (NO_DISK, 0.5), None, "ms", str(NO_DISK)),
    Measure("latency_p99_no_disk", "latency", (NO_DISK, 0.99), None, "ms", str(NO_DISK)),
    Measure("copy_one", "copy", (ONE, PSQL), COPY_BAR, "s", "initial copy of 5 M rows with one worker, psql | psql as the peer"),
    Measure("copy_two", "copy", (TWO, PSQL), 1, "s", "the same with two workers"),
    Measure("copy_builtin", "copy", (TWO, BUILT_IN), 1, "s", "the same, the copy of a subscription as the peer"),
    Measure("kafka_inserts", "kafka", "bare", 0.5, "µs", "a record of the mirror; a bare transactional producer as the peer"),
    Measure("kafka_rate", "kafka", "rate", 1, "µs", "the same; the peer is the limit, 100,000 records per second"),
    Measure("kafka_latency_p50", "kafka", 0.5, 1, "ms", "commit to consumer at 1000 tps; the peer is the limit"),
    Measure("kafka_latency_p99", "kafka", 0.99, 1, "ms", "commit to consumer at 1000 tps; the peer is the limit"),
    Measure("kafka_rss", "kafka", "rss", 1, "MB", "most memory of the service with the mirror; the peer is the limit"),
    Measure("kafka_outage", "outage", None, 0.5, "ms",
            "p99 of the target's latency while the broker is away for two minutes and the mirror catches up; before that as the peer"),
    Measure("rss", "rss", None, 1, "MB", "most memory of the service in the workloads measured; the peer is the limit"),
]


class UnknownMeasure(ValueError):
    """No measure has that name, and no name begins with it."""


def selected(words: list[str]) -> list[Measure]:
    """The measures of these names; a word that is no name stands for all that it begins ("W16", "latency").  No word: all."""
    chosen = set()
    for word in words:
        means = [each.name for each in MEASURES if each.name == word] or \
                [each.name for each in MEASURES if each.name.startswith(f"{word}_")]
        if not means:
            raise UnknownMeasure(word)
        chosen.update(means)
    return [measure for measure in MEASURES if not words or measure.name in chosen]
