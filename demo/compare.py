"""The comparison: every row of every published table against its counterpart, through the pipeline's mapping.

It shares nothing with the service: the rules are read from the pipeline's file here, and both sides are read in the
order of their keys and compared as the text that PostgreSQL prints for each value.
"""

import itertools
from dataclasses import dataclass, field

from psycopg import sql

SAME_TEXT = (
    "SET TimeZone = 'UTC'; SET DateStyle = 'ISO'; SET IntervalStyle = 'postgres'; SET extra_float_digits = 3;"
    " SET bytea_output = 'hex'; SET client_encoding = 'UTF8'"
)
SHOWN = 3
"""Differences that are told in full, per table."""


@dataclass
class TablePair:
    """A source table, its target table and the columns that travel: (name here, name there)."""

    source: tuple[str, str]
    target: tuple[str, str]
    key: list[tuple[str, str]]
    columns: list[tuple[str, str]]


@dataclass
class Outcome:
    """What comparing one pair of tables found."""

    pair: TablePair
    source_rows: int = 0
    target_rows: int = 0
    differing: int = 0
    examples: list[str] = field(default_factory=list)

    def note(self, what):
        self.differing += 1
        if len(self.examples) < SHOWN:
            self.examples.append(what)


def table_pairs(source, publication, rules):
    """The published tables with what the rules make of them; tables that the rules leave out are not among them."""
    rows = source.execute(
        "SELECT p.schemaname, p.tablename, a.attname, a.attnum = ANY (i.indkey::int2[]) AS in_key"
        " FROM pg_publication_tables p"
        " JOIN pg_attribute a ON a.attrelid = format('%%I.%%I', p.schemaname, p.tablename)::regclass"
        " AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''"
        " JOIN pg_index i ON i.indrelid = a.attrelid AND i.indisprimary"
        " WHERE p.pubname = %s ORDER BY p.schemaname, p.tablename, a.attnum",
        [publication],
    ).fetchall()
    pairs = []
    for table, columns in itertools.groupby(rows, key=lambda row: row[:2]):
        rule, target = _mapped(table, rules)
        if target is None:
            continue
        names = rule.get("columns", {})
        travelling = [(name, names.get(name, name), in_key) for *_, name, in_key in columns]
        travelling = [column for column in travelling if column[1] is not None]
        pairs.append(
            TablePair(table, target, [c[:2] for c in travelling if c[2]], [c[:2] for c in travelling if not c[2]])
        )
    return pairs


def compare(source, target, pair):
    """Reads both tables in the order of their keys, row against row."""
    outcome = Outcome(pair)
    with source.cursor() as here, target.cursor() as there:
        with _rows(here, pair, 0) as copied_here, _rows(there, pair, 1) as copied_there:
            ours, theirs = _Reader(copied_here), _Reader(copied_there)
            while ours.row or theirs.row:
                if ours.row == theirs.row:
                    ours.advance()
                    theirs.advance()
                    continue
                key, other = ours.key(pair), theirs.key(pair)
                if key == other:
                    outcome.note(f"{_text(key)} differs in {_differing(ours.row, theirs.row, pair)}")
                    ours.advance()
                    theirs.advance()
                elif other is None or (key is not None and key < other):
                    outcome.note(f"{_text(key)} is missing on the target")
                    ours.advance()
                else:
                    outcome.note(f"{_text(other)} is only on the target")
                    theirs.advance()
            outcome.source_rows, outcome.target_rows = ours.rows, theirs.rows
    return outcome


class _Reader:
    """One side's rows, one at a time; `row` is empty after the last one."""

    def __init__(self, copied):
        self._copied = iter(copied)
        self.rows = -1
        self.row = b""
        self.advance()

    def advance(self):
        self.rows += 1
        self.row = bytes(next(self._copied, b""))

    def key(self, pair):
        return tuple(_values(self.row)[:len(pair.key)]) if self.row else None


def _mapped(table, rules):
    """The first rule that matches, and the target's name; without a rule the same name."""
    for rule in rules:
        stars = [_star(pattern, name) for pattern, name in zip(rule["source"].split("."), table)]
        if None not in stars:
            target = rule.get("target", rule["source"])
            if target is None:
                return rule, None
            return rule, tuple(part.replace("*", star) for part, star in zip(target.split("."), stars))
    return {}, table


def _star(pattern, name):
    """What the star of a pattern stands for in a name ('' without a star), or None where they do not match."""
    before, star, after = pattern.partition("*")
    if not star:
        return "" if name == pattern else None
    fits = len(name) >= len(before) + len(after) and name.startswith(before) and name.endswith(after)
    return name[len(before):len(name) - len(after)] if fits else None


def _rows(cursor, pair, side):
    """A COPY of one side, one message per row: the key's columns first, in the order of their bytes."""
    cursor.execute(SAME_TEXT)
    table = sql.Identifier(*(pair.source, pair.target)[side])
    key = [sql.Identifier(column[side]) for column in pair.key]
    columns = key + [sql.Identifier(column[side]) for column in pair.columns]
    order = [sql.SQL('{}::text COLLATE "C"').format(column) for column in key]
    comma = sql.SQL(", ")
    statement = sql.SQL("COPY (SELECT {} FROM {} ORDER BY {}) TO STDOUT")
    return cursor.copy(statement.format(comma.join(columns), table, comma.join(order)))


def _values(row):
    return row.rstrip(b"\n").split(b"\t")


def _text(key):
    return ", ".join(part.decode() for part in key)


def _differing(row, other, pair):
    names = [column[0] for column in pair.key + pair.columns]
    pairs = zip(names, _values(row), _values(other))
    return ", ".join(name for name, ours, theirs in pairs if ours != theirs)
