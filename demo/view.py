"""What a person sees: a live page on a terminal, a line per second in a pipe, and the tables at the end."""

import select
import sys
import termios
import time
import tty
from collections import deque
from dataclasses import dataclass, field

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

SPARKS = "▁▂▃▄▅▆▇█"
HISTORY = 30
STATE_STYLES = {"streaming": "bold green", "finishing": "bold green", "comparing": "bold green"}


@dataclass
class Moment:
    """All that is shown at one time; None is shown as a dash."""

    elapsed: float
    seconds: float | None
    state: str
    source_rate: float
    target_rate: float
    lag_bytes: int | None
    lag_milliseconds: int | None
    changes: dict[str, int]
    rows: list[tuple[str, str, int, int]]
    snapshots: int
    torn: int
    events: list[str] = field(default_factory=list)


def open_view(console, hints, intro):
    """The view that suits where the output goes; use it in a `with`."""
    return LivePage(console, hints, intro) if console.is_terminal else Lines(console, intro)


class Lines:
    """One line per second."""

    def __init__(self, console, intro):
        self._console = console
        self._intro = intro
        self._next = 0.0
        self._told = 0

    def __enter__(self):
        self._console.print(self._intro)
        return self

    def __exit__(self, *_):
        pass

    def key(self, timeout):
        time.sleep(timeout)
        return None

    def show(self, moment):
        for event in moment.events[self._told:]:
            self._console.print(f"  {event}", highlight=False)
        self._told = len(moment.events)
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + 1
        self._console.print(
            f"{moment.elapsed:4.0f} s  {moment.state:<10} source {moment.source_rate:7,.0f} rows/s"
            f"  target {moment.target_rate:7,.0f} rows/s  behind {_bytes(moment.lag_bytes)},"
            f" {milliseconds(moment.lag_milliseconds)}",
            highlight=False,
        )


class LivePage:
    """A page that renews itself in place, and the keys that the person presses."""

    def __init__(self, console, hints, intro):
        self._live = Live(console=console, auto_refresh=False, transient=True, vertical_overflow="crop")
        self._hints = hints
        self._intro = intro
        self._source, self._target = deque(maxlen=HISTORY), deque(maxlen=HISTORY)
        self._sampled = 0.0
        self._keyboard = sys.stdin.fileno() if sys.stdin.isatty() else None
        self._terminal = None

    def __enter__(self):
        if self._keyboard is not None:
            self._terminal = termios.tcgetattr(self._keyboard)
            tty.setcbreak(self._keyboard)
        self._live.start()
        return self

    def __exit__(self, *_):
        self._live.stop()
        if self._terminal is not None:
            termios.tcsetattr(self._keyboard, termios.TCSADRAIN, self._terminal)

    def key(self, timeout):
        """The key pressed within `timeout` seconds, or None."""
        if self._keyboard is None:
            time.sleep(timeout)
            return None
        readable, _, _ = select.select([self._keyboard], [], [], timeout)
        return sys.stdin.read(1) if readable else None

    def show(self, moment):
        if time.monotonic() - self._sampled >= 0.5:
            self._sampled = time.monotonic()
            self._source.append(moment.source_rate)
            self._target.append(moment.target_rate)
        self._live.update(self._page(moment), refresh=True)

    def _page(self, moment):
        of = f"{moment.elapsed:.0f} s" if moment.seconds is None else f"{moment.elapsed:.0f} of {moment.seconds:.0f} s"
        head = Text.assemble(
            ("walgate demo", "bold"), "   ", (moment.state, STATE_STYLES.get(moment.state, "bold yellow")), f"   {of}"
        )
        changes = ", ".join(f"{count:,} {kind}" for kind, count in moment.changes.items())
        torn = Text(f"{moment.torn} with half a transaction", "green" if moment.torn == 0 else "bold red")
        lines = [
            head,
            Text(self._intro, "dim"),
            Text(),
            self._speeds(moment),
            Text(),
            self._rows(moment),
            Text(),
            Text.assemble(("changes committed  ", "dim"), changes),
            Text.assemble(("target looked at   ", "dim"), f"{moment.snapshots:,} times, ", torn),
            *[Text(event, "yellow") for event in moment.events[-3:]],
            Text(),
            *[Text(hint, "dim") for hint in self._hints],
        ]
        return Group(*lines)

    def _speeds(self, moment):
        top = max([*self._source, *self._target, 1])
        grid = Table.grid(padding=(0, 2))
        grid.add_column(style="dim")
        grid.add_column(justify="right", min_width=14)
        grid.add_column(no_wrap=True)
        grid.add_row(
            "written to the source", f"{moment.source_rate:,.0f} rows/s", Text(_sparkline(self._source, top), "cyan")
        )
        grid.add_row(
            "arrived on the target", f"{moment.target_rate:,.0f} rows/s", Text(_sparkline(self._target, top), "green")
        )
        grid.add_row("behind by", milliseconds(moment.lag_milliseconds), f"{_bytes(moment.lag_bytes)} of WAL")
        return grid

    def _rows(self, moment):
        table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
        table.add_column("source table")
        table.add_column("target table")
        table.add_column("rows", justify="right", min_width=9)
        table.add_column("rows there", justify="right", min_width=9)
        for source, target, here, there in moment.rows:
            table.add_row(source, target, f"{here:,}", f"{there:,}")
        return table


def print_summary(console, outcomes, committed, kinds):
    """One line per table: what was written to it, its rows on both sides, and whether they are the same."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("table")
    for heading in [*kinds, "rows", "rows there"]:
        table.add_column(heading, justify="right")
    table.add_column("")
    for outcome in outcomes:
        name = outcome.pair.source[1]
        same = outcome.differing == 0
        table.add_row(
            name, *[f"{committed[name, kind]:,}" for kind in kinds], f"{outcome.source_rows:,}",
            f"{outcome.target_rows:,}", Text("equal", "green") if same else Text(f"{outcome.differing:,} differ", "red"),
        )
    console.print(table)
    for outcome in outcomes:
        for example in outcome.examples:
            console.print(f"  {outcome.pair.source[1]}: {example}", style="red", highlight=False)


def make_console():
    """Standard output; in a pipe without colour, its lines never broken."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=1000, no_color=True)


def _sparkline(values, top):
    return "".join(SPARKS[min(int(value / top * len(SPARKS)), len(SPARKS) - 1)] for value in values)


def _bytes(count):
    if count is None:
        return "-"
    for unit in ["B", "kB", "MB"]:
        if count < 1024:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} GB"


def milliseconds(count):
    if count is None:
        return "-"
    return f"{count:,.0f} ms" if count >= 1 else "< 1 ms"
