"""A place where writers of a table have to wait until the test lets them go on."""
import itertools

from .server import Database
from .waiting import wait_until

_numbers = itertools.count(1)


class Hold:
    """Whoever inserts (or, with `event`, updates) a row of `table` for which `when` is true waits at it: a trigger, which
    acts in replica sessions too.  It asks again and again instead of waiting for a lock, so that no lock_timeout ends
    the wait.  With `at_commit` it is their COMMIT that waits."""

    def __init__(self, database: Database, table: str, when: str = "true", event: str = "INSERT", at_commit: bool = False):
        self.database = database
        self._key = next(_numbers)
        name = f"hold_{self._key}"
        self._session = database.connect()
        self._session.execute("SELECT pg_advisory_lock(%s)", (self._key,))
        kind, moment, deferred = ("CONSTRAINT TRIGGER", "AFTER", "DEFERRABLE INITIALLY DEFERRED") if at_commit else ("TRIGGER", "BEFORE", "")
        database.execute(f"""
            CREATE FUNCTION public.{name}() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
              WHILE NOT pg_try_advisory_xact_lock_shared({self._key}) LOOP PERFORM pg_sleep(0.01); END LOOP;
              RETURN NEW;
            END $$;
            CREATE {kind} {name} {moment} {event} ON {table} {deferred} FOR EACH ROW WHEN ({when}) EXECUTE FUNCTION public.{name}();
            ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}""")

    def waiting(self) -> int:
        """How many sessions wait here (or at another hold of this database)."""
        return self.database.value("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                                   " AND wait_event = 'PgSleep'")

    def wait_reached(self, sessions: int = 1, seconds: float = 30, what="somebody waits at the hold") -> "Hold":
        """Waits until that many sessions wait here."""
        wait_until(lambda: self.waiting() >= sessions, seconds, what)
        return self

    def release(self) -> None:
        """Lets everybody go on; the next ones do not stop here."""
        if not self._session.closed:
            self._session.close()
