"""Rights: ordinary roles on both sides, and what follows from the right to set session_replication_role."""
from harness import Pair, wait_until


def tables(pair):
    pair.both("CREATE TABLE item (id int PRIMARY KEY, name text)")
    pair.target.execute("CREATE TABLE fired (name text);"
                        "CREATE FUNCTION fire() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS"
                        " $$ BEGIN INSERT INTO public.fired VALUES (NEW.name); RETURN NEW; END $$;"
                        "CREATE TRIGGER fire BEFORE INSERT ON item FOR EACH ROW EXECUTE FUNCTION fire()")


def run_one_row(pair, pipeline):
    pipeline.start()
    role = pipeline.status()["replica_role"]
    pair.source.execute("INSERT INTO item VALUES (1, 'a')")
    pipeline.wait_caught_up()
    pair.assert_same("item")
    return role, pair.target.value("SELECT count(*) FROM fired")


def test_ordinary_roles_on_both_sides_are_enough(pair):
    tables(pair)
    source_role, target_role = pair.role(pair.source, "REPLICATION"), pair.target_role("item")
    pipeline = pair.pipeline(config={"source": {"conninfo": pair.source.conninfo(user=source_role)},
                                     "target": {"conninfo": pair.target.conninfo(user=target_role)}})
    assert pipeline.command("check").code == 0
    assert run_one_row(pair, pipeline) == (False, 1)  # the role may not switch triggers off


def test_a_role_with_the_right_gets_the_replica_role(pair):
    tables(pair)
    role = pair.target_role("item")
    pair.target.execute(f"GRANT SET ON PARAMETER session_replication_role TO {role}")
    try:
        pipeline = pair.pipeline(config={"target": {"conninfo": pair.target.conninfo(user=role)}})
        assert run_one_row(pair, pipeline) == (True, 0)
    finally:
        pair.target.execute(f"REVOKE SET ON PARAMETER session_replication_role FROM {role}")


def test_never_is_never_even_for_a_superuser(pair):
    tables(pair)
    pipeline = pair.pipeline(config={"target": {"replica_role": "never"}})
    assert run_one_row(pair, pipeline) == (False, 1)


def test_a_change_of_rights_stops(pair):
    # Triggers that begin to fire, or cease to, would change what the target holds without anyone having asked for it.
    tables(pair)
    role = pair.target_role("item")
    pipeline = pair.pipeline(config={"target": {"conninfo": pair.target.conninfo(user=role)}})
    assert run_one_row(pair, pipeline) == (False, 1)
    pipeline.stop()
    pair.target.execute(f"GRANT SET ON PARAMETER session_replication_role TO {role}")
    try:
        pair.source.execute("INSERT INTO item VALUES (2, 'b')")
        pipeline.expect_stop("rights_changed")
        assert pair.target.value("SELECT count(*) FROM item") == 1
    finally:
        pair.target.execute(f"REVOKE SET ON PARAMETER session_replication_role FROM {role}")
    pipeline.start().wait_caught_up()
    pair.assert_same("item")


def test_check_tells_what_the_replica_role_switches_off(pair):
    tables(pair)
    pipeline = pair.pipeline()
    done = pipeline.command("check", "--json")
    assert done.code == 0, done
    findings = [finding for finding in done.json if finding["name"] == "replica_role_switches_off"]
    assert any("fire" in str(finding) for finding in findings), done.json


def test_the_settings_of_the_sessions_role_and_database_do_not_matter(pair):
    # Roles carry settings; those that would change values, names or meaning are overruled.
    tables(pair)
    role = pair.target_role("item")
    for setting in ("search_path = nowhere", "datestyle = 'German'", "default_transaction_isolation = 'serializable'",
                    "default_transaction_read_only = on", "client_encoding = 'LATIN1'", "statement_timeout = '1ms'",
                    "standard_conforming_strings = off", "row_security = on", "DateStyle = 'SQL'", "timezone = 'Asia/Tokyo'",
                    "array_nulls = off", "xmloption = document"):
        pair.target.execute(f"ALTER ROLE {role} SET {setting}")
    source_role = pair.role(pair.source, "REPLICATION")
    for setting in ("search_path = nowhere", "datestyle = 'German'", "client_encoding = 'LATIN1'", "statement_timeout = '100ms'",
                    "idle_session_timeout = '300ms'", "extra_float_digits = -5", "bytea_output = 'escape'"):
        pair.source.execute(f"ALTER ROLE {source_role} SET {setting}")
    pair.both("ALTER TABLE item ADD at timestamptz, ADD f double precision, ADD b bytea, ADD d date, ADD x xml[],"
              "  ADD q tsquery[]")
    pipeline = pair.pipeline(config={"source": {"conninfo": pair.source.conninfo(user=source_role)},
                                     "target": {"conninfo": pair.target.conninfo(user=role)}}).start()
    pair.source.execute("INSERT INTO item VALUES (1, 'späß ✓', '2026-02-01 03:04:05.678+09', 0.1::float8 + 0.2, '\\x00ff', '2026-02-01',"
                        "  ARRAY['a', NULL, 'NULL']::xml[], '{a, NULL, \"NULL\"}')")
    pipeline.wait_caught_up()
    pair.assert_same("item")
    assert pair.target.value("SELECT array_position(q, NULL) + array_length(x, 1) FROM item") == 5


def test_the_source_can_wait_for_us_as_a_synchronous_standby(own_pair):
    own_pair.both("CREATE TABLE item (id int PRIMARY KEY)")
    pipeline = own_pair.pipeline(publish="TABLE item", config={
        "source": {"conninfo": own_pair.source.conninfo(application_name="our_mirror")}}).start()
    own_pair.source.server.configure(synchronous_standby_names="our_mirror")
    wait_until(lambda: own_pair.source.value("SELECT sync_state FROM pg_stat_replication WHERE application_name = 'our_mirror'")
               == "sync", 20, "the source counts us as a synchronous standby")
    with own_pair.source.connect() as writer:
        writer.execute("SET statement_timeout = '20s'")
        for n in range(50):
            writer.execute("INSERT INTO item VALUES (%s)", (n,))
            # The commit has returned: the row is on the target.
            assert own_pair.target.value("SELECT count(*) FROM item") == n + 1
        # Also a transaction that we do not publish returns.
        writer.execute("CREATE TABLE unpublished (id int)")
    pipeline.kill9()
    own_pair.source.execute("SET synchronous_commit = local; INSERT INTO item VALUES (1000)")
    pipeline.start()
    with own_pair.source.connect() as writer:
        writer.execute("SET statement_timeout = '20s'")
        writer.execute("INSERT INTO item VALUES (1001)")
    assert own_pair.target.value("SELECT count(*) FROM item") == 52
    own_pair.source.server.configure(synchronous_standby_names="")


def test_a_synchronous_commit_is_durable_on_the_target_when_it_returns(own_pair):
    own_pair.target.server.configure(wal_writer_delay="10s", wal_writer_flush_after="1GB")
    own_pair.both("CREATE TABLE item (id int PRIMARY KEY)")
    own_pair.pipeline(config={"source": {"conninfo": own_pair.source.conninfo(application_name="our_mirror")}}).start()
    own_pair.source.server.configure(synchronous_standby_names="our_mirror")
    wait_until(lambda: own_pair.source.value("SELECT sync_state FROM pg_stat_replication WHERE application_name = 'our_mirror'")
               == "sync", 20)
    with own_pair.source.connect() as writer:
        writer.execute("SET statement_timeout = '25s'")
        writer.execute("INSERT INTO item VALUES (1)")
    own_pair.target.server.kill9()
    own_pair.target.server.start()
    assert own_pair.target.value("SELECT count(*) FROM item") == 1
    own_pair.source.server.configure(synchronous_standby_names="")


def test_one_cluster_whose_commits_would_wait_for_themselves(own_pair):
    # Our own COMMIT on the target would wait until we have confirmed it.
    server = own_pair.source.server
    same = Pair(own_pair.source, server.database("the_target"))
    same.both("CREATE TABLE item (id int PRIMARY KEY)")
    pipeline = same.pipeline(config={"source": {"conninfo": same.source.conninfo(application_name="our_mirror")}})
    own_pair.pipelines.append(pipeline)
    pipeline.start()
    server.configure(synchronous_standby_names="our_mirror")
    done = pipeline.command("check", "--json")
    assert "waits_for_itself" in done.out, done
    with same.source.connect() as writer:
        writer.execute("SET statement_timeout = '20s'")
        for n in range(5):
            writer.execute("INSERT INTO item VALUES (%s)", (n,))
    same.assert_same("item")
    server.configure(synchronous_standby_names="")
