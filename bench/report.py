"""The results for people (a table) and for scripts (JSON)."""
import dataclasses
import json
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from results import Result

WIDTH = 150
"""Of the table where stdout is no terminal."""


def print_table(results: list[Result], caption: str) -> None:
    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDTH)
    table = Table(box=box.SIMPLE, caption=caption, caption_justify="left")
    table.add_column("measure")
    for heading in ("", "walgate", "peer", "ratio", "bar"):
        table.add_column(heading, justify="right" if heading else "left", no_wrap=True)
    table.add_column("")
    for heading in ("CPU s walgate", "CPU s peer", "RSS MB"):
        table.add_column(heading, justify="right", no_wrap=True)
    for result in results:
        table.add_row(*_row(result))
    console.print(table)
    for result in results:
        if result.failure:
            console.print(f"{result.measure}: {result.failure}", markup=False, highlight=False)


def _row(result: Result) -> list[str]:
    verdict = {None: "", True: "[green]stands[/]", False: "[red]behind[/]"}[result.stands]
    return [result.measure, result.unit, _number(result.walgate), _number(result.peer), _number(result.ratio),
            _number(result.bar), "[red]failed[/]" if result.failure else verdict,
            *(_cpu((result.cpu_seconds or {}).get(who)) for who in ("walgate", "peer")),
            "" if result.peak_rss_bytes is None else f"{result.peak_rss_bytes / 2**20:.0f}"]


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}" if value >= 1 else f"{value:.3f}"


def _cpu(seconds: dict[str, float] | None) -> str:
    """Walsender + apply + service."""
    if seconds is None:
        return ""
    parts = [seconds["walsender"], seconds["apply"], *([seconds["service"]] if seconds["service"] else [])]
    return f"{' + '.join(f'{part:.2f}' for part in parts)} = {sum(parts):.2f}"


def write_json(results: list[Result], file: Path, circumstances: dict) -> None:
    """An array with one object per measure; `circumstances` are in each."""
    objects = [dataclasses.asdict(result) | {"stands": result.stands} | circumstances for result in results]
    file.write_text(json.dumps(objects, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
