"""How fast the load writes: as fast as lets the target follow and leaves the machine some breath."""

import threading
import time
from pathlib import Path

BUSY = 0.80
"""Share of all processors up to which the rate still grows."""
LATE_MILLISECONDS = 150
"""Lag from which the rate falls."""


class Pace:
    """Hands out the moments at which the next transaction may start, at a rate that may be changed at any time."""

    def __init__(self, rate):
        self.rate = rate
        self._next = time.monotonic()
        self._lock = threading.Lock()

    def wait(self, stop):
        """Returns at the next free moment, or at once when `stop` is set."""
        with self._lock:
            now = time.monotonic()
            moment = max(now, self._next)
            self._next = moment + 1 / self.rate
        stop.wait(max(0.0, moment - now))


class Governor:
    """Changes a pace by what it sees: the lag, how busy the processors are, and what the sessions manage anyway."""

    def __init__(self, pace):
        self._pace = pace
        self._growth = 1.6  # until the limit was met for the first time
        self._last = (time.monotonic(), *_processor_time(), 0)

    def look(self, lag_milliseconds, transactions):
        """To be called often; acts every half second.  `lag_milliseconds` is None while it is not known."""
        now = time.monotonic()
        before, busy_before, all_before, transactions_before = self._last
        if now - before < 0.5:
            return
        busy, all_time = _processor_time()
        share = (busy - busy_before) / max(all_time - all_before, 1)
        managed = (transactions - transactions_before) / (now - before)
        self._last = (now, busy, all_time, transactions)
        if lag_milliseconds is None or lag_milliseconds > LATE_MILLISECONDS:
            change, self._growth = 0.75, 1.15
        elif share > BUSY:
            change, self._growth = 1.0, 1.15
        else:
            change = self._growth
        self._pace.rate = max(min(self._pace.rate * change, 1.5 * managed), 50.0)


def _processor_time():
    """Time that all processors have spent working, and all time."""
    ticks = [int(word) for word in Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()[1:9]]
    return sum(ticks) - ticks[3] - ticks[4], sum(ticks)
