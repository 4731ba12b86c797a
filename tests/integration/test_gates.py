"""Gates: the stream waits at the transaction that the target is not ready for, and a migration lets it go on."""
import pytest

from harness import Load, wait_until
from migrating import Files

ITEM = "CREATE TABLE item (id int PRIMARY KEY, name text, size int);"


@pytest.fixture
def gates(pair):
    """`item` on both sides, a pipeline that streams, a folder for migrations."""
    pair.both(ITEM)
    files = Files(pair, publish="ALL TABLES", slot=True)
    files.pipeline.start()
    pair.source.execute("INSERT INTO item VALUES (1, 'before', 10)")
    files.pipeline.wait_caught_up()
    return files


def closed(files, text: str = "", seconds: float = 20) -> dict:
    """Waits until the gate is closed because of something that reads like `text`; what status says of it."""
    def found():
        status = files.pipeline.status()
        gate = status and status["state"] == "at_gate" and status["gate"]
        return gate if gate and text in "; ".join(gate["differences"]) else None
    return wait_until(found, seconds=seconds, what=lambda: f"a gate about {text!r}: {files.pipeline.status()} {files.pipeline.log_tail()}")


def passed(files, *tables: str) -> None:
    """The gate is open, all is applied, and both sides are the same."""
    files.pipeline.wait_caught_up()
    assert files.pipeline.status()["gate"] is None
    for table in tables or ("item",):
        files.pair.assert_same(table)


def test_a_new_column_waits_for_its_migration(gates):
    pair = gates.pair
    pair.source.execute("ALTER TABLE item ADD COLUMN note text")
    pair.source.execute("INSERT INTO item VALUES (2, 'after', 20, 'new')")
    gate = closed(gates, "public.item.note")
    assert gate["relation"] == "public.item" and gate["migration"] is None, gate
    assert pair.target.rows("SELECT id FROM item") == [(1,)]
    gates.put("0001_note.sql", "ALTER TABLE item ADD COLUMN note text")
    assert gates.up() == ["0001_note"]
    passed(gates)
