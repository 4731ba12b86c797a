"""What the tests of the initial copy share: tables of a known number of blocks, and looks at how far the copy is."""
import psycopg

from harness import Database, Pair, Pipeline, wait_until

ROWS = 2000
"""Of `item` after `fill`: about 60 in each block."""
ITEM = "CREATE TABLE item (id int PRIMARY KEY, n int NOT NULL DEFAULT 0, body text NOT NULL);"
EVENT = "CREATE TABLE event (body text NOT NULL);"
"""Without any key: what is copied twice, or copied and streamed, is one more row."""
SMALL_RANGES = {"WALGATE_COPY_RANGE_BLOCKS": "2"}
"""The environment in which the copy of `item` has many ranges."""
HALF = f"NEW.id = {ROWS // 2}"
"""For a Hold: in the middle of `item`."""


def fill(database: Database, rows: int = ROWS, table: str = "item", first: int = 1) -> None:
    """Rows `first` and following."""
    database.execute(f"INSERT INTO {table} (id, body) SELECT g, repeat(md5(g::text), 3)"
                     f" FROM generate_series({first}, {first + rows - 1}) g")


def item_pipeline(pair: Pair, rows: int = ROWS, copy: dict | bool = True, **more) -> Pipeline:
    """A pipeline, not started, with `item` filled on the source and `event`, which has three rows."""
    pair.both(ITEM + EVENT)
    fill(pair.source, rows)
    pair.source.execute("INSERT INTO event VALUES ('one'), ('two'), ('two')")
    return pair.pipeline(**({"copy": copy, "env": SMALL_RANGES} | more))


def states(status: dict) -> dict[str, str]:
    """The state of each table, by its name on the source."""
    return {table["source"]: table["state"] for table in status["tables"]}


def table_of(status: dict, name: str = "public.item") -> dict:
    """What the status says about a table."""
    return next(table for table in status["tables"] if table["source"] == name)


def wait_states(pipeline: Pipeline, *wanted: str, table: str = "public.item") -> None:
    """Waits until the table is in one of these states."""
    wait_until(lambda: states(pipeline.status() or {"tables": []}).get(table) in wanted, 30,
               lambda: f"{table} is {wanted}; {pipeline.status()}\n{pipeline.log_tail()}")


def wait_copying(pipeline: Pipeline, what, seconds: float = 30):
    """Waits until `what(status["copy"])` is true and returns it; `copy` is there only while something is copied."""
    def found():
        assert pipeline.running, pipeline.log_tail()
        status = pipeline.status()
        return status and status["copy"] and what(status["copy"])
    return wait_until(found, seconds, lambda: f"{pipeline.status()}\n{pipeline.log_tail()}")


def rows_copied(pipeline: Pipeline, table: str = "public.item") -> int:
    """How many rows the log says were copied of the table."""
    return sum(int(event["rows"]) for event in pipeline.events("table_copied", relation=table))


def committed_ranges(pair: Pair) -> int:
    """Of all tables whose copy has not ended."""
    return pair.target.value("SELECT count(*) FROM walgate.copy_ranges")


def copy_states(pair: Pair) -> dict[str, str]:
    """What the target remembers of the copy of each table."""
    return dict(pair.target.rows("SELECT source_table::text, state FROM walgate.copies"))


def open_transaction(database: Database, *statements: str) -> psycopg.Connection:
    """A session in a transaction that has run these."""
    session = database.connect(autocommit=False)
    for statement in statements:
        session.execute(statement)
    return session


def pid_of(session: psycopg.Connection) -> str:
    return str(session.info.backend_pid)


def catch_up(pipeline: Pipeline) -> dict:
    """Pipeline.wait_caught_up after reads: they clean up pages, and that WAL waits for the next commit to be flushed."""
    pipeline.source.execute("SELECT pg_logical_emit_message(true, 'test', '')")
    return pipeline.wait_caught_up()


def finish(pair: Pair, pipeline: Pipeline, *tables: str) -> dict:
    """Waits until the service streams and has caught up, and compares the tables."""
    pipeline.wait_state("streaming", seconds=60)
    status = catch_up(pipeline)
    pair.assert_same(*(tables or ("item", "event")))
    return status
