"""The command line: which measures, how often, how large; see README.md."""
import argparse
import signal
import sys
import time
from pathlib import Path

import copying
import decoding
import drain
import latency
import measures
from report import print_table, write_json
from results import Found, result_of
from stage import Stage
from workloads import WORKLOADS


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="bench/run", description="Measures walgate beside built-in logical replication on two throwaway servers.",
        epilog="measures: " + ", ".join(measure.name for measure in measures.MEASURES)
               + '. A word that only begins names stands for all of them: "W16", "cpu_per_change", "latency".')
    parser.add_argument("measures", nargs="*", metavar="MEASURE", help="names; all by default")
    parser.add_argument("--runs", type=int, default=5, help="of which the medians are taken (default: 5)")
    parser.add_argument("--scale", type=float, default=1.0, help="part of the full size (default: 1)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the results there")
    parser.add_argument("--work-mem", default="64MB", help="logical_decoding_work_mem for both (default: %(default)s)")
    chosen = parser.parse_args()
    if chosen.runs < 1 or not 0 < chosen.scale <= 10:
        parser.error("--runs takes 1 or more, --scale a number above 0, at most 10")
    if chosen.json and not chosen.json.resolve().parent.is_dir():
        parser.error(f"there is no folder for {chosen.json}")
    try:
        chosen.measures = measures.selected(chosen.measures)
    except measures.UnknownMeasure as unknown:
        parser.error(f'there is no measure "{unknown}"; --help lists them')
    return chosen


def say(text: str) -> None:
    """Progress, on stderr."""
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def attempt(stage: Stage, found: Found, part: str, run) -> bool:
    """One part of the benchmark, `run(say)`.  A failure is kept for the report, and the other parts go on."""
    try:
        run(lambda text: say(f"{part}: {text}"))
        return True
    except Exception as error:
        found.failures[part] = f"{type(error).__name__}: {error}"
        say(f"{part}: failed: {error}")
        stage.renew()
        return False


def measure(stage: Stage, chosen: argparse.Namespace, found: Found) -> None:
    wanted = chosen.measures
    workloads = [name for name in WORKLOADS if any(each.part in ("drain", "cpu") and each.of == name for each in wanted)]
    copies = any(each.part == "copy" for each in wanted)
    if [each.part for each in wanted] == ["rss"]:
        workloads, copies = list(WORKLOADS), True
    rates = list(dict.fromkeys(each.of[0] for each in wanted if each.part == "latency"))
    common = {"scale": chosen.scale, "work_mem": chosen.work_mem}
    # Run by run, not measure by measure: what else happens on the machine meets all alike.
    for number in range(chosen.runs if workloads or rates or copies else 0):
        order = {"walgate_first": number % 2 == 0}
        for name in workloads:
            if name not in found.failures:
                attempt(stage, found, name, lambda say_more: found.drains.setdefault(name, []).append(
                    drain.run(stage, WORKLOADS[name], **common, **order, say=say_more)))
        if rates and "latency" not in found.failures:
            attempt(stage, found, "latency", lambda say_more: found.latencies.append(
                latency.run(stage, rates, **common, **order, say=say_more)))
        if copies and "copy" not in found.failures:
            attempt(stage, found, "copy", lambda say_more: found.copies.append(
                copying.run(stage, chosen.scale, turn=number, say=say_more)))
        say(f"run {number + 1} of {chosen.runs} is done")
    # What these import is there only where somebody has asked for Kafka.
    if any(each.part == "kafka" for each in wanted):
        import mirroring
        for number in range(chosen.runs):
            if "kafka" not in found.failures:
                attempt(stage, found, "kafka", lambda say_more: found.mirrored.append(
                    mirroring.run(stage, chosen.scale, say=say_more)))
            say(f"run {number + 1} of {chosen.runs} with Kafka is done")
    if any(each.part == "outage" for each in wanted):
        import outage
        attempt(stage, found, "outage", lambda say_more: found.outages.append(outage.run(stage, chosen.scale, say=say_more)))
    if any(each.part == "decoding" for each in wanted):
        attempt(stage, found, "decoding", lambda say_more: found.decoding.update(
            decoding.run(stage, chosen.scale, chosen.runs, say=say_more)))


def main() -> int:
    chosen = arguments()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # like Ctrl-C: everything is taken down
    found, interrupted, version = Found(), False, None
    try:
        with Stage(chosen.work_mem) as stage:
            version = stage.version
            measure(stage, chosen, found)
    except KeyboardInterrupt:
        interrupted = True
    results = [result_of(each, found, chosen.scale) for each in chosen.measures]
    if interrupted:
        say("interrupted; what was finished:")
        results = [result for result in results if result.walgate is not None]
    if results:
        runs = "1 run" if chosen.runs == 1 else f"medians of {chosen.runs} runs"
        print_table(results, f"PostgreSQL {version}, {runs} at scale {chosen.scale:g}, logical_decoding_work_mem "
                             f"{chosen.work_mem} for both; ratio above 1: walgate is better")
        if chosen.json:
            write_json(results, chosen.json, {"scale": chosen.scale, "number_of_runs": chosen.runs,
                                              "decoding_work_mem": chosen.work_mem, "server_version": version})
    return 130 if interrupted else 1 if found.failures else 0


if __name__ == "__main__":
    sys.exit(main())
