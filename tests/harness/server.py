"""Throwaway PostgreSQL servers.

Each server is a child process with a data folder, a socket folder and a loopback port of its own.  It runs as another
user when we are root, ends with us (the kernel sends it SIGQUIT when our process dies), and keeps its port over restarts.
"""
import atexit
import itertools
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import psycopg

from . import paths
from .waiting import wait_until

STOP_SIGNALS = {"smart": signal.SIGTERM, "fast": signal.SIGINT, "immediate": signal.SIGQUIT}

DEFAULTS = {
    "wal_level": "logical",
    "max_replication_slots": 60,
    "max_wal_senders": 60,
    "max_connections": 120,
    "shared_buffers": "64MB",
    "max_wal_size": "4GB",
    "fsync": "off",  # we crash servers, never the machine
    "full_page_writes": "off",
    "log_line_prefix": "%m [%p] %q%a@%d ",
    "log_checkpoints": "off",
}

PLAIN_STYLE = ("-c DateStyle=ISO -c TimeZone=UTC -c IntervalStyle=postgres -c extra_float_digits=3 -c bytea_output=hex"
               " -c client_encoding=UTF8")

_numbers = itertools.count(1)
_running: set["Server"] = set()


def free_port() -> int:
    """A loopback port that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """One server.  `settings` override DEFAULTS (None leaves a setting out); `hba` lines come first in pg_hba.conf;
    `folder` is made by us and holds everything, by default inside the scratch folder of this process;
    `installation` is the PostgreSQL that runs it."""

    def __init__(self, name: str = "server", settings: dict | None = None, hba: list[str] | None = None,
                 folder: Path | None = None, initdb: list[str] | None = None,
                 installation: paths.Installation = paths.OURS, _copy_of: "Server | None" = None):
        self.name = name
        self.installation = installation
        self.folder = Path(folder) if folder else paths.scratch() / f"{name}{next(_numbers)}"
        self.data = self.folder / "data"
        self.log_file = self.folder / "server.log"
        self.port = free_port()
        self.process: subprocess.Popen | None = None
        self.settings = DEFAULTS | self._settings_of_version() | (settings or {})
        self.folder.mkdir(parents=True)
        self.folder.chmod(0o755)
        paths.give_to_server(self.folder)
        if _copy_of:
            self._copy(_copy_of.data, self.data)
            (self.data / "postmaster.pid").unlink(missing_ok=True)
        else:
            self._run("initdb", "-D", str(self.data), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale",
                      "--no-sync", *(initdb or []))
            with open(self.data / "postgresql.conf", "a", encoding="utf-8") as conf:
                conf.write("include 'harness.conf'\n")
        if hba:
            file = self.data / "pg_hba.conf"
            file.write_text("\n".join(hba) + "\n" + file.read_text())
        self._write_settings()

    def _settings_of_version(self) -> dict:
        """What only some versions know: the setting that lets our plugin load, and the number of origins."""
        wanted = {"output_plugin_libraries": "pgoutput, test_decoding, walgate",
                  "max_active_replication_origins": DEFAULTS["max_replication_slots"]}
        return {name: value for name, value in wanted.items() if name in self.installation.settings()}

    # Life

    def start(self, wait: bool = True) -> "Server":
        """Starts the server and waits until it takes connections."""
        assert self.process is None, f"{self.name} runs already"
        with open(self.log_file, "ab") as log:
            self.process = subprocess.Popen(
                self._command("postgres", "-D", self.data, dies_with_us="QUIT"),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder, start_new_session=True)
        _running.add(self)
        if wait:
            self.wait_ready()
        return self

    def wait_ready(self, seconds: float = 60) -> None:
        """Waits until the server takes connections."""
        def ready():
            if self.process.poll() is not None:
                raise RuntimeError(f"{self.name} did not start:\n{self.log_tail()}")
            try:
                lines = (self.data / "postmaster.pid").read_text().splitlines()
            except FileNotFoundError:
                return False
            return len(lines) > 7 and lines[0] == str(self.process.pid) and lines[7].strip() == "ready"
        wait_until(ready, seconds, lambda: f"{self.name} is ready\n{self.log_tail()}")

    def stop(self, mode: str = "fast", seconds: float = 60) -> None:
        """Stops the server; `mode` is smart, fast or immediate.  Fails when it takes longer than `seconds`."""
        if self.process is None:
            return
        self.request_stop(mode)
        self.wait_stopped(seconds)

    def request_stop(self, mode: str = "fast") -> None:
        """Asks the server to stop, without waiting."""
        self.process.send_signal(STOP_SIGNALS[mode])

    def wait_stopped(self, seconds: float = 60) -> None:
        """Waits for the end of a stop that was requested."""
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.name} did not stop within {seconds} s:\n{self.log_tail()}") from None
        self.process = None
        _running.discard(self)

    def remove(self) -> None:
        """Stops the server if it runs and takes its data away, so that a long run does not fill the disk; its log stays.
        WALGATE_KEEP keeps everything."""
        if self.running:
            self.stop("immediate")
        if not os.environ.get("WALGATE_KEEP"):
            for folder in [self.data, *self.folder.glob("saved*")]:
                shutil.rmtree(folder, ignore_errors=True)

    def kill9(self) -> None:
        """Kills the postmaster and all its children at once."""
        pids = [self.process.pid, *self._children()]
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait()
        wait_until(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in pids), what="the killed backends are gone")
        self.process = None
        _running.discard(self)

    def restart(self, mode: str = "fast") -> None:
        """Stops and starts; with mode "immediate" the start is a crash recovery."""
        self.stop(mode)
        self.start()

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def _children(self) -> list[int]:
        path = f"/proc/{self.process.pid}/task/{self.process.pid}/children"
        with open(path, encoding="ascii") as file:
            return [int(pid) for pid in file.read().split()]

    # Older states

    def save(self) -> Path:
        """Copies the data folder of the stopped server (a running one is restarted) and returns the copy's path."""
        copy = self.folder / f"saved{next(_numbers)}"
        was_running = self.running
        self.stop()
        self._copy(self.data, copy)
        if was_running:
            self.start()
        return copy

    def restore(self, saved: Path) -> None:
        """Puts the data folder back to what `save` kept, as a restored backup would, and starts the server."""
        self.stop("immediate")
        shutil.rmtree(self.data)
        self._copy(saved, self.data)
        self._write_settings()
        self.start()

    def clone(self, name: str) -> "Server":
        """Another server on a copy of this one's data (same system identifier); a running one is restarted."""
        was_running = self.running
        self.stop()
        copy = Server(name, self.settings, installation=self.installation, _copy_of=self)
        if was_running:
            self.start()
        return copy

    @staticmethod
    def _copy(source: Path, to: Path) -> None:
        subprocess.run(["cp", "-a", str(source), str(to)], check=True)

    # Settings

    def configure(self, **settings) -> None:
        """Changes settings and reloads a running server; None takes a setting away."""
        self.settings |= settings
        self._write_settings()
        if self.running:
            before = self.value("SELECT pg_conf_load_time()")
            self.execute("SELECT pg_reload_conf()")
            wait_until(lambda: self.value("SELECT pg_conf_load_time()") != before, what="settings are reloaded")

    def _write_settings(self) -> None:
        file = self.data / "harness.conf"
        lines = [f"listen_addresses = '127.0.0.1'\nport = {self.port}\nunix_socket_directories = '{self.folder}'\n",
                 self.installation.staged_extension()]
        for name, value in self.settings.items():
            if value is not None:
                text = str(value).replace("'", "''")
                lines.append(f"{name} = '{text}'\n")
        file.write_text("".join(lines))
        paths.give_to_server(file)

    # Connections

    def conninfo(self, dbname: str = "postgres", tcp: bool = False, **more) -> str:
        """A libpq connection string; over the socket unless `tcp`."""
        host = "127.0.0.1" if tcp else str(self.folder)
        words = {"host": host, "port": self.port, "dbname": dbname, "user": "postgres"} | more
        return psycopg.conninfo.make_conninfo(**{key: str(value) for key, value in words.items() if value is not None})

    def connect(self, dbname: str = "postgres", autocommit: bool = True, **more) -> psycopg.Connection:
        """A session of the test.  It reads texts in the same style from every server, whatever the server's own settings."""
        return psycopg.connect(self.conninfo(dbname, **({"options": PLAIN_STYLE} | more)), autocommit=autocommit)

    def execute(self, sql: str, *values) -> None:
        self.as_database().execute(sql, *values)

    def value(self, sql: str, *values):
        return self.as_database().value(sql, *values)

    def rows(self, sql: str, *values) -> list[tuple]:
        return self.as_database().rows(sql, *values)

    def as_database(self, dbname: str = "postgres") -> "Database":
        """A database that exists."""
        return Database(self, dbname)

    def database(self, name: str, options: str = "") -> "Database":
        """Creates a database."""
        self.execute(f'CREATE DATABASE "{name}" {options}')
        return Database(self, name)

    def log_tail(self, lines: int = 30) -> str:
        try:
            return "\n".join(self.log_file.read_text(errors="replace").splitlines()[-lines:])
        except FileNotFoundError:
            return ""

    def _command(self, program: str, *words, dies_with_us: str | None = None) -> list[str]:
        """The command line of one of PostgreSQL's programs, run by the server's user."""
        as_user = paths.as_server_user(dies_with_us=dies_with_us)
        return self.installation.command(*as_user, self.installation.program(program), *words)

    def _run(self, program: str, *words: str) -> None:
        done = subprocess.run(self._command(program, *words), cwd=self.folder, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode:
            raise RuntimeError(f"{program} failed:\n{done.stdout}")


class Database:
    """One database of a server."""

    def __init__(self, server: Server, name: str):
        self.server = server
        self.name = name

    def conninfo(self, **more) -> str:
        return self.server.conninfo(self.name, **more)

    def connect(self, autocommit: bool = True, **more) -> psycopg.Connection:
        return self.server.connect(self.name, autocommit=autocommit, **more)

    def execute(self, sql: str, *values) -> None:
        """Runs SQL in a session of its own; several statements without values are one transaction."""
        with self.connect() as session:
            session.execute(sql, values or None)

    def rows(self, sql: str, *values) -> list[tuple]:
        with self.connect() as session:
            return session.execute(sql, values or None).fetchall()

    def value(self, sql: str, *values):
        """The first column of the only row."""
        rows = self.rows(sql, *values)
        assert len(rows) == 1, f"{len(rows)} rows from {sql}"
        return rows[0][0]

    def drop(self) -> None:
        self.server.execute(f'DROP DATABASE IF EXISTS "{self.name}" WITH (FORCE)')


@atexit.register
def _stop_all() -> None:
    """Nothing of ours keeps running, whatever the tests did."""
    left = list(_running)
    for server in left:
        if server.running:
            server.request_stop("immediate")
    deadline = time.monotonic() + 15
    for server in left:
        try:
            server.process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            server.process.kill()
