"""Versions of tables' columns: their topic, and the header that names them."""
from mirroring import mirrored, sent, wait_mirrored


def versions(kafka, pipeline) -> dict:
    """(table, version) → the record's value, in the order in which they were written."""
    found = {}
    for record in sent(kafka, f"{pipeline.name}.walgate.schemas"):
        assert record.key == {"table": record.value["table"], "version": record.value["version"]}
        assert (record.key["table"], record.key["version"]) not in found, f"told twice: {record.key}"
        assert record.value["lsn"] == record.headers["walgate.lsn"]
        found[record.key["table"], record.key["version"]] = record.value
    return found


def of_rows(kafka, pipeline, table: str = "item", partitions: int = 1) -> list[str]:
    return [record.headers["walgate.schema"] for record in sent(kafka, f"{pipeline.name}.public.{table}", partitions)]


def test_versions_rise_and_rows_name_theirs(pair, kafka):
    pair.both("CREATE TABLE item (id int PRIMARY KEY, name varchar(10))")
    pipeline = mirrored(pair, kafka).start()
    pair.source.execute("INSERT INTO item VALUES (1, 'bolt'), (2, 'nut')")
    wait_mirrored(pipeline)
    pair.both("ALTER TABLE item ADD price numeric(10, 2)")
    pair.source.execute("INSERT INTO item VALUES (3, 'cog', 1.5)")
    wait_mirrored(pipeline)
    pair.both("ALTER TABLE item DROP name")
    pair.source.execute("DELETE FROM item WHERE id = 3")
    wait_mirrored(pipeline)
    assert of_rows(kafka, pipeline) == ["1.0", "1.0", "1.1", "2.0", "2.0"]
    found = versions(kafka, pipeline)
    assert list(found) == [("public.item", "1.0"), ("public.item", "1.1"), ("public.item", "2.0")]
    assert found["public.item", "1.1"]["columns"] == [
        {"name": "id", "type": "int4", "typmod": -1, "key": 1},
        {"name": "name", "type": "varchar", "typmod": 14, "key": None},
        {"name": "price", "type": "numeric", "typmod": 655366, "key": None}]
    assert (found["public.item", "2.0"]["major"], found["public.item", "2.0"]["minor"]) == (2, 0)
    rows = sent(kafka, f"{pipeline.name}.public.item")
    assert found["public.item", "1.1"]["lsn"] == rows[2].headers["walgate.lsn"]


def test_versions_outlive_restarts(pair, kafka):
    pair.both("CREATE TABLE item (id int PRIMARY KEY); CREATE TABLE other (id int PRIMARY KEY)")
    pipeline = mirrored(pair, kafka).start()
    for number in range(3):
        pair.source.execute(f"INSERT INTO item VALUES ({number}); INSERT INTO other VALUES ({number})")
        if number == 1:
            wait_mirrored(pipeline)
        pipeline.kill9()
        pair.both(f"ALTER TABLE item ADD c{number} int")
        pipeline.start()
    pair.source.execute("INSERT INTO item VALUES (3)")
    wait_mirrored(pipeline)
    assert of_rows(kafka, pipeline) == ["1.0", "1.1", "1.2", "1.3"]
    assert of_rows(kafka, pipeline, "other") == ["1.0"] * 3
    assert sorted(versions(kafka, pipeline)) == [("public.item", f"1.{n}") for n in range(4)] + [("public.other", "1.0")]


def test_columns_of_before_have_their_version_again(pair, kafka):
    pair.both("CREATE TABLE item (id int PRIMARY KEY, a int)")
    pipeline = mirrored(pair, kafka).start()
    pair.source.execute("INSERT INTO item VALUES (1)")
    wait_mirrored(pipeline)
    pair.both("ALTER TABLE item ADD b int")
    pair.source.execute("INSERT INTO item VALUES (2)")
    wait_mirrored(pipeline)
    pair.both("ALTER TABLE item DROP b")
    pair.source.execute("INSERT INTO item VALUES (3)")
    wait_mirrored(pipeline)
    assert of_rows(kafka, pipeline) == ["1.0", "1.1", "1.0"]
    assert len(versions(kafka, pipeline)) == 2


def test_a_version_comes_with_the_transaction_that_first_uses_it(pair, kafka):
    """Columns change in the middle of a transaction, and one that is rolled back has none."""
    pair.both("CREATE TABLE item (id int PRIMARY KEY)")
    pipeline = mirrored(pair, kafka).start()
    pair.target.execute("ALTER TABLE item ADD note text")
    with pair.source.connect(autocommit=False) as session:
        session.execute("INSERT INTO item VALUES (0)")
        session.execute("ALTER TABLE item ADD note text")
        session.execute("INSERT INTO item VALUES (0 + 1)")
        session.rollback()
    with pair.source.connect(autocommit=False) as session:
        session.execute("INSERT INTO item VALUES (1)")
        session.execute("ALTER TABLE item ADD note text")
        session.execute("INSERT INTO item VALUES (2, 'x')")
        session.commit()
    wait_mirrored(pipeline)
    assert of_rows(kafka, pipeline) == ["1.0", "1.1"]
    found = versions(kafka, pipeline)
    assert found["public.item", "1.0"]["lsn"] == found["public.item", "1.1"]["lsn"]
