"""A transaction of three million rows: bounded memory, and all or nothing on the target."""
import threading

from harness import wait_until

ROWS = 3_000_000


def test_three_million_rows_in_one_transaction(pair):
    pair.both("CREATE TABLE item (id int PRIMARY KEY, amount bigint)")
    pipeline = pair.pipeline().start()
    seen = set()
    done = threading.Event()

    def look():
        with pair.target.connect() as session:
            while not done.is_set():
                if session.execute("SELECT EXISTS (SELECT FROM item)").fetchone()[0]:
                    seen.add(session.execute("SELECT count(*) FROM item").fetchone()[0])
                    return
                done.wait(0.05)
    reader = threading.Thread(target=look)
    reader.start()
    pair.source.execute(f"INSERT INTO item SELECT n, n * 7 FROM generate_series(1, {ROWS}) n")
    pipeline.wait_caught_up(seconds=240)
    wait_until(lambda: seen, 10, "the reader has seen the rows")
    done.set()
    reader.join()
    assert seen == {ROWS}, "a part of the transaction was visible"
    summary = "SELECT count(*), sum(id), sum(amount), min(id), max(id) FROM item"
    assert pair.source.rows(summary) == pair.target.rows(summary)
    assert pipeline.peak_memory_bytes() < 200 * 1024 * 1024, f"{pipeline.peak_memory_bytes()} bytes"


def test_killed_in_the_middle_nothing_of_it_stays(pair):
    pair.both("CREATE TABLE item (id int PRIMARY KEY, amount bigint)")
    pipeline = pair.pipeline().start()
    pair.source.execute("INSERT INTO item SELECT n, n FROM generate_series(1, 300000) n")
    wait_until(lambda: pair.target.value("SELECT pg_relation_size('item')") > 0, 30, "the first rows are written")
    pipeline.kill9()
    assert pair.target.value("SELECT count(*) FROM item") in (0, 300_000)
    pipeline.start().wait_caught_up()
    pair.assert_same("item")
