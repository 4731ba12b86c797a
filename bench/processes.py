"""CPU seconds of the processes that work for a follower.

A follower's processes are: the service (walgate only); in the source database every session but ours, which is the
walsender and what the service asks the source with; in the target database every session but ours, which is the
apply worker or the service's sessions.  Only one follower runs at a time, and it has a target database of its own.
"""
import os
from dataclasses import dataclass
from pathlib import Path

import psycopg

from stage import OBSERVER

TICK = 1 / os.sysconf("SC_CLK_TCK")

SESSIONS = ("SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name <> %s"
            " AND (backend_type IN ('client backend', 'walsender') OR backend_type LIKE 'logical replication %%')")


@dataclass
class Cpu:
    """Seconds of user and system time."""
    walsender: float = 0.0
    apply: float = 0.0
    service: float = 0.0

    @property
    def total(self) -> float:
        return self.walsender + self.apply + self.service

    def __sub__(self, other: "Cpu") -> "Cpu":
        return Cpu(self.walsender - other.walsender, self.apply - other.apply, self.service - other.service)


def cpu_seconds(pid: int) -> float | None:
    """User and system time of all threads of a process, also of those that ended; None when the process is gone."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = text.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * TICK


class Meter:
    """Of all processes that a follower had since it was started.  Sample now and then: of a process that ends, the last
    sample counts."""

    def __init__(self, source: psycopg.Connection, target: psycopg.Connection, service: int | None):
        self._sessions = {"walsender": source, "apply": target}
        self._service = service
        self._last: dict[tuple[str, int], float] = {}

    def sample(self) -> Cpu:
        """What was used so far."""
        pids = [(role, pid) for role, session in self._sessions.items()
                for pid, in session.execute(SESSIONS, (OBSERVER,)).fetchall()]
        if self._service:
            pids.append(("service", self._service))
        for key in pids:
            if (seconds := cpu_seconds(key[1])) is not None:
                self._last[key] = seconds
        used = Cpu()
        for (role, _), seconds in self._last.items():
            setattr(used, role, getattr(used, role) + seconds)
        return used
