"""Bad input of every kind: its own error, the right exit code, and nothing lost."""
import json
import struct

import pytest

from harness import wait_until


@pytest.fixture
def shop(pair):
    pair.both("CREATE TABLE item (id int PRIMARY KEY, name text)")
    return pair.pipeline()


# Configuration

COMMANDS = [("check",), ("run",), ("init",), ("status",), ("remove",), ("skip", "--lsn", "0/1"), ("config", "show")]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda words: "-".join(words[:1]))
@pytest.mark.parametrize("content, expected", [
    ("", "empty"),
    ("   \n", "empty"),
    ("{\"pipeline\": ", "JSON"),
    ("pipeline: yaml", "JSON"),
    ("[]", "object"),
    ("\xff\xfe", "JSON"),
], ids=["empty", "blank", "cut off", "not JSON", "a list", "binary"])
def test_a_file_that_is_no_configuration(shop, tmp_path, command, content, expected):
    file = tmp_path / "bad.json"
    file.write_bytes(content.encode("latin1"))
    done = shop.command(*command, config=file)
    assert done.code == 1, done
    assert "configuration_invalid" in done.err and expected in done.err and str(file) in done.err, done.err


def test_a_file_that_does_not_exist(shop, tmp_path):
    done = shop.command("run", config=tmp_path / "missing.json")
    assert done.code == 1
    assert "missing.json" in done.err and "configuration_invalid" in done.err, done.err


def test_a_folder_instead_of_a_file(shop, tmp_path):
    done = shop.command("run", config=tmp_path)
    assert done.code == 1 and str(tmp_path) in done.err, done


def test_no_file_at_all(shop):
    import subprocess

    from harness import paths
    done = subprocess.run([paths.walgate_binary(), "run"], capture_output=True, text=True, env=shop._env())
    assert done.returncode == 1
    assert "--config" in done.stderr and "WALGATE_CONFIG" in done.stderr, done.stderr


def test_all_mistakes_are_told_in_one_run_each_with_its_path(shop):
    shop.write_config(pipelin="x", pipeline="Not Valid!", source={"slot": 5, "conninfo": "host=a bogus=1"},
                      tables=[{"source": "public.item", "columns": {"name": 7}, "on_missing": "maybe"},
                              {"target": "a.b"}, {"source": "s.a", "target": "t.*"}],
                      limits={"batch_rows": "many", "batch_bytes": "8 parsecs"}, http={"listen": "nowhere:99999"})
    done = shop.command("run")
    assert done.code == 1
    for path in ("pipelin", "pipeline", "source.slot", "source.conninfo", "tables[0].columns.name", "tables[0].on_missing",
                 "tables[1].source", "tables[2].target", "limits.batch_rows", "limits.batch_bytes", "http.listen"):
        assert any(path in line for line in done.err.splitlines()), f"{path} is not in:\n{done.err}"
    as_json = shop.command("check", "--json")
    assert as_json.code == 1 and json.loads(as_json.out)["error"]["name"] == "configuration_invalid", as_json


def test_a_key_given_twice_is_a_mistake(shop):
    shop.config_file.write_text('{"pipeline": "a", "pipeline": "b", "source": {"conninfo": ""}, "target": {"conninfo": ""}}')
    done = shop.command("check")
    assert done.code == 1 and "pipeline" in done.err, done


@pytest.mark.parametrize("words", [("bogus",), ("run", "--bogus"), ("skip",), ("skip", "--lsn", "nonsense")], ids=" ".join)
def test_wrong_usage(shop, words):
    assert shop.command(*words).code == 1


def test_a_port_that_is_taken(shop, make_server):
    port = shop.source.server.port
    shop.write_config(http={"listen": f"127.0.0.1:{port}"})
    done = shop.run_until_exit()
    assert done.code in (1, 2) and "listen_failed" in done.err, done


# Reaching the servers

@pytest.fixture
def guarded(own_pair, make_server):
    """A pipeline whose servers ask the role "guarded" for a password, over TCP."""
    own_pair.both("CREATE TABLE item (id int PRIMARY KEY, name text)")
    for database in (own_pair.source, own_pair.target):
        database.execute("CREATE ROLE guarded LOGIN SUPERUSER PASSWORD 'right-secret'")
        file = database.server.data / "pg_hba.conf"
        file.write_text("host all guarded 127.0.0.1/32 scram-sha-256\n" + file.read_text())
        database.server.configure()
    return own_pair.pipeline()


def guarded_conninfo(database, **more):
    return database.conninfo(tcp=True, user="guarded", **more)


@pytest.mark.parametrize("side", ["source", "target"])
def test_a_wrong_password(guarded, side):
    database = getattr(guarded, side)
    guarded.write_config(**{side: {"conninfo": guarded_conninfo(database, password="wrong-secret")}})
    for command in ("check", "run"):
        done = guarded.command(command)
        assert done.code == 2, done
        assert "authentication_failed" in done.out + done.err, done
        assert "wrong-secret" not in done.out + done.err
    shown = guarded.command("config", "show")
    assert shown.code == 0 and "wrong-secret" not in shown.out, shown.out


def test_the_right_password_from_the_environment_and_from_a_passfile(guarded, tmp_path):
    guarded.write_config(source={"conninfo": guarded_conninfo(guarded.source)},
                         target={"conninfo": guarded_conninfo(guarded.target)})
    assert guarded.command("check", env={"PGPASSWORD": "right-secret"}).code == 0
    passfile = tmp_path / "pgpass"
    passfile.write_text("*:*:*:guarded:right-secret\n")
    passfile.chmod(0o600)
    guarded.start(env={"PGPASSFILE": str(passfile)})
    guarded.source.execute("INSERT INTO item VALUES (1)")
    guarded.wait_caught_up()
    assert "right-secret" not in guarded.log()


@pytest.mark.parametrize("side", ["source", "target"])
def test_a_host_that_does_not_exist(shop, side):
    shop.write_config(**{side: {"conninfo": "host=no-such-host.invalid dbname=x connect_timeout=3"}})
    done = shop.command("check")
    assert done.code == 4, done
    assert "connection_failed" in done.out + done.err and "no-such-host.invalid" in done.out + done.err, done


@pytest.mark.parametrize("side", ["source", "target"])
def test_a_port_where_nobody_listens(shop, side):
    database = getattr(shop, side)
    shop.write_config(**{side: {"conninfo": f"host=127.0.0.1 port=1 dbname={database.name} user=postgres"}})
    assert shop.command("check").code == 4
    assert shop.command("init").code == (4 if side == "target" else shop.command("init").code)


@pytest.mark.parametrize("side", ["source", "target"])
def test_a_database_that_does_not_exist(shop, side):
    database = getattr(shop, side)
    shop.write_config(**{side: {"conninfo": database.server.conninfo("no_such_database")}})
    done = shop.run_until_exit()
    assert done.code == 2 and "database_missing" in done.err.strip().splitlines()[-1], done


def test_a_source_role_without_replication(shop, pair):
    role = pair.role(pair.source)
    shop.write_config(source={"conninfo": pair.source.conninfo(user=role)})
    for done in (shop.command("check"), shop.run_until_exit()):
        assert done.code == 2 and "source_role_not_allowed" in done.out + done.err, done


def test_a_target_role_without_rights(shop, pair):
    role = pair.role(pair.target)
    shop.write_config(target={"conninfo": pair.target.conninfo(user=role)})
    done = shop.run_until_exit()
    assert done.code == 2 and "target_role_not_allowed" in done.err, done


def test_a_target_role_that_may_not_write_one_table(shop, pair):
    pair.both("CREATE TABLE other (id int PRIMARY KEY)")
    role = pair.target_role("item")
    shop.write_config(target={"conninfo": pair.target.conninfo(user=role)})
    done = shop.run_until_exit()
    assert done.code == 2 and "target_role_not_allowed" in done.err and "other" in done.err, done


def test_a_source_that_is_not_logical(own_pair, make_server):
    own_pair.both("CREATE TABLE item (id int PRIMARY KEY)")
    pipeline = own_pair.pipeline()
    pipeline.drop_slot()
    own_pair.source.server.settings["wal_level"] = "replica"
    own_pair.source.server._write_settings()
    own_pair.source.server.restart()
    done = pipeline.command("check", "--json")
    assert done.code == 2 and "wal_level_not_logical" in done.out, done
    assert pipeline.run_until_exit().code == 2


def test_a_source_that_does_not_list_the_plugin(own_pair):
    if "output_plugin_libraries" not in own_pair.source.server.installation.settings():
        pytest.skip("this server knows no output_plugin_libraries")
    own_pair.both("CREATE TABLE item (id int PRIMARY KEY)")
    pipeline = own_pair.pipeline()
    for value in ("pgoutput, test_decoding", '"pgoutput, test_decoding, walgate"'):
        own_pair.source.server.configure(output_plugin_libraries=value)
        done = pipeline.run_until_exit()
        assert done.code == 2 and "plugin_not_listed" in done.err.strip().splitlines()[-1], done
        assert "ALTER SYSTEM SET output_plugin_libraries" in done.err, done.err
    own_pair.source.server.configure(output_plugin_libraries="pgoutput, test_decoding, walgate")
    own_pair.source.execute("INSERT INTO item VALUES (1)")
    pipeline.start().wait_caught_up()
    own_pair.assert_same("item")


# The stream

def test_a_plugin_of_another_protocol_version(shop, pair, make_proxy):
    # The plugin's refusal: what the service asks for is changed on the way.
    proxy = make_proxy(pair.source.server)

    def ask_for_version_two(kind, body):
        return body.replace(b"\"protocol\" '1'", b"\"protocol\" '2'").replace(b"protocol '1'", b"protocol '2'")
    proxy.rewrite_client = ask_for_version_two
    shop.write_config(source={"conninfo": proxy.conninfo(pair.source)})
    pair.source.execute("INSERT INTO item VALUES (1)")
    done = shop.run_until_exit()
    assert done.code == 2, done
    last = done.err.strip().splitlines()[-1]
    assert "protocol_version" in last, done.err
    proxy.rewrite_client = None
    shop.start().wait_caught_up()
    pair.assert_same("item")


def test_a_stream_that_says_another_protocol_version(shop, pair, make_proxy):
    proxy = make_proxy(pair.source.server)

    def say_version_two(kind, body):
        return body.replace(b"WALGATE\0\0\1", b"WALGATE\0\0\2") if kind == b"d" else body
    proxy.rewrite_server = say_version_two
    shop.write_config(source={"conninfo": proxy.conninfo(pair.source)})
    pair.source.execute("INSERT INTO item VALUES (1)")
    shop.expect_stop("protocol_version")
    proxy.rewrite_server = None
    shop.start().wait_caught_up()
    pair.assert_same("item")


HEADER = 25  # of XLogData: 'w', two positions and a time


def records(frame):
    """(start of the record in the frame, kind, length of its body) for each record."""
    at = 0
    while at < len(frame):
        kind, length = frame[at:at + 1], struct.unpack_from("!I", frame, at + 1)[0]
        yield at, kind, length
        at += 5 + length


def changed(frame, at, value):
    return frame[:at] + bytes([value]) + frame[at + 1:]


def first(frame, wanted):
    return next((at for at, kind, _ in records(frame) if kind == wanted), None)


def unknown_kind(frame):
    at = first(frame, b"I")
    return frame if at is None else changed(frame, at, ord("?"))


def wrong_length(frame):
    at = first(frame, b"I")
    return frame if at is None else changed(frame, at + 4, frame[at + 4] ^ 0x10)


def huge_length(frame):
    at = first(frame, b"I")
    return frame if at is None else changed(frame, at + 1, 0x7f)


def cut_off(frame):
    return frame[:-7] if first(frame, b"C") is not None else frame


def unknown_relation(frame):
    at = first(frame, b"I")
    return frame if at is None else changed(frame, at + 8, 0x77)


def a_lost_change(frame):
    for at, kind, length in records(frame):
        if kind == b"I":
            return frame[:at] + frame[at + 5 + length:]
    return frame


def a_lost_commit(frame):
    at = first(frame, b"C")
    return frame if at is None else frame[:at]


def a_lost_begin(frame):
    at = first(frame, b"B")
    return frame if at is None else frame[:at] + frame[at + 5 + 28:]


def a_wrong_column_length(frame):
    at = first(frame, b"I")
    return frame if at is None else changed(frame, at + 5 + 4 + 2 + 2, 0x7f)


def a_wrong_number_of_columns(frame):
    at = first(frame, b"I")
    return frame if at is None else changed(frame, at + 5 + 4 + 1, 9)


def zeros(frame):
    return bytes(len(frame)) if first(frame, b"I") is not None else frame


@pytest.mark.parametrize("garble", [unknown_kind, wrong_length, huge_length, cut_off, unknown_relation, a_lost_change,
                                    a_lost_commit, a_lost_begin, a_wrong_column_length, a_wrong_number_of_columns, zeros],
                         ids=lambda function: function.__name__)
def test_a_garbled_frame(shop, pair, make_proxy, garble):
    proxy = make_proxy(pair.source.server)
    shop.write_config(source={"conninfo": proxy.conninfo(pair.source)})
    shop.start()
    pair.source.execute("INSERT INTO item VALUES (1, 'before')")
    shop.wait_caught_up()
    garbled = []

    def on_the_way(kind, body):
        if kind != b"d" or body[:1] != b"w":
            return body
        frame = garble(body[HEADER:])
        if frame != body[HEADER:]:
            garbled.append(garble.__name__)
        return body[:HEADER] + frame
    proxy.rewrite_server = on_the_way
    with pair.source.connect(autocommit=False) as session:
        session.execute("INSERT INTO item VALUES (2, 's3cret'), (3, 's3cret')")
    pair.source.execute("INSERT INTO item VALUES (4, 'after')")
    shop.assert_stopped("protocol_violation")
    assert garbled
    assert pair.target.rows("SELECT * FROM item") == [(1, "before")], "something of a garbled transaction was applied"
    assert "s3cret" not in shop.log()
    proxy.rewrite_server = None
    shop.start().wait_caught_up()
    pair.assert_same("item")


def test_a_column_that_is_not_valid_for_its_type(shop, pair, make_proxy):
    # A value that the target's receive function refuses: stops with the relation and column, never with the value.
    pair.both("CREATE TABLE flag (id int PRIMARY KEY, name text)")
    proxy = make_proxy(pair.source.server)
    shop.write_config(source={"conninfo": proxy.conninfo(pair.source)})
    shop.start()
    proxy.rewrite_server = lambda kind, body: body.replace(b"s3cret", b"s3c\xff\xfft") if kind == b"d" else body
    pair.source.execute("INSERT INTO flag VALUES (1, 's3cret')")
    error = shop.assert_stopped("value_not_accepted")
    assert error["relation"] == "public.flag" and error["sqlstate"] == "22021", error
    assert 'column "name"' in error["detail"], error
    proxy.rewrite_server = None
    shop.start().wait_caught_up()
    pair.assert_same("flag")


def test_a_connection_that_ends_in_the_middle_of_a_frame(shop, pair, make_proxy):
    proxy = make_proxy(pair.source.server)
    shop.write_config(source={"conninfo": proxy.conninfo(pair.source)})
    shop.start()
    cuts = []

    def end_here(kind, body):
        if kind == b"d" and body[:1] == b"w" and len(cuts) < 3:
            cuts.append(1)
            proxy.cut()
        return body
    proxy.rewrite_server = end_here
    pair.source.execute("INSERT INTO item SELECT n, 'x' FROM generate_series(1, 5000) n")
    wait_until(lambda: len(cuts) == 3, 30, lambda: shop.log_tail())
    shop.wait_caught_up()
    pair.assert_same("item")
