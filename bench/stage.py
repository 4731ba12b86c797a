"""The stage of a run: a source server and a target server, and databases on them that are made for one run."""
import contextlib
import functools
import shutil
import subprocess

import psycopg
from harness import Database, Server, paths, pipeline

OBSERVER = "walgate bench"
"""application_name of our own sessions, which count for nobody."""

NOOP_PLUGIN = "bench_noop"

SETTINGS = {
    # What a production server has on, and what the harness switches off for speed.
    "fsync": "on", "full_page_writes": "on",
    "shared_buffers": "1GB",
    # Nothing runs in the background of one drain that does not run in the background of the other.
    "autovacuum": "off", "checkpoint_timeout": "1h", "max_wal_size": "64GB",
    "wal_retrieve_retry_interval": "100ms",  # else a worker that was just stopped starts 5 s late
    "max_connections": 60,
    # Nobody else talks to these servers.
    "unix_socket_permissions": "0700", "listen_addresses": "",
}


class Stage:
    """The two servers, as a context.  `work_mem` is logical_decoding_work_mem of the source, for whoever sets none."""

    def __init__(self, work_mem: str):
        self._source_settings = SETTINGS | {"logical_decoding_work_mem": work_mem}
        if "output_plugin_libraries" in paths.OURS.settings():
            self._source_settings["output_plugin_libraries"] = f"pgoutput, test_decoding, walgate, {NOOP_PLUGIN}"
        self._servers: list[Server] = []

    def __enter__(self) -> "Stage":
        try:
            for name, settings in (("source", self._source_settings), ("target", SETTINGS)):
                self._servers.append(Server(name, settings))
                self._servers[-1].start()
        except BaseException:
            self._clear()
            raise
        return self

    def __exit__(self, *_) -> None:
        self._clear()

    def renew(self) -> None:
        """New servers, after a failure that may have left anything on the old ones."""
        self._clear()
        self.__enter__()

    def _clear(self) -> None:
        for service in list(pipeline.live):
            if service.running:
                service.kill9()
            pipeline.live.remove(service)
        for server in self._servers:
            if server.running:
                server.stop("immediate")
            shutil.rmtree(server.folder, ignore_errors=True)
        self._servers = []

    @property
    def source(self) -> Server:
        return self._servers[0]

    @property
    def target(self) -> Server:
        return self._servers[1]

    @property
    def version(self) -> str:
        return self.source.value("SHOW server_version").split()[0]

    def checkpoint(self) -> None:
        """Both servers have written what they hold: nobody's drain pays for what was before it."""
        for server in (self.source, self.target):
            server.execute("CHECKPOINT")

    @contextlib.contextmanager
    def databases(self, *targets: str):
        """A fresh source database and one target database for each name; gone afterwards, with the WAL they needed.
        After an error they stay: the stage is renewed or closed."""
        made = [self.source.database("bench"), *(self.target.database(name) for name in targets)]
        yield made
        for database in made:
            database.drop()
        self.checkpoint()


def observe(database: Database, **more) -> psycopg.Connection:
    """A session of ours that stays open during a measurement."""
    return database.connect(application_name=OBSERVER, **more)


@functools.cache
def install_noop_plugin() -> None:
    """Builds the plugin that does nothing and puts it where the servers of this process look for libraries."""
    pg_config = paths.OURS.output(paths.TOP / "tools/pg-config").strip()
    folder = paths.scratch() / NOOP_PLUGIN
    folder.mkdir()
    done = subprocess.run(["make", "-s", "-f", str(paths.TOP / "bench/noop_plugin/Makefile"), f"PG_CONFIG={pg_config}"],
                          cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        raise RuntimeError(f"cannot build {NOOP_PLUGIN}:\n{done.stdout}")
    libraries = paths.OURS.output(pg_config, "--pkglibdir").strip()
    staged = paths.scratch() / "stage" / libraries.lstrip("/") / f"{NOOP_PLUGIN}.so"
    shutil.copyfile(folder / f"{NOOP_PLUGIN}.so", staged)
    staged.chmod(0o644)
