"""The load: sessions that behave like the users of a requisition system, at a rate that the machine can follow.

Parents arrive with their children in one transaction, are filled in, move through their statuses, get messages and are
deleted again by a cascade; unique values move from row to row, some values are large enough to be TOASTed, some
transactions roll back. Each session works on requisitions of its own, so every count below is exact.
"""

import datetime
import random
import threading
import uuid
from collections import Counter, deque
from dataclasses import dataclass, field

import psycopg
from pace import Pace

TABLES = ["facilities", "orderables", "requisitions", "line_items", "status_changes", "status_messages"]
KINDS = ["inserts", "updates", "deletes"]
STATUSES = ["INITIATED", "SUBMITTED", "AUTHORIZED", "APPROVED", "RELEASED"]
PROGRAMS = ["essential-medicines", "family-planning", "immunization", "malaria", "tuberculosis"]

LEAST = {"inserts": 1000, "updates": 1000, "deletes": 100}
"""What every run writes, however short it is: fewer changes would prove little."""

SESSIONS = 8
REMEMBERED = 300
"""Requisitions that a session goes on working with."""


@dataclass
class Requisition:
    """What a session remembers of a requisition that it made."""

    key: uuid.UUID
    facility: uuid.UUID
    program: str
    period: datetime.date
    emergency: bool
    lines: int
    changes: list[uuid.UUID]
    messages: list[uuid.UUID] = field(default_factory=list)
    status: str = "INITIATED"


class Load:
    """Starts the sessions, counts what they have committed and ends them."""

    def __init__(self, conninfo, seed):
        self.pace = Pace(100.0)
        self.orderables = []
        self.facilities = []
        self.stopping = threading.Event()
        self.abandoned = threading.Event()
        self.error = None
        self._sessions = [Session(self, conninfo, random.Random(f"{seed}/{n}")) for n in range(SESSIONS)]
        self._reference = _no_changes()

    def start(self, conninfo):
        """Writes the reference data, then starts the sessions."""
        with psycopg.connect(conninfo, application_name="demo load") as connection:
            self._write_reference_data(connection)
        for session in self._sessions:
            session.thread.start()

    def finish(self):
        """Asks the sessions to end once the least mix is written; `running` tells when they have."""
        self.stopping.set()

    def abandon(self):
        """Ends the sessions as soon as they have finished their transaction."""
        self.abandoned.set()
        self.stopping.set()
        for session in self._sessions:
            if session.thread.is_alive():
                session.thread.join(timeout=5)

    @property
    def running(self):
        return any(session.thread.is_alive() for session in self._sessions)

    def committed(self):
        """Counter of (table, kind of change) over all committed transactions."""
        total = Counter(self._reference)
        for session in self._sessions:
            total.update(session.committed)
        return total

    def transactions(self):
        return sum(session.transactions for session in self._sessions)

    def lacking(self):
        """A kind of transaction that the least mix still needs, or None."""
        counts = self.committed()
        total = {kind: sum(counts[table, kind] for table in TABLES) for kind in KINDS}
        if total["inserts"] < LEAST["inserts"]:
            return "initiate"
        if total["updates"] < LEAST["updates"]:
            return "fill_in"
        if total["deletes"] < LEAST["deletes"]:
            return "delete"
        if counts["status_messages", "inserts"] <= counts["status_messages", "deletes"]:
            return "advance"
        return None

    def _write_reference_data(self, connection):
        with connection.transaction(), connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO requisition.facilities (code, name, location)"
                " SELECT 'HF' || to_char(n, 'FM0000'), 'Health facility ' || n,"
                " jsonb_build_object('latitude', -15 + n / 100.0, 'longitude', 35 + n / 50.0)"
                " FROM generate_series(1, 200) n RETURNING id"
            )
            self.facilities = [row[0] for row in cursor]
            self._reference["facilities", "inserts"] = cursor.rowcount
            cursor.execute(
                "INSERT INTO requisition.orderables (product_code, full_product_name, price_per_pack, extra_data)"
                " SELECT 'P' || to_char(n, 'FM00000'), 'Product ' || n, (n * 37 % 900) / 10.0 + 0.25,"
                " jsonb_build_object('pack', n % 10 + 1, 'temperature', CASE WHEN n % 7 = 0 THEN '2-8 °C' END)"
                " FROM generate_series(1, 500) n RETURNING id"
            )
            self.orderables = [row[0] for row in cursor]
            self._reference["orderables", "inserts"] = cursor.rowcount


def _no_changes():
    """A counter with every key in place: another thread may read it while it grows."""
    return Counter({(table, kind): 0 for table in TABLES for kind in KINDS})


class Session:
    """One user: a connection, its requisitions, and a transaction whenever the pace allows one; on a thread of its own."""

    def __init__(self, load, conninfo, chance):
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.committed = _no_changes()
        self.transactions = 0
        self._load = load
        self._conninfo = conninfo
        self._chance = chance
        self._mine = deque(maxlen=REMEMBERED)
        self._writing = Counter()
        self._cursor = None

    def _run(self):
        try:
            with psycopg.connect(self._conninfo, application_name="demo load") as connection:
                with connection.cursor() as self._cursor:
                    while (kind := self._next_kind()) is not None:
                        self._transaction(connection, kind)
        except psycopg.Error as error:
            if not self._load.abandoned.is_set():
                self._load.error = error
                self._load.stopping.set()

    def _next_kind(self):
        """What to do next; None when it is time to go."""
        load = self._load
        if not load.stopping.is_set():
            load.pace.wait(load.stopping)
        if load.abandoned.is_set() or load.error:
            return None
        kind = load.lacking() if load.stopping.is_set() else self._usual_kind()
        return kind if self._mine or kind is None else "initiate"

    def _usual_kind(self):
        return self._chance.choices(
            ["initiate", "fill_in", "advance", "edit_message", "refer", "delete", "redo", "give_up"],
            [28, 26, 26, 6, 4, 5, 2, 3],
        )[0]

    def _transaction(self, connection, kind):
        self._writing = Counter()
        keeps = getattr(self, "_" + kind)()
        if keeps is False:
            connection.rollback()
            return
        connection.commit()
        self.committed.update(self._writing)
        self.transactions += 1

    def _write(self, table, kind, statement, *values):
        """Runs one statement and counts the rows it wrote."""
        self._cursor.execute(statement, values)
        self._writing[table, kind] += self._cursor.rowcount

    # Kinds of transactions.  One that returns False is rolled back.

    def _initiate(self):
        """A requisition with its line items and its first status."""
        chance = self._chance
        self._mine.append(
            self._create(
                chance.choice(self._load.facilities),
                chance.choice(PROGRAMS),
                datetime.date(2020 + chance.randrange(7), chance.randrange(12) + 1, 1),
                chance.random() < 0.1,
            )
        )

    def _give_up(self):
        """The same, but the user changes her mind: nothing of it may ever be seen on the target."""
        self._create(self._chance.choice(self._load.facilities), "abandoned", datetime.date(2026, 1, 1), True)
        return False

    def _fill_in(self):
        """Quantities into every line item, and their total into the requisition."""
        requisition = self._chance.choice(self._mine)
        self._write(
            "line_items", "updates",
            "UPDATE requisition.line_items l SET requested_quantity = l.stock_on_hand / 2 + %s,"
            " approved_quantity = l.stock_on_hand / 3, total_cost = (l.stock_on_hand / 2 + %s) * o.price_per_pack"
            " FROM requisition.orderables o WHERE o.id = l.orderable_id AND l.requisition_id = %s",
            *[self._chance.randrange(100)] * 2, requisition.key,
        )
        self._total(requisition.key)

    def _advance(self):
        """The next status, often with a message; after the last one a requisition starts again."""
        requisition = self._chance.choice(self._mine)
        place = (STATUSES.index(requisition.status) + 1) % len(STATUSES)
        self._write(
            "requisitions", "updates",
            "UPDATE requisition.requisitions SET status = %s, version = version + 1, modified_at = clock_timestamp()"
            " WHERE id = %s",
            STATUSES[place], requisition.key,
        )
        change = self._change_status(requisition.key, STATUSES[place], requisition.changes[-1])
        message = None
        if self._load.stopping.is_set() or self._chance.random() < 0.5:
            self._write(
                "status_messages", "inserts",
                "INSERT INTO requisition.status_messages (requisition_id, status_change_id, body, draft)"
                " VALUES (%s, %s, %s, 'not for other eyes') RETURNING id",
                requisition.key, change, self._prose(),
            )
            message = self._cursor.fetchone()[0]
        requisition.status = STATUSES[place]
        requisition.changes.append(change)
        if message:
            requisition.messages.append(message)

    def _edit_message(self):
        """Another text, or only a note in the column that the target leaves out."""
        requisition = self._chance.choice(self._mine)
        if not requisition.messages:
            return False
        column = self._chance.choice(["body", "draft"])
        self._write(
            "status_messages", "updates",
            f"UPDATE requisition.status_messages SET {column} = %s WHERE id = %s",
            self._prose(), self._chance.choice(requisition.messages),
        )

    def _refer(self):
        """Reference data: a facility opens or closes, a price changes, or a product hands its code to a new one."""
        chance = self._chance
        what = chance.random()
        if what < 0.4:
            self._write(
                "facilities", "updates",
                "UPDATE requisition.facilities SET active = NOT active WHERE id = %s",
                chance.choice(self._load.facilities),
            )
        elif what < 0.8:
            self._write(
                "orderables", "updates",
                "UPDATE requisition.orderables SET price_per_pack = %s WHERE id = %s",
                chance.randrange(25, 90000) / 100, chance.choice(self._load.orderables),
            )
        else:
            self._write(
                "orderables", "updates",
                "UPDATE requisition.orderables SET discontinued_at = now() WHERE id = %s AND discontinued_at IS NULL"
                " RETURNING product_code, full_product_name",
                chance.choice(self._load.orderables),
            )
            if (old := self._cursor.fetchone()) is None:
                return False
            self._write(
                "orderables", "inserts",
                "INSERT INTO requisition.orderables (product_code, full_product_name, price_per_pack)"
                " VALUES (%s, %s, %s)",
                *old, chance.randrange(25, 90000) / 100,
            )

    def _delete(self):
        """A requisition and, by cascade, all that belongs to it."""
        self._remove(self._take())

    def _redo(self):
        """A requisition is deleted and made again for the same facility and period: its unique values move."""
        old = self._take()
        self._remove(old)
        self._mine.append(self._create(old.facility, old.program, old.period, old.emergency))

    # Their parts.

    def _create(self, facility, program, period, emergency):
        key = self._insert_requisition(facility, program, period, emergency)
        if key is None:  # the regular one of that period exists
            emergency = True
            key = self._insert_requisition(facility, program, period, emergency)
        products = sorted(self._chance.sample(self._load.orderables, self._chance.randrange(4, 16)))
        self._write(
            "line_items", "inserts",
            "INSERT INTO requisition.line_items (requisition_id, orderable_id, stock_on_hand, requested_quantity,"
            " total_cost) SELECT %s, o.id, item.stock, 1, o.price_per_pack"
            " FROM unnest(%s::uuid[], %s::integer[]) AS item (id, stock) JOIN requisition.orderables o USING (id)",
            key, products, [self._chance.randrange(1000) for _ in products],
        )
        self._total(key)
        return Requisition(
            key, facility, program, period, emergency, len(products), [self._change_status(key, "INITIATED", None)]
        )

    def _insert_requisition(self, facility, program, period, emergency):
        large = self._chance.randbytes(2000).hex() if self._chance.random() < 0.05 else None
        self._write(
            "requisitions", "inserts",
            "INSERT INTO requisition.requisitions (facility_id, program, processing_period, emergency, scratchpad,"
            " extra_data) VALUES (%s, %s, %s, %s, 'only here', jsonb_build_object('attachment', %s::text))"
            " ON CONFLICT (program, facility_id, processing_period) WHERE NOT emergency DO NOTHING RETURNING id",
            facility, program, period, emergency, large,
        )
        row = self._cursor.fetchone()
        return row and row[0]

    def _total(self, key):
        self._write(
            "requisitions", "updates",
            "UPDATE requisition.requisitions SET (line_count, total_cost) ="
            " (SELECT count(*), sum(total_cost) FROM requisition.line_items WHERE requisition_id = %s),"
            " version = version + 1, modified_at = clock_timestamp() WHERE id = %s",
            key, key,
        )

    def _change_status(self, key, status, previous):
        self._write(
            "status_changes", "inserts",
            "INSERT INTO requisition.status_changes (requisition_id, previous_change_id, status, author_id)"
            " VALUES (%s, %s, %s, gen_random_uuid()) RETURNING id",
            key, previous, status,
        )
        return self._cursor.fetchone()[0]

    def _take(self):
        """A requisition of ours, which is then no longer among those we work with."""
        place = self._chance.randrange(len(self._mine))
        requisition = self._mine[place]
        del self._mine[place]
        return requisition

    def _remove(self, requisition):
        self._write(
            "requisitions", "deletes", "DELETE FROM requisition.requisitions WHERE id = %s", requisition.key
        )
        # A cascade reports no row count; the session knows what it wrote.
        self._writing["line_items", "deletes"] += requisition.lines
        self._writing["status_changes", "deletes"] += len(requisition.changes)
        self._writing["status_messages", "deletes"] += len(requisition.messages)

    def _prose(self):
        words = ["stock", "is", "low", "please", "approve", "naïve", "\\N", "tab\tand\nnewline", "'quoted'", "₤", "€ 3,50"]
        return " ".join(self._chance.choices(words, k=self._chance.randrange(3, 25)))
