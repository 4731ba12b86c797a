"""Our records against those that Debezium made of the same changes (tests/kafka/debezium/), field by field.

debezium/comparing.py lists where ours differ, and why; a difference that is not listed fails, and so does a line that
nothing needs.  Here the makers of records are fed with frames, and no broker is needed; test_debezium_service.py compares
what the running service sends.
"""
import json
import re
import struct
import subprocess
from pathlib import Path

import pytest

from debezium.comparing import (DIFFERENT, ONLY_OURS, OUR_VALUES, REFUSED, compare, first_of_key, has_schemas, has_transactions,
                                only_ours, our_values, payload, to_compare, value_modes)
from debezium.record import HERE, MODES, masked, psql
from harness import Server, paths

HEADERS = HERE.parents[2] / "replicator/src/mirror"
TYPES_QUERY = re.search(r'R"\((.*?)\)"', (HEADERS / "source_types.hpp").read_text(), re.DOTALL)[1]
BINARY = paths.TOP / "build/dev/mirror_records"


@pytest.fixture(scope="module")
def frames():
    """What the output plugin makes of tables.sql and changes.sql, and the source's types."""
    server = Server("source").start()
    try:
        database = server.database("shop")
        psql(database, (HERE / "tables.sql").read_text())
        psql(database, "CREATE EXTENSION walgate; CREATE PUBLICATION dump FOR TABLES IN SCHEMA shop;")
        psql(database, "SELECT pg_create_logical_replication_slot('dump', 'walgate')")
        psql(database, (HERE / "changes.sql").read_text())
        psql(database, "INSERT INTO shop.the_end VALUES (1)")
        rows = database.rows("SELECT data FROM pg_logical_slot_get_binary_changes('dump', NULL, NULL, 'publications', 'dump',"
                             " 'messages', 'true')")
        types = database.rows(TYPES_QUERY)
    finally:
        server.stop("immediate")
    folder = paths.scratch() / "debezium"
    folder.mkdir()
    (folder / "frames").write_bytes(b"".join(struct.pack(">I", len(data)) + bytes(data) for data, in rows))
    (folder / "types").write_text("".join("\t".join([*map(str, row[:6]), "\x1f".join(row[6])]) + "\n" for row in types))
    # Debezium's key is the primary key even where the identity is another.
    (folder / "keys").write_text("shop.whole_identity\tid\n")
    return folder


def ours(folder: Path, mode: str) -> list[dict]:
    words = [f"{name}={value}" for name, value in value_modes(mode).items()]
    words += [f"schema={has_schemas(mode)}".lower(), f"transactions={has_transactions(mode)}".lower()]
    words += ["format=flat"] if mode == "flat" else []
    with open(folder / "frames", "rb") as frames_file:
        done = subprocess.run([str(BINARY), f"types={folder / 'types'}", f"keys={folder / 'keys'}", *words], stdin=frames_file,
                              capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.strip().split("\n")]
    return [line | {part: masked(line[part]) for part in ("key", "value") if part in line} for line in lines]


@pytest.fixture(scope="module")
def needed():
    """By mode, which lines of DIFFERENT it has needed."""
    return {}


@pytest.mark.parametrize("mode", MODES)
def test_records_are_those_of_debezium(frames, needed, mode):
    needed[mode] = compare(*to_compare(mode, ours(frames, mode)), DIFFERENT)


def test_no_difference_is_listed_in_vain(needed):
    if len(needed) < len(MODES):
        pytest.skip("needs the comparisons of all modes")
    assert set(DIFFERENT) - set().union(*needed.values()) == set()


def test_values_that_debezium_leaves_out(frames):
    assert only_ours(ours(frames, "default")) == ONLY_OURS


def test_where_we_differ_our_values_are_the_right_ones(frames):
    assert our_values(ours(frames, "default")) == OUR_VALUES


@pytest.mark.parametrize("mode", REFUSED)
def test_only_values_without_a_form_are_refused(frames, mode):
    pairs = zip(*to_compare(mode, ours(frames, mode)))
    refused = [(a["topic"], first_of_key(a)) for a, b in pairs if "error" in b]
    assert sorted(refused) == sorted(REFUSED[mode])


def test_arrays_nest_where_no_schema_forbids_it(frames):
    rows = [payload(line.get("value")) for line in ours(frames, "no_schema") if line["topic"] == "shop.list"]
    assert [row["after"]["i4"] for row in rows if row and row["after"]["id"] == 5] == [[[1, 2], [3, 4]]]
