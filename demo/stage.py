"""The stage: two throwaway servers with their schemas and roles, and a pipeline between them."""

import json
import os
import random
import shutil
import socket
import subprocess
from pathlib import Path

from harness import Pipeline, Server, paths

HERE = Path(__file__).resolve().parent
FOLDER = paths.TOP / "build/demo"
"""Servers while they run; configuration and logs stay here afterwards."""

# The demo's data is worth nothing, but its servers run as somebody: nobody else may talk to them.
PRIVATE = {"unix_socket_permissions": "0700", "listen_addresses": ""}
SETTINGS = PRIVATE | {"max_connections": 40, "max_slot_wal_keep_size": "4GB", "log_min_messages": "warning"}
LONGEST_SOCKET_FOLDER = 80

SOURCE_ROLE = "CREATE ROLE walgate LOGIN REPLICATION"
TARGET_ROLE = """
CREATE ROLE walgate LOGIN;
CREATE SCHEMA walgate AUTHORIZATION walgate;
GRANT USAGE ON SCHEMA batch TO walgate;
GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON ALL TABLES IN SCHEMA batch TO walgate;
"""


class Stage:
    """What `demo.py` plays on; `close` ends every process and removes the servers."""

    def __init__(self):
        FOLDER.mkdir(parents=True, exist_ok=True)
        self._servers = []
        self.pipeline = None

    def make_servers(self):
        place = _place_for_servers()
        for name in ["source", "target"]:
            self._servers.append(self._make_server(name, place))
            self._servers[-1].start()
        source, target = self._servers
        self.source, self.target = source.database("lmis"), target.database("reports")
        return source.value("SHOW server_version").split()[0]

    def fill_source(self):
        self.source.execute((HERE / "source.sql").read_text(encoding="utf-8"))
        self.source.execute(SOURCE_ROLE)

    def fill_target(self):
        self.target.execute((HERE / "target.sql").read_text(encoding="utf-8"))
        self.target.execute(TARGET_ROLE)

    def make_pipeline(self):
        config = json.loads((HERE / "pipeline.json").read_text(encoding="utf-8"))
        config["source"]["conninfo"] = self.source.conninfo(user="walgate")
        config["target"]["conninfo"] = self.target.conninfo(user="walgate")
        self.pipeline = Pipeline(self.source, self.target, config["pipeline"], "TABLES IN SCHEMA requisition", config=config)
        self.source.execute("GRANT USAGE ON SCHEMA walgate TO walgate")
        self.pipeline.http_port = _free_port()
        self.pipeline.config["http"]["listen"] = f"127.0.0.1:{self.pipeline.http_port}"
        self.pipeline.config_file = FOLDER / "pipeline.json"
        self.pipeline.log_file = FOLDER / "service.log"
        self.pipeline.log_file.unlink(missing_ok=True)
        self.pipeline.write_config()

    def pids(self):
        """Of everything that we have started and that runs."""
        processes = [server.process for server in self._servers]
        processes += [self.pipeline.process] if self.pipeline else []
        return [process.pid for process in processes if process and process.poll() is None]

    def close(self):
        """Ends the service, then the servers; harmless twice and on a stage that was set half."""
        pipeline, servers = self.pipeline, self._servers
        if pipeline and pipeline.running:
            try:
                pipeline.stop(seconds=12)
            except AssertionError:
                pipeline.kill9()
        for server in servers:
            if server.running:
                server.request_stop("fast")
        for server in servers:
            try:
                server.wait_stopped(15) if server.process else None
            except AssertionError:
                server.kill9()
            shutil.rmtree(server.folder, ignore_errors=True)
        self.pipeline, self._servers = None, []

    def _make_server(self, name, place):
        folder = place / name
        shutil.rmtree(folder, ignore_errors=True)
        server = Server(name, settings=SETTINGS, folder=folder)
        server.log_file = FOLDER / f"{name}.log"
        server.log_file.unlink(missing_ok=True)
        return server


def _free_port():
    """A loopback port below those that the kernel gives to outgoing connections: it stays free until we need it again."""
    while True:
        port = random.randrange(20000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def _place_for_servers():
    """`build/demo`, or a folder under /tmp where the server's user cannot reach that or its path is too long for sockets."""
    reach = [*paths.as_server_user(), "test", "-x", str(FOLDER)]
    reachable = subprocess.run(reach, stderr=subprocess.DEVNULL, check=False).returncode == 0
    return FOLDER if reachable and len(os.fsencode(FOLDER)) <= LONGEST_SOCKET_FOLDER else paths.scratch()
