"""From what the runs have found to one Result per measure: medians, ratio, verdict."""
from dataclasses import asdict, dataclass, field
from statistics import median

from decoding import PLUGINS
from followers import BuiltIn, Walgate
from measures import KAFKA_LIMITS, RSS_LIMIT, Measure
from processes import Cpu
from workloads import WORKLOADS

NAMES = {"walgate": Walgate.name, "peer": BuiltIn.name}


@dataclass
class Found:
    """What all runs have found so far."""
    drains: dict[str, list] = field(default_factory=dict)
    """Workload → one {follower's name: Drain} per run."""
    decoding: dict = field(default_factory=dict)
    """Way → name of the plugin → CPU seconds of each run."""
    latencies: list = field(default_factory=list)
    """One {follower's name: {Rate: Latencies}} per run."""
    copies: list = field(default_factory=list)
    """One {name of the way: Copied} per run."""
    mirrored: list = field(default_factory=list)
    """One Mirrored per run."""
    outages: list = field(default_factory=list)
    """One Outage."""
    failures: dict[str, str] = field(default_factory=dict)
    """Part or workload → why it has no result."""


@dataclass
class Result:
    """One line of the table and one object of the JSON array."""
    measure: str
    title: str
    unit: str
    bar: float | None
    walgate: float | None = None
    peer: float | None = None
    ratio: float | None = None
    runs: dict[str, list[float]] = field(default_factory=dict)
    cpu_seconds: dict[str, dict[str, float]] | None = None
    peak_rss_bytes: int | None = None
    counters: dict | None = None
    """Of the service, in the last run; those that are not 0."""
    more: dict = field(default_factory=dict)
    failure: str | None = None

    @property
    def stands(self) -> bool | None:
        """Does the ratio reach the bar?  None without either."""
        return None if self.bar is None or self.ratio is None else self.ratio >= self.bar


def result_of(measure: Measure, found: Found, scale: float) -> Result:
    title = WORKLOADS[measure.of].title if measure.part in ("drain", "cpu") else measure.title
    result = Result(measure.name, title, measure.unit, measure.bar)
    {"drain": _drain, "cpu": _cpu, "decoding": _decoding, "latency": _latency, "copy": _copy, "kafka": _kafka, "outage": _outage,
     "rss": _rss}[measure.part](
        result, measure, found, scale)
    if result.walgate and result.peer:
        result.ratio = result.peer / result.walgate
    return result


def _set_runs(result: Result, walgate: list[float], peer: list[float]) -> None:
    result.runs = {"walgate": walgate, "peer": peer}
    result.walgate, result.peer = median(walgate), median(peer)


def _median_cpu(cpus: list[Cpu]) -> dict[str, float]:
    return {key: round(median(getattr(cpu, key) for cpu in cpus), 3) for key in asdict(cpus[0])}


def _drain(result: Result, measure: Measure, found: Found, scale: float) -> None:
    result.failure = found.failures.get(measure.of)
    if runs := found.drains.get(measure.of):
        _set_runs(result, *([run[name].seconds for run in runs] for name in NAMES.values()))
        _add_use(result, runs)


def _cpu(result: Result, measure: Measure, found: Found, scale: float) -> None:
    result.failure = found.failures.get(measure.of)
    if runs := found.drains.get(measure.of):
        changes = WORKLOADS[measure.of].changes(scale)
        _set_runs(result, *([run[name].cpu.total / changes * 1e6 for run in runs] for name in NAMES.values()))
        _add_use(result, runs)


def _add_use(result: Result, runs: list) -> None:
    result.cpu_seconds = {key: _median_cpu([run[name].cpu for run in runs]) for key, name in NAMES.items()}
    result.peak_rss_bytes = max(run[Walgate.name].rss_bytes for run in runs)
    result.counters = {name: count for name, count in runs[-1][Walgate.name].counters.items() if count}


def _decoding(result: Result, measure: Measure, found: Found, scale: float) -> None:
    result.failure = found.failures.get("decoding")
    if way := found.decoding.get(measure.of):
        _set_runs(result, way["walgate"], way["noop"])
        result.more = {name: median(way[name]) for name in PLUGINS if name not in ("walgate", "noop")}


def _latency(result: Result, measure: Measure, found: Found, scale: float) -> None:
    result.failure = found.failures.get("latency")
    if runs := found.latencies:
        rate, part = measure.of
        _set_runs(result, *([run[name][rate].percentile(part) for run in runs] for name in NAMES.values()))
        result.cpu_seconds = {key: _median_cpu([run[name][rate].cpu for run in runs]) for key, name in NAMES.items()}
        result.peak_rss_bytes = max(run[Walgate.name][rate].rss_bytes for run in runs)


def _copy(result: Result, measure: Measure, found: Found, scale: float) -> None:
    result.failure = found.failures.get("copy")
    if runs := found.copies:
        ours, peer = measure.of
        _set_runs(result, *([run[name].seconds for run in runs] for name in (ours, peer)))
        result.cpu_seconds = {key: _median_cpu([run[name].cpu for run in runs]) for key, name in (("walgate", ours), ("peer", peer))}
        result.peak_rss_bytes = max(run[ours].rss_bytes for run in runs)


def _kafka(result: Result, measure: Measure, found: Found, scale: float) -> None:
    result.failure = found.failures.get("kafka")
    runs = found.mirrored
    if not runs:
        return
    if measure.of in ("bare", "rate"):
        values = [run.mirror_microseconds for run in runs]
    elif measure.of == "rss":
        values = [run.rss_bytes / 2**20 for run in runs]
    else:
        values = [run.percentile(measure.of) for run in runs]
    _set_runs(result, values, [run.bare_microseconds for run in runs] if measure.of == "bare" else [KAFKA_LIMITS[measure.of]])
    result.peak_rss_bytes = max(run.rss_bytes for run in runs)
    result.more = {"bytes_per_record": runs[-1].bytes_per_record}


def _outage(result: Result, measure: Measure, found: Found, scale: float) -> None:
    result.failure = found.failures.get("outage")
    for run in found.outages:
        _set_runs(result, [max(run.percentile("away"), run.percentile("catch_up"))], [run.percentile("before")])
        result.more = {phase: {part: round(run.percentile(phase, part), 2) for part in (0.5, 0.99)} for phase in run.milliseconds}
        result.more |= {"backlog_bytes": run.backlog_bytes, "catch_up_seconds": round(run.catch_up_seconds, 1)}


def _rss(result: Result, measure: Measure, found: Found, scale: float) -> None:
    peaks = {workload: max(run[Walgate.name].rss_bytes for run in runs) for workload, runs in found.drains.items()}
    if found.latencies:
        peaks["latency"] = max(rate.rss_bytes for run in found.latencies for rate in run[Walgate.name].values())
    if found.copies:
        peaks["copy"] = max(copied.rss_bytes for run in found.copies for copied in run.values() if copied.rss_bytes)
    if peaks:
        result.walgate, result.peer = max(peaks.values()) / 2**20, RSS_LIMIT
        result.peak_rss_bytes = max(peaks.values())
        result.more = {workload: round(peak / 2**20, 1) for workload, peak in peaks.items()}
