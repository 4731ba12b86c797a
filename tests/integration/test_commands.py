"""The commands, their exit codes and what they print, as docs/commands.md promises them to scripts."""
import json
import os
import re
import signal
import subprocess
from pathlib import Path

import pytest

from harness import lsn, paths, wait_until


@pytest.fixture
def shop(pair):
    pair.both("CREATE TABLE item (id int PRIMARY KEY, name text)")
    return pair.pipeline()


def own_tables(pair):
    return pair.target.rows("SELECT table_name, column_name, data_type FROM information_schema.columns"
                            " WHERE table_schema = 'walgate' ORDER BY 1, 2")


def contents(pair):
    return {table: pair.target.rows(f'SELECT t::text FROM walgate."{table}" t ORDER BY 1') for table in {row[0] for row in own_tables(pair)}}


def test_init_twice_is_harmless(pair, shop):
    first = shop.command("init")
    assert first.code == 0, first
    tables, rows = own_tables(pair), contents(pair)
    assert tables
    second = shop.command("init")
    assert second.code == 0, second
    assert (own_tables(pair), contents(pair)) == (tables, rows)
    shop.start()
    pair.source.execute("INSERT INTO item VALUES (1)")
    shop.wait_caught_up()
    assert shop.command("init").code == 0  # also beside the running service
    shop.stop()
    rows = contents(pair)
    assert shop.command("init").code == 0
    assert contents(pair) == rows, "init moved the position of a pipeline that has run"
    pair.source.execute("INSERT INTO item VALUES (2)")
    shop.start().wait_caught_up()
    pair.assert_same("item")


def test_what_was_written_between_init_and_run_arrives(pair, shop):
    assert shop.command("init").code == 0
    pair.source.execute("INSERT INTO item VALUES (1)")
    shop.start().wait_caught_up()
    pair.assert_same("item")


def test_check_changes_nothing_and_is_content_with_a_good_pipeline(pair, shop):
    done = shop.command("check")
    assert done.code == 0, done
    assert own_tables(pair) == []
    done = shop.command("check", "--json")
    assert isinstance(done.json, list) and all({"severity", "name", "object", "finding", "remedy"} <= set(finding)
                                               for finding in done.json)
    assert all(finding["severity"] != "error" for finding in done.json)
    shop.start()
    assert shop.command("check").code == 0  # beside the running service


STATUS_KEYS = ["pipeline", "version", "pid", "state", "since", "reason", "next_step", "source_lsn", "received_lsn",
               "applied_lsn", "confirmed_lsn", "lag", "retained_wal_bytes", "counters", "tables", "gate", "error",
               "conflicts", "mirror"]


def test_status_of_a_running_service(pair, shop):
    shop.start()
    pair.source.execute("INSERT INTO item VALUES (1)")
    shop.wait_caught_up()
    done = shop.command("status", "--json")
    assert done.code == 0, done
    status = done.json
    assert set(STATUS_KEYS) <= set(status), set(STATUS_KEYS) - set(status)
    assert status["pid"] == shop.process.pid and status["state"] == "streaming"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", status["since"])
    assert set(status["lag"]) == {"bytes", "transactions", "milliseconds"}
    assert lsn(status["confirmed_lsn"]) <= lsn(status["applied_lsn"]) <= lsn(status["received_lsn"])
    table, = status["tables"]
    assert (table["source"], table["target"], table["state"]) == ("public.item", "public.item", "streaming")
    text = shop.command("status")
    assert text.code == 0 and shop.name in text.out and "streaming" in text.out and "\x1b" not in text.out
    assert isinstance(status["retained_wal_bytes"], int)
    assert shop.status().keys() == status.keys()  # the HTTP listener says the same


def test_status_of_a_service_that_is_down_comes_from_the_databases(pair, shop):
    shop.start()
    pair.source.execute("INSERT INTO item VALUES (1)")
    applied = shop.wait_caught_up()["applied_lsn"]
    shop.stop()
    done = shop.command("status", "--json")
    assert done.code == 0, done
    status = done.json
    assert set(STATUS_KEYS) <= set(status)
    assert status["pid"] is None and status["state"] == "stopped" and status["error"] is None
    assert lsn(status["applied_lsn"]) >= lsn(applied) - 1_000_000
    assert isinstance(status["retained_wal_bytes"], int)
    pair.source.execute("INSERT INTO item VALUES (2)")
    assert shop.command("status", "--json").json["lag"]["bytes"] > 0


def test_status_before_init_says_so(shop):
    done = shop.command("status", "--json")
    assert done.code in (0, 2), done
    assert "not_initialised" in done.out + done.err


def test_status_of_another_pipelines_service_is_not_taken_for_ours(pair, shop):
    shop.start()
    other = pair.pipeline(name=shop.name + "_b", config={"http": {"listen": f"127.0.0.1:{shop.http_port}"}})
    assert other.command("init").code == 0
    status = other.command("status", "--json").json
    assert status["pipeline"] == other.name and status["pid"] is None


def test_the_status_follows_the_life_of_the_service(pair, shop):
    shop.start()
    status = shop.status()
    assert status["error"] is None and status["gate"] is None and status["mirror"] is None
    pair.source.execute("INSERT INTO item VALUES (1)")
    shop.wait_caught_up()
    wait_until(lambda: shop.status()["lag"]["transactions"] == 0)
    assert shop.status()["lag"]["bytes"] < 1_000_000
    assert shop.stop() == 0
    assert shop.status() is None


def test_remove_forgets_the_pipeline_and_drops_the_slot(pair, shop):
    shop.start()
    pair.source.execute("INSERT INTO item VALUES (1)")
    shop.wait_caught_up()
    refused = shop.command("remove")
    assert refused.code == 2 and "pipeline_running" in refused.out + refused.err, refused
    assert shop.running and shop.slot_row()["active"]
    shop.stop()
    done = shop.command("remove")
    assert done.code == 0, done
    assert shop.slot_row() is None
    assert pair.target.rows("SELECT id FROM item") == [(1,)], "user tables stay"
    assert shop.name not in str(contents(pair)), "the target remembers the pipeline"
    assert shop.command("remove").code in (0, 2)  # nothing is there any more; never a crash
    # The name can be used again.
    shop.create_slot()
    shop.start()
    pair.source.execute("INSERT INTO item VALUES (2)")
    shop.wait_caught_up()
    pair.assert_same("item")


def test_remove_keeps_the_slot_on_request(pair, shop):
    assert shop.command("init").code == 0
    assert shop.command("remove", "--keep-slot").code == 0
    assert shop.slot_row()
    assert shop.name not in str(contents(pair))


def test_remove_leaves_other_pipelines_alone(pair, shop):
    other = pair.pipeline(name=shop.name + "_b")
    assert shop.command("init").code == other.command("init").code == 0
    assert shop.command("remove").code == 0
    assert other.slot_row() and other.name in str(contents(pair))
    assert other.command("status", "--json").json["pipeline"] == other.name


def test_config_show_reference_and_schema(shop):
    shown = shop.command("config", "show")
    assert shown.code == 0
    effective = json.loads(shown.out)
    assert effective["pipeline"] == shop.name and effective["source"]["slot"] == shop.name
    assert effective["source"]["publications"] == [shop.name]
    for words in (("config", "reference"), ("config", "schema")):  # need no file
        done = subprocess.run([paths.walgate_binary(), *words], capture_output=True, text=True)
        assert done.returncode == 0 and "conninfo" in done.stdout, done
    assert json.loads(done.stdout)["properties"]["pipeline"]


@pytest.mark.parametrize("words", [(), ("init",), ("check",), ("run",), ("status",), ("remove",), ("skip",), ("config",),
                                   ("config", "show"), ("migrate",), ("migrate", "status"), ("migrate", "up"),
                                   ("migrate", "verify"), ("version",)], ids=lambda words: " ".join(words) or "walgate")
def test_help_everywhere(words):
    done = subprocess.run([paths.walgate_binary(), *words, "--help"], capture_output=True, text=True)
    assert done.returncode == 0 and "walgate" in done.stdout and len(done.stdout.splitlines()) > 3, done


def test_version(shop):
    done = subprocess.run([paths.walgate_binary(), "version"], capture_output=True, text=True)
    assert done.returncode == 0 and re.search(r"\d+\.\d+\.\d+", done.stdout), done


def test_the_configuration_may_come_from_the_environment(shop):
    done = subprocess.run([paths.walgate_binary(), "check"], capture_output=True, text=True,
                          env=shop._env({"WALGATE_CONFIG": str(shop.config_file)}))
    assert done.returncode == 0, done


def test_log_lines_are_events(pair, shop):
    shop.start()
    pair.source.execute("INSERT INTO item VALUES (1)")
    shop.wait_caught_up()
    shop.stop()
    for line in shop.log().splitlines():
        assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z (debug|info|warning|error) [a-z_]+ ", line), line
    shop.start(words=("--log-format", "json"))
    before = len(shop.log().splitlines())
    shop.stop()
    for line in shop.log().splitlines()[before:]:
        assert {"time", "level", "name", "message"} <= set(json.loads(line))


def listening_addresses(pid):
    """The local addresses of the process's listening TCP sockets, as /proc writes them."""
    sockets = {link[8:-1] for link in (os.readlink(entry) for entry in Path(f"/proc/{pid}/fd").iterdir())
               if link.startswith("socket:[")}
    addresses = []
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and fields[9] in sockets:
                addresses.append(fields[1])
    return addresses


def test_the_listener_is_only_on_loopback_and_can_be_off(pair, shop):
    shop.start()
    assert listening_addresses(shop.process.pid) == [f"0100007F:{shop.http_port:04X}"]
    shop.stop()
    shop.write_config(http={"listen": None})
    shop.start(wait=False)
    pair.source.execute("INSERT INTO item VALUES (1)")
    wait_until(lambda: pair.target.value("SELECT count(*) FROM item") == 1, 20, shop.log_tail)
    assert listening_addresses(shop.process.pid) == []
    assert shop.stop() == 0


def test_sigint_ends_the_service_like_sigterm(shop):
    shop.start()
    shop.process.send_signal(signal.SIGINT)
    assert shop.wait_exit(10) == 0


def test_two_pipelines_share_a_target(pair):
    pair.both("CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (id int PRIMARY KEY)")
    first = pair.pipeline(publish="TABLE a", name=pair.source.name + "_a").start()
    second = pair.pipeline(publish="TABLE b", name=pair.source.name + "_b").start()
    pair.source.execute("INSERT INTO a VALUES (1); INSERT INTO b VALUES (1)")
    first.wait_caught_up()
    second.wait_caught_up()
    pair.assert_same("a", "b")
