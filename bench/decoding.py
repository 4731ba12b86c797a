"""CPU seconds of decoding the same WAL through each output plugin, in two ways.

`by_function`: a backend reads it with pg_logical_slot_peek_binary_changes.  Results and transactions stay in memory, so that
the plugins are compared and not temporary files.
`by_walsender`: a walsender streams it to a client that throws it away, which is what happens in production: the server's own
cost per WAL record is higher there, and so is what a plugin pays for each write.
"""
import subprocess

from harness import Database, paths, wait_until

from followers import PUBLICATION
from processes import cpu_seconds
from stage import NOOP_PLUGIN, Stage, install_noop_plugin, observe
from workloads import ITEM_ROWS, in_transactions, item_table, sized, write

TRANSACTIONS, ROWS = 1_000, 1_000

PLUGINS = {
    "walgate": ("walgate", {"publications": PUBLICATION}),
    "noop": (NOOP_PLUGIN, {}),
    "pgoutput": ("pgoutput", {"proto_version": "1", "publication_names": PUBLICATION, "binary": "true"}),
}
"""Name → plugin and the options of the slot."""


def run(stage: Stage, scale: float, runs: int, say) -> dict[str, dict[str, list[float]]]:
    """CPU seconds of each run, by way and by the names of PLUGINS."""
    install_noop_plugin()
    with stage.databases() as (source,):
        say("loading")
        source.execute("CREATE EXTENSION walgate")
        item_table(source, scale)
        source.execute(f"CREATE PUBLICATION {PUBLICATION} FOR TABLES IN SCHEMA public")
        for name, (plugin, _) in PLUGINS.items():
            source.rows("SELECT pg_create_logical_replication_slot(%s, %s)::text", _slot(name), plugin)
        body = ITEM_ROWS.format(first=f"(n - 1) * {ROWS} + 1", last=f"n * {ROWS}")
        write(source, in_transactions(1, sized(TRANSACTIONS, scale), body))
        stage.checkpoint()
        seconds = {way: {name: [] for name in PLUGINS} for way in WAYS}
        for number in range(runs):
            for way, decode in WAYS.items():
                say(f"{way.replace('_', ' ')}, run {number + 1} of {runs}")
                for name in PLUGINS if number % 2 == 0 else reversed(PLUGINS):
                    seconds[way][name].append(decode(source, name))
        for name in PLUGINS:
            _drop(source, _slot(name))
    return seconds


def _slot(name: str) -> str:
    return f"bench_{name}"


def _drop(source: Database, slot: str) -> None:
    source.rows("SELECT pg_drop_replication_slot(slot_name)::text FROM pg_replication_slots WHERE slot_name = %s", slot)


def by_function(source: Database, name: str) -> float:
    """Reads the slot from beginning to end in a fresh session, and leaves it where it is."""
    options = "".join(f", '{key}', '{value}'" for key, value in PLUGINS[name][1].items())
    with observe(source) as session:
        session.execute("SET logical_decoding_work_mem = '1GB'; SET work_mem = '1GB'")
        pid = session.info.backend_pid
        before = cpu_seconds(pid)
        frames = session.execute("SELECT count(*) FROM"
                                 f" pg_logical_slot_peek_binary_changes('{_slot(name)}', NULL, NULL{options})").fetchone()[0]
        used = cpu_seconds(pid) - before
    assert (frames > 0) == (name != "noop"), f"{frames} frames from {name}"
    return used


def by_walsender(source: Database, name: str) -> float:
    """Streams a copy of the slot, because the client's answers move a slot on."""
    slot = f"{_slot(name)}_stream"
    source.rows("SELECT pg_copy_logical_replication_slot(%s, %s)::text", _slot(name), slot)
    words = [f"--option={key}={value}" for key, value in PLUGINS[name][1].items()]
    end = source.value("SELECT pg_current_wal_flush_lsn()::text")
    with observe(source) as session:
        client = subprocess.Popen(
            [paths.OURS.program("pg_recvlogical"), "-d", source.conninfo(options="-c logical_decoding_work_mem=1GB"),
             "-S", slot, "--start", "-f", "/dev/null", "--no-loop", *words], stdin=subprocess.DEVNULL)
        try:
            def sent():
                assert client.poll() is None, "pg_recvlogical ended early"
                row = session.execute("SELECT r.pid, r.sent_lsn >= %s::pg_lsn FROM pg_replication_slots l"
                                      " JOIN pg_stat_replication r ON r.pid = l.active_pid WHERE slot_name = %s",
                                      (end, slot)).fetchone()
                return row[0] if row and row[1] else None
            return cpu_seconds(wait_until(sent, 600, "everything is sent", every=0.05))
        finally:
            client.kill()
            client.wait()
            wait_until(lambda: not source.value("SELECT active FROM pg_replication_slots WHERE slot_name = %s", slot), 30,
                       "the slot is free")
            _drop(source, slot)


WAYS = {"by_function": by_function, "by_walsender": by_walsender}
