"""Every type, every value of type_values.py: one table per type and kind of replica identity, all in one pipeline.

The two servers differ in everything that changes how values look, and user types have other OIDs on the two sides.
Values are compared by the bytes of their send function and by their text in one style, never by "=".
"""
import re
import subprocess

import psycopg
import pytest

from harness import Pair, paths
from type_values import SETUP, VALUES

# How the table of a type is made, and by what the source identifies its rows.
PLAIN = {
    "default": ("id int PRIMARY KEY, v {kind}, note text", "DEFAULT"),
    "indexed": ("id int NOT NULL UNIQUE, v {kind}, note text", "USING INDEX {name}_id_key"),
    "full": ("id int PRIMARY KEY, v {kind}, note text", "FULL"),
    "without_any": ("id int, v {kind}, note text", "FULL"),
}
# The same where the value is part of the key; the id keeps values apart that are "=" without being the same.
KEYED = {
    "key": ("id int, v {kind}, note text, PRIMARY KEY (v, id)", "DEFAULT"),
    "key_indexed": ("id int NOT NULL, v {kind} NOT NULL, note text, UNIQUE (v, id)", "USING INDEX {name}_v_id_key"),
    "key_full": ("id int, v {kind}, note text, PRIMARY KEY (v, id)", "FULL"),
}
FIRST_USER_OID = 16384
STEPS = 7  # rows made of each value, one for each fate


def change_rows(session: psycopg.Connection, table: str, keyed: bool) -> None:
    """Each value of `sample` (n, v, following) is inserted, set, left alone by an update, replaced, taken away,
    deleted, and moved with its key."""
    rows = f"rt.{table}"
    session.execute(f"INSERT INTO {rows} SELECT {STEPS} * n + step, v, 'inserted'"
                    f" FROM sample, generate_series(0, {STEPS - 1}) step" + ("" if keyed else " WHERE step <> 1"))
    nothing = "following" if keyed else "NULL"
    if not keyed:
        session.execute(f"INSERT INTO {rows} SELECT {STEPS} * n + 1, NULL, 'empty' FROM sample")
    for step, change in enumerate(("", "SET v = sample.v, note = 'set'", "SET note = 'left alone'", "SET v = following",
                                   f"SET v = {nothing}, note = 'taken away'", "", "SET id = -id")):
        if change:
            session.execute(f"UPDATE {rows} t {change} FROM sample WHERE t.id = {STEPS} * n + {step}")
    session.execute(f"DELETE FROM {rows} USING sample WHERE id = {STEPS} * n + 5")


def comparable(session: psycopg.Connection, kind: str) -> bool:
    """Whether a key may hold values of this type: two equal ones collide."""
    try:
        with session.transaction(force_rollback=True):
            session.execute(f"CREATE TEMP TABLE probe (v {kind} PRIMARY KEY)")
            session.execute("INSERT INTO probe SELECT v FROM (SELECT v FROM sample LIMIT 1) s, generate_series(1, 2)")
    except (psycopg.errors.UndefinedObject, psycopg.errors.UndefinedFunction):
        return False
    except psycopg.errors.UniqueViolation:
        return True
    raise AssertionError(f"two equal values of {kind} are no duplicate")


class Samples:
    """The pair of databases, and the tables made for each type."""

    def __init__(self, pair: Pair):
        self.pair = pair
        self.tables: dict[str, list[str]] = {}
        self.sessions: list[psycopg.Connection] = []  # to look at the source and at the target

    def make_tables(self, source: psycopg.Connection, target: psycopg.Connection) -> None:
        for number, (kind, literals) in enumerate(VALUES.items()):
            source.execute(f"CREATE TEMP TABLE sample_{number} (n int, v {kind})")
            for n, literal in enumerate(literals, 1):
                source.execute(f"INSERT INTO sample_{number} VALUES (%s, ({literal.replace('%', '%%')})::{kind})", (n,))
            source.execute(f"CREATE TEMP VIEW sample AS SELECT * FROM sample_{number} WHERE length(v::text) <= 1000")
            variants = PLAIN | (KEYED if comparable(source, kind) else {})
            source.execute("DROP VIEW sample")
            plain = re.sub(r"\W+", "_", kind.replace("[]", "_array")).strip("_").lower()
            self.tables[kind] = []
            for variant, (columns, identity) in variants.items():
                name = f"t{number}_{plain}_{variant}"
                self.tables[kind].append(name)
                for session in (source, target):
                    session.execute(f"CREATE TABLE rt.{name} ({columns.format(kind=kind)})")
                    session.execute(f"ALTER TABLE rt.{name} REPLICA IDENTITY {identity.format(name=name)}")

    def fill(self, source: psycopg.Connection) -> None:
        for number, tables in enumerate(self.tables.values()):
            for table in tables:
                keyed = "_key" in table
                source.execute(f"CREATE TEMP VIEW sample AS WITH s AS (SELECT * FROM sample_{number}"
                               f" {'WHERE length(v::text) <= 1000' if keyed else ''}) SELECT n, v, coalesce("
                               f"lead(v) OVER (ORDER BY n), first_value(v) OVER (ORDER BY n)) AS following FROM s")
                with source.transaction():
                    change_rows(source, table, keyed)
                source.execute("DROP VIEW sample")

    def bytes_carry_oids(self, kind: str) -> bool:
        """Whether the binary form holds OIDs, which differ between the servers; their text is compared alone."""
        type_kind, category, base, element, send, name = self.sessions[0].execute(
            "SELECT typtype, typcategory, typbasetype::regtype::text, typelem, typsend::oid, typname::text"
            " FROM pg_type WHERE oid = %s::regtype", (kind,)).fetchone()
        if type_kind == "d":
            return self.bytes_carry_oids(base)
        return (type_kind == "c" or send == 0 or name == "_aclitem" or name.lstrip("_").startswith("reg")
                or category == "A" and element >= FIRST_USER_OID)

    def images(self, table: str, kind: str) -> list[dict]:
        """By id, note, bytes (as md5) and text of each value, on the source and on the target."""
        send, = self.sessions[0].execute(
            "SELECT typsend::text FROM pg_type WHERE oid = %s::regtype", (kind,)).fetchone()
        # Some types borrow the function of text, and that of enums takes no domain.
        borrowed = {"textsend": "::text", "enum_send": "::mood" if kind == "moody" else ""}.get(send, "")
        send = "NULL" if self.bytes_carry_oids(kind) else f"md5({send}(v{borrowed}))"
        # The output function of xml, unlike its cast, leaves out what the declaration says of an encoding.
        text = "v::text[]::text" if kind in ("xml[]", "letter[]") else "v::text"
        text = f"CASE WHEN length({text}) > 2000 THEN md5({text}) ELSE {text} END"
        query = f"SELECT id, note, {send}, {text} FROM rt.{table}"
        return [{row[0]: row[1:] for row in session.execute(query)} for session in self.sessions]


@pytest.fixture(scope="module")
def samples(source_server, target_server):
    pair = Pair(source_server.database("types"), target_server.database("types"))
    try:
        # Other OIDs on the other side, and not all of them shifted alike.
        pair.target.execute("CREATE TYPE shift AS ENUM ('x'); CREATE TABLE shift_more (a int); CREATE EXTENSION hstore;"
                            "CREATE EXTENSION citext; DROP EXTENSION hstore; DROP EXTENSION citext")
        pair.both(SETUP + 'CREATE TABLE "Odd.Schema"."Odd ""Table" (); CREATE SCHEMA rt')
        made = Samples(pair)
        with pair.source.connect() as source:
            with pair.target.connect(autocommit=False) as target:
                made.make_tables(source, target)
                target.commit()
            pipeline = pair.pipeline(publish="TABLES IN SCHEMA rt").start()
            made.fill(source)
            pipeline.wait_caught_up(120)
        made.sessions = [side.connect() for side in (pair.source, pair.target)]
        yield made
        for session in made.sessions:
            session.close()
    finally:
        pair.close()


@pytest.mark.parametrize("kind", VALUES)
def test_values_of(samples, kind):
    for table in samples.tables[kind]:
        source, target = samples.images(table, kind)
        values = len({id // STEPS for id in source if id > 0}) if "_key" in table else len(VALUES[kind])
        assert values and len(source) == (STEPS - 1) * values, f"{table}: {len(source)} rows of {values} values"
        assert source.keys() == target.keys(), table
        wrong = {(id, source[id], target[id]) for id in source if source[id] != target[id]}
        assert not wrong, f"{table}: {wrong}"


def test_user_types_have_other_oids_on_the_target(samples):
    for kind in ("mood", "place", "small", "citext", "hstore", "ltree", "moodrange"):
        oids = [session.execute("SELECT %s::regtype::oid", (kind,)).fetchone() for session in samples.sessions]
        assert oids[0] != oids[1], kind


def test_char_and_bit_of_the_target_are_not_cut_to_one(pair):
    # SQL reads "character" and "bit" without a length as those of length 1.
    pair.source.execute("CREATE TABLE item (code text PRIMARY KEY, flags text, name text)")
    pair.target.execute("CREATE TABLE item (code char(5) PRIMARY KEY, flags bit(4), name char(9))")
    cast = {"flags": "bit(4)", "name": "char(9)"}
    pipeline = pair.pipeline(config={"tables": [{"source": "public.item", "cast": cast}]}).start()
    pair.source.execute("INSERT INTO item VALUES ('abc', '1010', 'one'), ('abd', '0101', 'two'),"
                        "  ('a', '1111', 'three')")
    pair.source.execute("UPDATE item SET name = 'changed' WHERE code = 'abd'; DELETE FROM item WHERE code = 'abc'")
    pipeline.wait_caught_up()
    assert pair.target.rows("SELECT code::text, flags::text, name::text FROM item ORDER BY code") == [
        ("a", "1111", "three"), ("abd", "0101", "changed")]


def test_an_extension_in_another_schema(pair):
    """The target keeps its extensions in a schema of their own, off the search path."""
    pair.source.execute("CREATE EXTENSION hstore; CREATE EXTENSION citext")
    pair.target.execute("CREATE SCHEMA extensions; CREATE EXTENSION citext SCHEMA extensions;"
                        "CREATE EXTENSION hstore SCHEMA extensions")
    pair.source.execute("CREATE TABLE item (code citext PRIMARY KEY, tags hstore, many hstore[])")
    pair.target.execute("CREATE TABLE item (code extensions.citext PRIMARY KEY, tags extensions.hstore,"
                        " many extensions.hstore[])")
    pipeline = pair.pipeline().start()
    pair.source.execute("INSERT INTO item VALUES ('A', 'a=>1', ARRAY['b=>2', NULL]::hstore[]), ('B', NULL, NULL)")
    pair.source.execute("UPDATE item SET tags = 'c=>3' WHERE code = 'a'; DELETE FROM item WHERE code = 'b'")
    pair.source.execute("UPDATE item SET code = 'Z' WHERE code = 'a'")
    pipeline.wait_caught_up()
    assert pair.target.rows("SELECT code::text, tags::text, many::text FROM item") == [
        ("Z", '"c"=>"3"', '{"\\"b\\"=>\\"2\\"",NULL}')]


def test_check_knows_which_types_travel_as_text(pair):
    # Text of any type may become whatever its input function reads; bytes need a cast of the server.
    pair.both("CREATE TYPE part AS (kind regtype)")
    pair.source.execute("CREATE TABLE item (id int PRIMARY KEY, kinds regtype[], parts part[], query tsquery, list oidvector)")
    pair.target.execute("CREATE TABLE item (id int PRIMARY KEY, kinds text[], parts text[], query text, list oid)")
    pipeline = pair.pipeline()
    assert pipeline.command("check").code == 0
    pipeline.start()
    pair.source.execute("INSERT INTO item VALUES (1, '{integer,text}', ARRAY[ROW('integer')::part], 'a & b', '7')")
    pipeline.wait_caught_up()
    assert pair.target.rows("SELECT kinds, parts, query, list::int FROM item") == [
        (["integer", "text"], ["(integer)"], "'a' & 'b'", 7)]


@pytest.mark.parametrize("kind, value", [("money", "'-1234.50'"), ("price", "0.01"), ("money[]", "'{7.25,NULL}'")])
def test_money_keeps_its_bits_and_check_compares_lc_monetary(pair, kind, value):
    pair.source.execute(f'ALTER DATABASE "{pair.source.name}" SET lc_monetary = \'C.UTF-8\'')
    pair.both(f"CREATE DOMAIN price AS money; CREATE TABLE item (id int PRIMARY KEY, v {kind})")
    pipeline = pair.pipeline()

    def findings():
        done = pipeline.command("check", "--json")
        assert done.code == 0, done
        return [finding for finding in done.json if "lc_monetary" in finding["finding"]]

    found, = findings()
    assert (found["name"], found["severity"], found["object"]) == ("incompatible_type", "warning", "public.item"), found
    assert '"C.UTF-8"' in found["finding"] and '"C"' in found["finding"] and found["remedy"], found
    pipeline.start()
    assert "lc_monetary" in pipeline.log()
    pair.source.execute(f"INSERT INTO item VALUES (1, {value}), (2, NULL)")
    pipeline.wait_caught_up()
    pair.assert_same("item")
    pipeline.stop()
    pipeline.write_config(tables=[{"source": "public.item", "columns": {"v": None}}])
    assert not findings()
    pipeline.write_config(tables=...)
    pair.source.execute(f'ALTER DATABASE "{pair.source.name}" RESET lc_monetary')
    assert not findings()


@pytest.mark.parametrize("side", ["source", "target"])
def test_money_inside_of_types_that_travel_as_text_keeps_its_amount(own_pair, monkeypatch, side):
    """Text of money follows lc_monetary: "12,34" of one locale is 1234 in another."""
    server = getattr(own_pair, side).server
    locales = paths.scratch() / "locales" / side
    locales.mkdir(parents=True, exist_ok=True)
    # Warnings about the definition end with 1; the server says whether it can use it.
    subprocess.run(server.installation.command("localedef", "-i", "es_AR", "-f", "UTF-8", locales / "es_AR.UTF-8"),
                   check=False, capture_output=True)
    monkeypatch.setenv("LOCPATH", str(locales))
    server.restart()
    getattr(own_pair, side).execute(f"ALTER DATABASE {own_pair.source.name} SET lc_monetary = 'es_AR.UTF-8'")
    assert "12,34" in getattr(own_pair, side).value("SELECT 12.34::numeric::money::text")
    own_pair.both("CREATE TYPE priced AS (kind regclass, price money); CREATE DOMAIN few AS priced[];"
                  "CREATE TABLE item (id int PRIMARY KEY, one priced, many priced[], few few, plain money)")
    pipeline = own_pair.pipeline().start()
    own_pair.source.execute(
        "INSERT INTO item SELECT n, p, ARRAY[p, NULL], ARRAY[p], m FROM (VALUES (1, 12.34), (2, -1234567.89), (3, 0),"
        "  (4, 92233720368547758.07)) v (n, amount), CAST(amount AS money) m, CAST(ROW('pg_class', m) AS priced) p")
    own_pair.source.execute("UPDATE item SET one.price = 0.05::numeric::money WHERE id = 3")
    pipeline.wait_caught_up()
    amounts = ("SELECT id, (one).price::numeric, many[1].price::numeric, few[1].price::numeric, plain::numeric FROM item"
               " ORDER BY id")
    assert own_pair.target.rows(amounts) == own_pair.source.rows(amounts)
    found = [finding["object"] for finding in pipeline.command("check", "--json").json if "lc_monetary" in finding["finding"]]
    assert found == ["public.item"]
    pipeline.stop()
    pipeline.write_config(tables=[{"source": "public.item", "columns": {"plain": None, "many": None, "few": None}}])
    found = [finding for finding in pipeline.command("check", "--json").json if "lc_monetary" in finding["finding"]]
    assert found, "money inside of a composite is money"


def formats_of_the_stream(pair, publication: str, slot: str) -> dict[str, str]:
    """The format of each column, "b" or "t", as the relation record of the table says it (extension/PROTOCOL.md)."""
    frames = pair.source.rows(
        "SELECT data FROM pg_logical_slot_peek_binary_changes(%s, NULL, NULL, 'publications', %s, 'protocol', '1')",
        slot, f'"{publication}"')
    formats = {}
    for frame, in frames:
        at = 0
        while at < len(frame):
            kind, length = frame[at:at + 1], int.from_bytes(frame[at + 1:at + 5], "big")
            body, at = frame[at + 5:at + 5 + length], at + 5 + length
            if kind != b"R":
                continue
            def text(start):
                end = start + 2 + int.from_bytes(body[start:start + 2], "big")
                return body[start + 2:end].decode(), end
            _, place = text(14)
            _, place = text(place)
            place += 2
            while place < len(body):
                letter = chr(body[place + 1])
                name, place = text(place + 17)
                _, place = text(place)
                _, place = text(place)
                formats[name] = letter
    return formats


def test_check_and_stream_agree_on_the_format_of_every_type(pair):
    """What arrives as text may become anything that reads text; bytes of another type are refused by check."""
    pair.both(SETUP)
    columns = {f"c{number}": kind for number, kind in enumerate(VALUES)}
    made = "CREATE TABLE item (id int PRIMARY KEY, {})"
    pair.source.execute(made.format(", ".join(f"{name} {kind}" for name, kind in columns.items())))
    pair.target.execute(made.format(", ".join(f"{name} {'line' if kind == 'pg_lsn' else 'pg_lsn'}"
                                              for name, kind in columns.items())))
    pipeline = pair.pipeline(publish="TABLE item")
    pair.source.execute("INSERT INTO item (id) VALUES (1)")
    streamed = formats_of_the_stream(pair, pipeline.name, pipeline.slot)
    assert streamed.keys() - {"id"} == columns.keys()
    refused = {finding["object"].rsplit(".", 1)[1] for finding in pipeline.command("check", "--json").json
               if finding["name"] == "incompatible_type" and finding["severity"] == "error"}
    assert set(streamed.values()) == {"b", "t"}
    wrong = {kind: streamed[name] for name, kind in columns.items() if (name in refused) != (streamed[name] == "b")}
    assert not wrong
