"""Row-by-row comparison of a source table and a target table.

Values are compared as the bytes of their types' send functions (what COPY BINARY gives), never with "=", because 1.0 = 1.00
and 'a' = 'A' (citext) would hide a changed value.
"""
import struct
from collections import Counter

from psycopg import sql

from .server import Database


def table_name(name: str) -> sql.Composable:
    """"schema.table" or "table", as plain names."""
    return sql.Identifier(*name.split("."))


def columns_of(database: Database, table: str) -> list[str]:
    """The column names of a table in their order, without generated ones."""
    return [name for name, in database.rows(
        "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped"
        " AND attgenerated = '' ORDER BY attnum", table)]


def images(database: Database, table: str, columns: list[str]) -> Counter:
    """How often each row occurs; a row is a tuple of binary values."""
    query = sql.SQL("COPY (SELECT {} FROM {}) TO STDOUT (FORMAT binary)").format(
        sql.SQL(", ").join(map(sql.Identifier, columns)), table_name(table))
    with database.connect() as session, session.cursor().copy(query) as copy:
        return Counter(_rows(b"".join(copy)))


def _rows(data: bytes):
    """The rows of a COPY BINARY stream: after the header, for each row a count and for each value a length and bytes."""
    at = 11 + 4 + 4 + struct.unpack_from("!i", data, 15)[0]
    while (count := struct.unpack_from("!h", data, at)[0]) >= 0:
        at += 2
        row = []
        for _ in range(count):
            length = struct.unpack_from("!i", data, at)[0]
            at += 4
            row.append(None if length < 0 else data[at:at + length])
            at += max(length, 0)
        yield tuple(row)


def differences(source: Database, target: Database, source_table: str, target_table: str | None = None,
                columns: dict[str, str | None] | None = None) -> list[str]:
    """Sentences about rows that only one side has; empty when the tables are equal.  `columns` maps source columns that are
    renamed, or left out (None)."""
    target_table = target_table or source_table
    renamed = columns or {}
    names = [name for name in columns_of(source, source_table) if renamed.get(name, name) is not None]
    left = images(source, source_table, names)
    right = images(target, target_table, [renamed.get(name, name) for name in names])
    lines = [f"{source_table}: {count} × only on the source: {row}" for row, count in (left - right).items()]
    lines += [f"{target_table}: {count} × only on the target: {row}" for row, count in (right - left).items()]
    if lines:
        lines.insert(0, f"{source_table}: {left.total()} rows on the source, {right.total()} on the target")
    return lines


def assert_same(source: Database, target: Database, source_table: str, target_table: str | None = None,
                columns: dict[str, str | None] | None = None) -> int:
    """Fails unless the tables hold the same rows; returns how many there are."""
    lines = differences(source, target, source_table, target_table, columns)
    assert not lines, "\n".join(lines[:12])
    return source.value(sql.SQL("SELECT count(*) FROM {}").format(table_name(source_table)))
