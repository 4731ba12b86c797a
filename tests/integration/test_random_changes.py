"""Random transactions, applied in random batches and through kills, leave the target equal to the source.

WALGATE_RANDOM_SEEDS="7 8 9" runs these seeds instead; a failure is shrunk to a script that shows it.
"""
import os
import random

import psycopg
import pytest

from harness import compare, pipeline as pipelines

SEEDS = [int(word) for word in os.environ.get("WALGATE_RANDOM_SEEDS", "1 2 3").split()]
TRANSACTIONS = 250

SCHEMA = """
CREATE TABLE plain (id int PRIMARY KEY, a int, b text);
CREATE TABLE coded (id int PRIMARY KEY, code int UNIQUE, name text UNIQUE, note text);
CREATE TABLE pair (a int, b text, v numeric, PRIMARY KEY (b, a));
CREATE TABLE number (id numeric PRIMARY KEY, v text);
CREATE TABLE tree (id int PRIMARY KEY, parent int REFERENCES tree DEFERRABLE, name text);
CREATE TABLE whole (id int PRIMARY KEY, v text);
CREATE TABLE line (n int, v text);
CREATE TABLE wide (id int PRIMARY KEY, big text, small int);
ALTER TABLE whole REPLICA IDENTITY FULL;
ALTER TABLE line REPLICA IDENTITY FULL;
ALTER TABLE wide ALTER big SET STORAGE EXTERNAL;
"""
TABLES = ("plain", "coded", "pair", "number", "tree", "whole", "line", "wide")


class Generator:
    """Statements over few keys, so that they meet; what the source refuses is rolled back by its savepoint."""

    def __init__(self, seed: int):
        self.random = random.Random(seed)

    def key(self) -> int:
        return self.random.randint(1, 12)

    def value(self) -> str:
        return self.random.choice(["NULL", "''", "'x'", "'yy'", str(self.random.randint(0, 99))])

    def text(self) -> str:
        return self.random.choice(["NULL", "''", "'x'", "'a longer one'", f"'{self.random.randint(0, 9)}'"])

    def statement(self) -> str:
        number, key, other, text = self.random.randint(0, 15), self.key(), self.key(), self.text()
        choices = [
            f"INSERT INTO plain VALUES ({key}, {number}, {text})",
            f"INSERT INTO plain SELECT n, {number}, {text} FROM generate_series({key}, {key + 5}) n ON CONFLICT DO NOTHING",
            f"UPDATE plain SET a = {number}, b = {text} WHERE id = {key}",
            f"UPDATE plain SET a = a + 1 WHERE id BETWEEN {key} AND {other}",
            f"UPDATE plain SET id = {other} WHERE id = {key}",
            f"DELETE FROM plain WHERE id BETWEEN {key} AND {key + 2}",
            f"INSERT INTO coded VALUES ({key}, {number}, {text}, 'n')",
            f"UPDATE coded SET code = NULL WHERE code = {number}",
            f"UPDATE coded SET code = {number} WHERE id = {key}",
            f"UPDATE coded SET code = NULL WHERE id = {key}; UPDATE coded SET code = {number} WHERE id = {other}",
            f"UPDATE coded SET note = {text} WHERE id > {key}",
            f"DELETE FROM coded WHERE code = {number}; INSERT INTO coded VALUES ({key}, {number}, NULL, 'again')",
            f"DELETE FROM coded WHERE id = {key}",
            f"INSERT INTO pair VALUES ({number % 3}, '{other % 3}', {number}.50) ON CONFLICT (b, a) DO UPDATE SET v = 1.5",
            f"UPDATE pair SET v = v * 2 WHERE a = {number % 3}",
            f"UPDATE pair SET a = a + 1 WHERE b = '{other % 3}' AND a = {number % 3}",
            f"DELETE FROM pair WHERE a = {number % 3}",
            f"INSERT INTO number VALUES ({key}{self.random.choice(['', '.0', '.00'])}, {text})",
            f"UPDATE number SET v = {text} WHERE id = {key}",
            f"UPDATE number SET id = {key}.0 WHERE id = {key}",
            f"DELETE FROM number WHERE id = {key}",
            f"INSERT INTO tree VALUES ({key}, {self.random.choice(['NULL', str(other)])}, {text})",
            f"UPDATE tree SET parent = {other} WHERE id = {key}",
            f"DELETE FROM tree WHERE id = {key}",
            "DELETE FROM tree",
            f"INSERT INTO whole VALUES ({key}, {text})",
            f"UPDATE whole SET v = {text} WHERE id = {key}",
            f"UPDATE whole SET id = {other} WHERE id = {key}",
            f"DELETE FROM whole WHERE id = {key}",
            f"INSERT INTO line VALUES ({number % 3}, {text}), ({number % 3}, {text})",
            f"UPDATE line SET v = {text} WHERE ctid = (SELECT min(ctid) FROM line WHERE n = {number % 3})",
            f"DELETE FROM line WHERE ctid = (SELECT max(ctid) FROM line WHERE n = {number % 3})",
            f"INSERT INTO wide VALUES ({key}, repeat(md5('{number}'), 200), 0) ON CONFLICT DO NOTHING",
            f"UPDATE wide SET small = {number} WHERE id BETWEEN {key} AND {other}",
            f"UPDATE wide SET big = repeat(md5('{other}'), 150) WHERE id = {key}",
            f"UPDATE wide SET id = {other} WHERE id = {key}",
            f"DELETE FROM wide WHERE id = {key}",
        ]
        rare = ["TRUNCATE plain", "TRUNCATE coded, line", "TRUNCATE tree", "DELETE FROM plain"]
        return self.random.choice(rare) if self.random.random() < 0.02 else self.random.choice(choices)

    def transaction(self) -> list[str]:
        return [self.statement() for _ in range(self.random.choice([1, 1, 1, 2, 3, 5, 12]))]


def run_on_source(pair, transactions: list[list[str]]) -> None:
    with pair.source.connect(autocommit=False) as session:
        for statements in transactions:
            for statement in statements:
                session.execute("SAVEPOINT s")
                try:
                    session.execute(statement)
                except psycopg.Error:
                    session.execute("ROLLBACK TO s")
                session.execute("RELEASE s")
            try:
                session.commit()
            except psycopg.Error:  # a deferred key
                session.rollback()


def difference(pair) -> str:
    return "\n".join(line for table in TABLES for line in compare.differences(pair.source, pair.target, table)[:5])


def follows(pair, seed: int, role: str, transactions: list[list[str]]) -> str:
    """What differs after walgate has applied the transactions; empty: nothing."""
    chance = random.Random(seed)
    pair.both(SCHEMA)
    config = {"target": {"replica_role": role},
              "limits": {"batch_rows": chance.choice([1, 2, 3, 5, 10, 40, 20000]),
                         "batch_bytes": chance.choice(["64kB", "256kB", "8MB"])}}
    if role == "never":
        config["target"]["conninfo"] = pair.target.conninfo(user=pair.target_role(*TABLES))
    pipeline = pair.pipeline(config=config).start()
    try:
        cuts = sorted(chance.sample(range(len(transactions)), min(3, len(transactions)))) + [len(transactions)]
        done = 0
        for cut in cuts:
            if chance.random() < 0.7 and pipeline.running:
                pipeline.kill9()  # what comes now waits, and comes in large batches
            run_on_source(pair, transactions[done:cut])
            done = cut
            if not pipeline.running:
                pipeline.start()
        pipeline.wait_caught_up(120)
        return difference(pair)
    except (pipelines.Refused, AssertionError) as error:
        return str(error)
    finally:
        if pipeline.running:
            pipeline.kill9()


def shrunk(make_pair, seed: int, role: str, transactions: list[list[str]], tries: int = 24) -> list[list[str]]:
    """Fewer transactions that still differ: whole stretches are left out as long as the difference stays."""
    size = len(transactions) // 2
    while size >= 1 and tries > 0:
        at = 0
        while at < len(transactions) and tries > 0:
            fewer = transactions[:at] + transactions[at + size:]
            tries -= 1
            if fewer and follows(make_pair(), seed, role, fewer):
                transactions = fewer
            else:
                at += size
        size //= 2
    return transactions


@pytest.mark.parametrize("role", ["auto", "never"])
@pytest.mark.parametrize("seed", SEEDS)
def test_random_transactions(make_pair, tmp_path_factory, seed, role):
    generator = Generator(seed)
    transactions = [generator.transaction() for _ in range(TRANSACTIONS)]
    wrong = follows(make_pair(), seed, role, transactions)
    if wrong:
        script = tmp_path_factory.getbasetemp() / f"random_{seed}_{role}.sql"
        script.write_text(SCHEMA + "".join(
            f"BEGIN;\n{''.join(f'{statement};{chr(10)}' for statement in statements)}COMMIT;\n"
            for statements in shrunk(make_pair, seed, role, transactions)))
        pytest.fail(f"seed {seed}, replica_role {role}: {wrong}\nthe transactions that show it are in {script}:\n"
                    f"{script.read_text()}")
