"""One walgate pipeline: its configuration file, its service process and its commands."""
import copy
import json
import os
import re
import signal
import subprocess
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from . import paths
from .server import Database, free_port
from .waiting import wait_until

# A line of the log: time, level, name of the event, message, key=value pairs (docs/commands.md).
EVENT = re.compile(r"\S+Z (?P<level>\w+) (?P<name>\w+) (?P<rest>.*)")
FIELD = re.compile(r'(\w+)=("(?:[^"\\]|\\.)*"|\S+)')

live: list["Pipeline"] = []  # of the test that runs now, for its report and its end


class Refused(AssertionError):
    """The service ended although it should run."""


@dataclass
class Done:
    """How a command ended."""
    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)


def lsn(text: str | None) -> int:
    """The number behind "16/B374D848"; 0 for none."""
    high, low = (text or "0/0").split("/")
    return (int(high, 16) << 32) + int(low, 16)


def merged(base: dict, more: dict) -> dict:
    """`more` laid over `base`, object by object; the value ... (Ellipsis) takes a key away."""
    result = copy.deepcopy(base)
    for key, value in more.items():
        if value is ...:
            result.pop(key, None)
        elif isinstance(value, dict) and isinstance(result.get(key), dict):
            result[key] = merged(result[key], value)
        else:
            result[key] = value
    return result


class Pipeline:
    """`publish` is what follows FOR in CREATE PUBLICATION, None to make none; `config` is laid over the plain file.
    `copy` asks for the initial copy: True, or its keys; without it the service only streams.  `env` is the environment of
    the service and of all commands."""

    def __init__(self, source: Database, target: Database, name: str, publish: str | None = "ALL TABLES",
                 slot: bool = True, config: dict | None = None, copy: bool | dict = False, env: dict | None = None):
        self.source, self.target, self.name = source, target, name
        self.folder = paths.scratch() / f"pipeline_{name}_{os.urandom(3).hex()}"
        self.folder.mkdir()
        self.config_file = self.folder / "walgate.json"
        self.log_file = self.folder / "service.log"
        self.http_port = free_port()
        self.env = env or {}
        self.config = merged({
            "pipeline": name,
            "source": {"conninfo": source.conninfo()},
            "target": {"conninfo": target.conninfo()},
            "http": {"listen": f"127.0.0.1:{self.http_port}"},
            "copy": {"enabled": copy is not False} | (copy if isinstance(copy, dict) else {}),
        }, config or {})
        self.process: subprocess.Popen | None = None
        live.append(self)
        source.execute("CREATE EXTENSION IF NOT EXISTS walgate")
        if publish:
            source.execute(f'CREATE PUBLICATION "{name}" FOR {publish}')
        if slot:
            self.create_slot()
        self.write_config()

    # Set-up

    @property
    def slot(self) -> str:
        return str(self.config["source"].get("slot", self.name))

    def create_slot(self) -> str:
        return self.source.value("SELECT walgate.create_slot(%s)", self.slot)

    def drop_slot(self) -> None:
        wait_until(lambda: not self.slot_row() or not self.slot_row()["active"], what="the slot is free")
        self.source.value("SELECT walgate.drop_slot(%s)", self.slot)

    def slot_row(self, slot: str | None = None) -> dict | None:
        """active, confirmed_flush_lsn and restart_lsn of the slot, or of another one."""
        rows = self.source.rows("SELECT active, confirmed_flush_lsn::text, restart_lsn::text, active_pid"
                                "  FROM pg_replication_slots WHERE slot_name = %s", slot or self.slot)
        return dict(zip(("active", "confirmed_flush_lsn", "restart_lsn", "active_pid"), rows[0])) if rows else None

    def write_config(self, **more) -> None:
        """Writes the file again, after laying `more` over the configuration."""
        self.config = merged(self.config, more)
        self.config_file.write_text(json.dumps(self.config, indent=1))

    # Commands

    def command(self, *words: str, seconds: float = 60, env: dict | None = None, config: Path | None = None) -> Done:
        """Runs `walgate WORDS --config FILE` to its end."""
        done = subprocess.run(
            [str(paths.walgate_binary()), *words, "--config", str(config or self.config_file)],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=seconds, env=self._env(env))
        return Done(done.returncode, done.stdout, done.stderr)

    def _env(self, more: dict | None = None) -> dict:
        plain = {key: value for key, value in os.environ.items() if not key.startswith(("PG", "WALGATE_"))}
        return plain | self.env | (more or {})

    # The service

    def start(self, wait: bool = True, env: dict | None = None, words: tuple = ()) -> "Pipeline":
        """Starts `walgate run`; with `wait`, returns when it streams and raises Refused when it ends instead."""
        assert not self.running, "the service runs already"
        with open(self.log_file, "ab") as log:
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", str(paths.walgate_binary()), "run", "--config", str(self.config_file),
                 *words],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self._env(env), start_new_session=True)
        if wait:
            self.wait_state("streaming")
        return self

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def status(self) -> dict | None:
        """What the running service says; None while it does not answer."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.http_port}/status", timeout=5) as answer:
                return json.load(answer)
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return None

    def wait_state(self, *states: str, seconds: float = 30) -> dict:
        """Waits until the service is in one of these states and returns its status."""
        last: list = [None]

        def reached():
            if not self.running:
                raise Refused(f"the service ended with {self.process and self.process.returncode}:\n{self.log_tail()}")
            last[0] = self.status()
            return last[0] if last[0] and last[0]["state"] in states else None
        return wait_until(reached, seconds, lambda: f"state {states}; it is {last[0]}\n{self.log_tail()}")

    def wait_gate(self, text: str = "", seconds: float = 30) -> dict:
        """Waits until the stream waits at a gate because of something that reads like `text`; what status says of it."""
        def found():
            status = self.status()
            gate = status and status["state"] == "at_gate" and status["gate"]
            return gate if gate and text in "; ".join(gate["differences"]) else None
        return wait_until(found, seconds, lambda: f"a gate about {text!r}: {self.status()}\n{self.log_tail()}")

    def wait_caught_up(self, seconds: float = 60) -> dict:
        """Waits until everything that the source has committed so far is on the target."""
        return self.wait_applied(self.source.value("SELECT pg_current_wal_insert_lsn()::text"), seconds)

    def wait_applied(self, position: str, seconds: float = 60) -> dict:
        """Waits until the target holds everything before `position`."""
        last: list = [None]

        def reached():
            if not self.running:
                raise Refused(f"the service ended with {self.process and self.process.returncode}:\n{self.log_tail()}")
            last[0] = self.status()
            return last[0] if last[0] and lsn(last[0]["applied_lsn"]) >= lsn(position) else None
        return wait_until(reached, seconds, lambda: f"applied {position}; {last[0]}\n{self.log_tail()}")

    def stop(self, seconds: float = 10) -> int:
        """SIGTERM; returns the exit code.  Fails when the service takes longer than it may."""
        self.process.send_signal(signal.SIGTERM)
        return self.wait_exit(seconds)

    def kill9(self) -> None:
        self.process.kill()
        self.process.wait()

    def freeze(self) -> None:
        """SIGSTOP, and waits until no thread runs any more."""
        self.process.send_signal(signal.SIGSTOP)

        def stopped():
            tasks = Path(f"/proc/{self.process.pid}/task")
            states = [re.sub(r"^.*\) ", "", (task / "stat").read_text())[0] for task in tasks.iterdir()]
            return all(state in "TZ" for state in states)
        wait_until(stopped, 5, "the service is frozen", every=0.001)

    def thaw(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def wait_exit(self, seconds: float = 30) -> int:
        """Waits for the end of the service and returns its exit code."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the service did not end within {seconds} s:\n{self.log_tail()}") from None

    def run_until_exit(self, seconds: float = 60, env: dict | None = None, words: tuple = ()) -> Done:
        """Starts the service, which is expected to end by itself; `err` is its log of this run."""
        before = len(self.log())
        self.start(wait=False, env=env, words=words)
        code = self.wait_exit(seconds)
        return Done(code, "", self.log()[before:])

    def expect_stop(self, name: str, seconds: float = 60) -> dict:
        """Runs the service, which must stop for a person (exit code 2) with the error `name` in its last log line; returns
        the error that `status` then shows."""
        done = self.run_until_exit(seconds)
        return self.assert_stopped(name, done.code)

    def assert_stopped(self, name: str, code: int | None = None) -> dict:
        """The service has stopped for a person because of `name`; waits for its end."""
        code = self.wait_exit() if code is None else code
        assert code == 2, f"exit code {code} instead of 2 for {name}:\n{self.log_tail()}"
        last = self.log().strip().splitlines()[-1]
        assert name in last, f"{name} is not in the last log line:\n{self.log_tail()}"
        status = self.command("status", "--json").json
        assert status["state"] == "stopped" and status["pid"] is None, status
        assert status["error"] and status["error"]["name"] == name, status
        return status["error"]

    def peak_memory_bytes(self) -> int:
        """The most resident memory the service has had."""
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+) kB", text)[1]) * 1024

    def log(self) -> str:
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    def events(self, name: str, after: int = 0, **fields) -> list[dict]:
        """The events of that name in the log, from character `after` on, whose fields are these; all fields are text."""
        found = []
        for line in self.log()[after:].splitlines():
            if match := EVENT.match(line):
                event = {"level": match["level"]} | {key: value.strip('"') for key, value in FIELD.findall(match["rest"])}
                if match["name"] == name and all(event.get(key) == str(value) for key, value in fields.items()):
                    found.append(event)
        return found

    def wait_event(self, name: str, after: int = 0, seconds: float = 30, **fields) -> dict:
        """Waits for such an event and returns the first one; fails when the service ends without."""
        def found():
            running = self.running
            events = self.events(name, after, **fields)
            if not events and not running:
                raise Refused(f"no {name}; the service ended with {self.process and self.process.returncode}:\n{self.log_tail()}")
            return events[0] if events else None
        return wait_until(found, seconds, lambda: f"event {name} {fields}\n{self.log_tail()}")

    def log_tail(self, lines: int = 25) -> str:
        return "\n".join(self.log().splitlines()[-lines:])

    def close(self) -> None:
        """Ends the service and gives its slots back; for the end of a test, whatever state it left.  Once is enough."""
        if self not in live:
            return
        if self.running:
            self.process.kill()
            self.process.wait()
        if self.source.server.running:
            deadline = time.monotonic() + 20
            for slot in (self.slot, f"{self.slot}_mirror"):
                while (row := self.slot_row(slot)) and time.monotonic() < deadline:
                    try:
                        if row["active_pid"]:
                            self.source.value("SELECT pg_terminate_backend(%s)", row["active_pid"])
                        self.source.value("SELECT pg_drop_replication_slot(%s)", slot)
                    except Exception:  # still active: try again
                        time.sleep(0.05)
        live.remove(self)
