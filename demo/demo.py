"""The demo from beginning to end: set the stage, write and watch, compare, leave nothing running."""

import signal

signal.signal(signal.SIGINT, signal.SIG_DFL)  # until there is something to take down, Ctrl-C just ends us

import argparse
import fcntl
import os
import re
import statistics
import subprocess
import sys
import threading
import time
from collections import deque

import psycopg
from harness.pipeline import lsn
from rich.markup import escape

import compare
from load import KINDS, LEAST, TABLES, Load
from pace import Governor
from stage import FOLDER, Stage, paths
from view import Moment, make_console, milliseconds, open_view, print_summary

INTRO = "8 sessions write to one PostgreSQL; walgate carries each commit to another."
PATIENCE = 120
"""Seconds without any progress after which waiting for the service is given up."""
SNAPSHOT = """
SELECT (SELECT count(*) FROM batch.batch_facilities), (SELECT count(*) FROM batch.batch_orderables),
       (SELECT count(*) FROM batch.batch_requisitions), (SELECT count(*) FROM batch.batch_line_items),
       (SELECT count(*) FROM batch.batch_status_changes), (SELECT count(*) FROM batch.batch_messages),
       (SELECT (coalesce(sum(line_count), 0), coalesce(sum(total_cost), 0)) FROM batch.batch_requisitions)
         IS DISTINCT FROM (SELECT (count(*), coalesce(sum(total_cost), 0)) FROM batch.batch_line_items)
"""
"""One snapshot: the rows of each table, and whether a requisition and its line items disagree."""


class Stopped(Exception):
    """Somebody wants us to end: Ctrl-C, SIGTERM or a closed terminal."""


class Failed(Exception):
    """The demo cannot go on or did not end well; the text is for a person."""


class TargetWatch:
    """Looks at the target again and again, as one of its readers, while the service writes to it."""

    def __init__(self, conninfo):
        self.rows = [0] * len(TABLES)
        self.looks = self.torn = 0
        self._conninfo = conninfo
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self):
        self._thread.start()

    def stop(self):
        self._ending.set()
        if self._thread.is_alive():
            self._thread.join(timeout=5)

    def _run(self):
        try:
            with psycopg.connect(self._conninfo, autocommit=True, application_name="demo reader") as connection:
                while not self._ending.is_set():
                    began = time.monotonic()
                    *self.rows, torn = connection.execute(SNAPSHOT).fetchone()
                    self.looks += 1
                    self.torn += torn
                    self._ending.wait(max(0.2, 15 * (time.monotonic() - began)))  # looking must not become the load
        except psycopg.OperationalError:
            pass  # the servers are being stopped


class Demo:
    """One run.  `play` returns the exit code; `close` may follow at any point of it."""

    def __init__(self, arguments, console):
        self._seconds = arguments.seconds or None
        self._kill = arguments.kill
        self._damage = arguments.damage
        self._console = console
        self._stage = Stage()
        self._load = None
        self._watch = None
        self._events = []
        self._lags = []
        self._rates = deque(maxlen=8)
        self._applied_before = self._applied_now = 0
        self._killed_at = None

    def play(self):
        self._set_up()
        self._write_and_watch()
        return self._compare()

    def close(self):
        if self._load:
            self._load.abandon()
        if self._watch:
            self._watch.stop()
        self._stage.close()

    # Setting up

    def _set_up(self):
        stage = self._stage
        self._console.print("[bold]walgate demo[/]")
        with self._step("building what is stale") as step:
            self._build(step)
        with self._step("two throwaway servers") as step:
            step.rename(f"two throwaway servers, PostgreSQL {stage.make_servers()}")
        with self._step("source: schema requisition, 6 tables"):
            stage.fill_source()
        with self._step("target: schema batch, another shape of it, constraints checked"):
            stage.fill_target()
        with self._step("extension, publication, slot and the pipeline's file"):
            stage.make_pipeline()
        with self._step("walgate init, walgate check") as step:
            findings = self._command("init") and self._command("check", "--json")
            step.rename(f"walgate init, walgate check: {self._told(findings)}")
        with self._step("walgate run"):
            stage.pipeline.start(wait=False)
            self._wait_until_streaming()

    def _build(self, step):
        log = FOLDER / "build.log"
        with open(log, "w", encoding="utf-8") as file:
            build = subprocess.Popen([paths.TOP / "tools/build"], stdout=file, stderr=file, start_new_session=True)
        try:
            while build.poll() is None:
                at = re.match(r"\[(\d+)/(\d+)\]", _tail(log, 1))
                step.note(f"{at[1]} of {at[2]}" if at else "looking")
                time.sleep(0.1)
        except Stopped:
            os.killpg(build.pid, signal.SIGTERM)  # the compilers too
            build.wait()
            raise
        if build.returncode:
            raise Failed(f"building failed:\n{_tail(log, 15)}")

    def _command(self, *words):
        done = self._stage.pipeline.command(*words)
        if done.code:
            raise Failed(f"walgate {' '.join(words)} ended with {done.code}:\n{done.out}{done.err}")
        return done

    @staticmethod
    def _told(check):
        warnings = [finding["name"] for finding in check.json if finding["severity"] == "warning"]
        return f"no error, {len(warnings)} warnings ({', '.join(warnings)})" if warnings else "nothing to mend"

    def _wait_until_streaming(self):
        deadline = time.monotonic() + 60
        while (status := self._status()) is None or status["state"] != "streaming":
            if time.monotonic() > deadline:
                raise Failed(f"the service does not stream:\n{self._stage.pipeline.log_tail(10)}")
            time.sleep(0.05)

    def _step(self, text):
        return _Step(self._console, text)

    # Writing and watching

    def _write_and_watch(self):
        self._load = Load(self._stage.source.conninfo(), seed=time.time())
        self._watch = TargetWatch(self._stage.target.conninfo())
        self._load.start(self._stage.source.conninfo())
        self._watch.start()
        governor = Governor(self._load.pace)
        began = time.monotonic()
        kill_at = self._seconds / 2 if self._seconds and self._kill else None
        with open_view(self._console, self._hints(), INTRO) as view:
            while not self._load.stopping.is_set():
                status = self._show(view, began, None)
                key = view.key(0.2)
                elapsed = time.monotonic() - began
                governor.look(self._lag_of(status), self._load.transactions())
                if key == "k" or (kill_at is not None and elapsed >= kill_at):
                    kill_at = None
                    self._kill_service()
                if key in ("\n", "\r", "q") or (self._seconds is not None and elapsed >= self._seconds):
                    self._load.finish()
            self._until(view, began, "finishing", lambda: not self._load.running)
            end = lsn(self._stage.source.value("SELECT pg_current_wal_insert_lsn()::text"))
            self._until(view, began, "finishing", lambda: self._arrived(end))
            self._watch.stop()
        self._check_load()

    def _show(self, view, began, state):
        status = self._status()
        now = time.monotonic()
        counts = self._load.committed()
        changes = {kind: sum(counts[table, kind] for table in TABLES) for kind in KINDS}
        self._note_applied(status)
        self._rates.append((now, sum(changes.values()), self._applied_before + self._applied_now))
        then, source, target = self._rates[0]
        span = max(now - then, 0.2)
        lag = status["lag"] if status else {"bytes": None, "milliseconds": None}
        if state is None and status and lag["milliseconds"] is not None:
            self._lags.append(lag["milliseconds"])
        if self._killed_at is not None and status and status["state"] == "streaming":
            self._events.append(f"{self._killed_at - began:.0f} s: kill -9 of the service;"
                                f" it streamed again {now - self._killed_at:.1f} s later")
            self._killed_at = None
        view.show(Moment(
            elapsed=now - began, seconds=self._seconds, state=state or (status["state"] if status else "starting"),
            source_rate=(self._rates[-1][1] - source) / span, target_rate=max(self._rates[-1][2] - target, 0) / span,
            lag_bytes=lag["bytes"], lag_milliseconds=lag["milliseconds"], changes=changes,
            rows=[
                (f"requisition.{table}", f"batch.{_target_of(table)}",
                 counts[table, "inserts"] - counts[table, "deletes"], there)
                for table, there in zip(TABLES, self._watch.rows)
            ],
            snapshots=self._watch.looks, torn=self._watch.torn, events=self._events,
        ))
        return status

    def _status(self):
        """What the service says; None while it starts.  Raises Failed when it has ended by itself."""
        pipeline = self._stage.pipeline
        if not pipeline.running:
            raise Failed(f"the service ended with exit code {pipeline.process.returncode}:\n{pipeline.log_tail(10)}")
        return pipeline.status()

    def _note_applied(self, status):
        """Counts on over a restart of the service, whose own counters begin at zero."""
        if status is None:
            return
        applied = sum(status["counters"][kind] for kind in KINDS)
        if applied < self._applied_now:
            self._applied_before += self._applied_now
        self._applied_now = applied

    def _kill_service(self):
        self._stage.pipeline.kill9()
        self._killed_at = time.monotonic()
        self._stage.pipeline.start(wait=False)

    def _until(self, view, began, state, done):
        """Shows what happens until `done()`; fails when nothing moves any more."""
        moved, seen = time.monotonic(), None
        while not done():
            status = self._show(view, began, state)
            now = (self._load.transactions(), status and (status["applied_lsn"], status["received_lsn"]))
            if now != seen:
                moved, seen = time.monotonic(), now
            if time.monotonic() - moved > PATIENCE:
                raise Failed(f"nothing has moved for {PATIENCE} s:\n{self._stage.pipeline.log_tail(10)}")
            view.key(0.1)
        self._show(view, began, state)

    def _arrived(self, end):
        status = self._status()
        return status is not None and lsn(status["applied_lsn"]) >= end

    def _check_load(self):
        if self._load.error:
            raise Failed(f"the load failed: {self._load.error}")
        if self._watch.torn:
            raise Failed(f"{self._watch.torn} of {self._watch.looks} snapshots of the target held half a transaction")

    @staticmethod
    def _lag_of(status):
        return status["lag"]["milliseconds"] if status and status["state"] == "streaming" else None

    def _hints(self):
        if not sys.stdin.isatty():
            return ["Ctrl-C: stop at once"]
        return ["Enter: stop writing, compare   k: kill -9 the service   Ctrl-C: stop at once"]

    # Comparing

    def _compare(self):
        stage = self._stage
        if self._damage:
            stage.target.execute("UPDATE batch.batch_facilities SET name = name || ' ' WHERE code = 'HF0007'")
        with self._step("comparing every row through the mapping") as step:
            with stage.source.connect() as source, stage.target.connect() as target:
                pairs = compare.table_pairs(source, stage.pipeline.name, stage.pipeline.config["tables"])
                outcomes = [compare.compare(source, target, pair) for pair in pairs]
            step.rename("every row compared through the mapping")
        committed = self._load.committed()
        for event in self._events if self._console.is_terminal else []:  # a pipe has told them already
            self._console.print(f"  {event}", style="yellow")
        self._console.print()
        print_summary(self._console, outcomes, committed, KINDS)
        self._console.print()
        faults = self._faults(outcomes, committed)
        if faults:
            self._console.print(f"[bold red]NOT EQUAL[/]: {'; '.join(faults)}")
        else:
            rows = sum(outcome.source_rows for outcome in outcomes)
            self._console.print(f"[bold green]equal[/]: {rows:,} rows after {self._load.transactions():,} transactions"
                                f" of {sum(committed.values()):,} changes")
        self._tell_more()
        return 1 if faults else 0

    @staticmethod
    def _faults(outcomes, committed):
        """Everything for which the two sides may not be called equal."""
        faults = [f"{o.pair.source[1]}: {o.differing:,} rows differ" for o in outcomes if o.differing]
        faults += [f"{o.pair.source[1]} is empty" for o in outcomes if not o.source_rows]
        compared = sorted(o.pair.source[1] for o in outcomes)
        if compared != sorted(TABLES):
            faults.append(f"only these tables were compared: {', '.join(compared)}")
        for outcome in outcomes:
            table = outcome.pair.source[1]
            expected = committed[table, "inserts"] - committed[table, "deletes"]
            if outcome.source_rows != expected:
                faults.append(f"{table} has {outcome.source_rows:,} rows, the load left {expected:,}")
        for kind, least in LEAST.items():
            count = sum(committed[table, kind] for table in TABLES)
            if count < least:
                faults.append(f"only {count} {kind}, {least} are needed for a proof")
        return faults

    def _tell_more(self):
        if len(self._lags) >= 10:
            cuts = statistics.quantiles(self._lags, n=20)
            self._console.print(f"lag while writing: {milliseconds(statistics.median(self._lags))} in the median,"
                                f" below {milliseconds(cuts[-1] + 1)} in 95 of 100 looks")
        where = FOLDER.relative_to(paths.TOP)
        self._console.print(
            f"\nIn {where}: three logs, and pipeline.json, which is all there is to configure."
            '\nNext: "Five minutes with your own two databases" in README.md.')


class _Step:
    """A line of the set-up: a spinner while it lasts on a terminal, then a tick."""

    def __init__(self, console, text):
        self._console = console
        self._text = text
        self._spinner = console.status(f"{text} …")
        self._began = time.monotonic()
        self._noted = False

    def __enter__(self):
        if self._console.is_terminal:
            self._spinner.start()
        return self

    def __exit__(self, failure, *_):
        self._spinner.stop()
        if failure is None:
            self._console.print(f"  [green]✓[/] {escape(self._text)}")

    def rename(self, text):
        """What the line will say in the end."""
        self._text = text

    def note(self, text):
        """How it goes, beside the spinner; a pipe is told once that it takes long."""
        if self._console.is_terminal:
            self._spinner.update(f"{self._text}: {escape(text)} …")
        elif not self._noted and time.monotonic() - self._began > 3:
            self._noted = True
            self._console.print(f"  {self._text}; the first time this takes some minutes …")


def _target_of(table):
    return "batch_messages" if table == "status_messages" else f"batch_{table}"


def _tail(file, lines):
    return "\n".join(file.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])


def _arguments():
    parser = argparse.ArgumentParser(
        prog="demo/run", description="Two throwaway PostgreSQL servers, load on one, walgate bringing it to the other.",
        epilog="Exit code 0 only when every row is equal at the end. Ctrl-C leaves nothing running.")
    parser.add_argument("--seconds", type=float, default=60, metavar="N",
                        help="how long to write (default 60; 0: until Enter or Ctrl-C)")
    parser.add_argument("--no-kill", dest="kill", action="store_false",
                        help="do not kill -9 the service at half time")
    parser.add_argument("--damage", action="store_true",
                        help="change one row of the target before the comparison, to see it found (exit code 1)")
    arguments = parser.parse_args()
    if not 0 <= arguments.seconds < 1e6:
        parser.error("--seconds takes a number of seconds, 0 or more")
    return arguments


def _stop(signum, _frame):
    """The first signal ends the demo; what follows must not disturb the end."""
    _on_signals(signal.SIG_IGN)
    raise Stopped(signum)


def _on_signals(handler):
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, handler)


def main():
    arguments = _arguments()
    console = make_console()
    FOLDER.mkdir(parents=True, exist_ok=True)
    with open(FOLDER / ".lock", "w", encoding="ascii") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            console.print(f"another demo is running in {FOLDER}")
            return 1
        _on_signals(_stop)
        return _play(arguments, console)


def _play(arguments, console):
    demo = Demo(arguments, console)
    try:
        return demo.play()
    except BrokenPipeError:  # nobody reads on
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (Failed, psycopg.Error, OSError, RuntimeError, AssertionError) as failure:
        console.print(f"[bold red]failed[/]: {escape(str(failure))}")
        console.print(f"logs: {FOLDER}")
        return 1
    except Stopped as stopped:
        console.print("stopped before the end; nothing was compared")
        return 128 + stopped.args[0]
    finally:
        _on_signals(signal.SIG_IGN)
        demo.close()


if __name__ == "__main__":
    sys.exit(main())
