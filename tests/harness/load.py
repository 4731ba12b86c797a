"""Sessions that write to the source until they are told to stop; their decisions come from a seed."""
import random
import threading
import time

import psycopg

from .server import Database


class Load:
    """`transaction(session, rng, number)` runs one transaction's statements; the generator commits it.  `number` counts
    from `first` + 1 over all sessions.  With `survives`, a lost server is waited for; any other error ends the load and is raised by stop."""

    def __init__(self, database: Database, transaction, sessions: int = 4, seed: int = 1, pause: float = 0.0,
                 limit: int | None = None, survives: bool = False, first: int = 0):
        self.database, self.transaction, self.pause, self.limit = database, transaction, pause, limit
        self.survives = survives
        self.committed = 0
        self._first = first
        self._numbers = first
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._failures: list[BaseException] = []
        self._threads = [threading.Thread(target=self._work, args=(random.Random(seed * 1000 + session),), daemon=True)
                         for session in range(sessions)]

    def start(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def stop(self) -> int:
        """Ends all sessions; returns how many transactions were committed for certain."""
        self._stop.set()
        return self.wait()

    @property
    def running(self) -> bool:
        return any(thread.is_alive() for thread in self._threads)

    def wait(self) -> int:
        """Waits for the end of a limited load."""
        for thread in self._threads:
            thread.join()
        if self._failures:
            raise self._failures[0]
        return self.committed

    def __enter__(self) -> "Load":
        return self.start()

    def __exit__(self, kind, *_):
        self._stop.set()
        if kind is None:
            self.wait()

    def _next(self) -> int | None:
        with self._lock:
            if self._stop.is_set() or (self.limit is not None and self._numbers - self._first >= self.limit):
                return None
            self._numbers += 1
            return self._numbers

    def _work(self, rng: random.Random) -> None:
        session = None
        try:
            while (number := self._next()) is not None:
                try:
                    if session is None or session.closed:
                        session = self.database.connect(autocommit=False)
                    self.transaction(session, rng, number)
                    session.commit()
                    with self._lock:
                        self.committed += 1
                except psycopg.OperationalError as error:
                    if isinstance(error, (psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure)):
                        session.rollback()
                        continue
                    if not self.survives:
                        raise
                    session = None
                    time.sleep(0.05)
                if self.pause:
                    self._stop.wait(rng.uniform(0, 2 * self.pause))
        except BaseException as error:  # handed over to stop()
            self._failures.append(error)
            self._stop.set()
        finally:
            if session is not None:
                session.close()
