"""The harness can fail: a comparison that cannot is worth nothing."""
import psycopg
import pytest

from harness import Load, differences


@pytest.fixture
def item(pair):
    pair.both("CREATE TABLE item (id int PRIMARY KEY, price numeric, name text)")
    pair.both("INSERT INTO item VALUES (1, 1.0, 'bolt'), (2, 2.0, NULL)")
    return pair


def test_equal_tables_have_no_differences(item):
    assert differences(item.source, item.target, "item") == []


@pytest.mark.parametrize("change", [
    "DELETE FROM item WHERE id = 2",
    "INSERT INTO item VALUES (3, 3.0, 'nut')",
    "UPDATE item SET price = 1.00 WHERE id = 1",
    "UPDATE item SET name = '' WHERE id = 2",
    "UPDATE item SET id = 5 WHERE id = 1",
])
def test_each_kind_of_difference_is_found(item, change):
    item.target.execute(change)
    assert differences(item.source, item.target, "item")


def test_a_repeated_row_is_a_difference(pair):
    pair.both("CREATE TABLE event (body text)")
    pair.both("INSERT INTO event VALUES ('a'), ('b')")
    pair.target.execute("INSERT INTO event VALUES ('a')")
    assert differences(pair.source, pair.target, "event")[1:] == ["event: 1 × only on the target: (b'a',)"]


def test_a_lost_commit_reply_is_a_commit_on_the_server(item, make_proxy):
    proxy = make_proxy(item.source.server)
    session = psycopg.connect(proxy.conninfo(item.source))
    session.execute("DELETE FROM item")
    proxy.lose_commit_replies()
    with pytest.raises(psycopg.OperationalError):
        session.commit()
    assert proxy.commits_lost == 1
    assert item.source.value("SELECT count(*) FROM item") == 0


def test_a_failing_load_fails_its_test(item):
    with pytest.raises(psycopg.errors.UndefinedTable):
        with Load(item.source, lambda session, rng, number: session.execute("SELECT * FROM missing"), limit=5):
            pass
