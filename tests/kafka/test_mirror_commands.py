"""`walgate mirror check` and `plan` against a broker, with good inputs and bad ones."""
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from mirroring import mirrored, wait_mirror_state, wait_mirrored

NOBODY = {"properties": {"bootstrap.servers": "127.0.0.1:9"}}


def findings(pipeline, *words, code: int | None = None) -> dict:
    """What the command found: name → the findings with it."""
    done = pipeline.command(*(words or ("mirror", "check")), "--json", seconds=90)
    assert code is None or done.code == code, (done.code, done.out, done.err)
    found: dict = {}
    for finding in done.json:
        found.setdefault(finding["name"], []).append(finding)
    return found


@contextmanager
def writing(database, sql: str):
    """Runs the statements again and again, each time as one transaction."""
    over = threading.Event()

    def run():
        with database.connect() as session:
            while not over.is_set():
                session.execute(sql)
                over.wait(0.02)
    with ThreadPoolExecutor(1) as threads:
        done = threads.submit(run)
        try:
            yield
        finally:
            over.set()
            done.result(30)


def errors(found: dict) -> set:
    return {name for name, list in found.items() if any(finding["severity"] == "error" for finding in list)}


# check


def test_check_tells_what_will_be_made(pair, kafka):
    pair.both("CREATE TABLE item (id int PRIMARY KEY); CREATE TABLE log (line text)")
    pipeline = mirrored(pair, kafka, {"partitions": 3})
    found = findings(pipeline, code=0)
    assert kafka.id in found["mirror_configured"][0]["finding"]
    missing = {finding["object"] for finding in found["topic_missing"]}
    name = pipeline.name
    assert missing == {f'topic "{name}.{rest}"' for rest in
                       ("public.item", "public.log", "transaction", "walgate.progress", "walgate.schemas")}
    assert [f["object"] for f in found["mirror_table_without_key"]] == ["public.log"]
    assert "transactional_id_not_tested" not in found
    text = pipeline.command("mirror", "check")
    assert text.code == 0 and "name: topic_missing" in text.out and "0 errors, 0 warnings" in text.out
    assert "topic_missing" in findings(pipeline, "check", code=0)


def test_check_of_a_running_mirror_leaves_it_alone(pair, kafka):
    pair.both("CREATE TABLE item (id int PRIMARY KEY)")
    pipeline = mirrored(pair, kafka).start()
    pair.source.execute("INSERT INTO item VALUES (1)")
    wait_mirrored(pipeline)
    found = findings(pipeline, code=0)
    assert set(found) == {"mirror_configured", "transactional_id_not_tested"}
    pair.source.execute("INSERT INTO item VALUES (2)")
    wait_mirrored(pipeline)
    assert wait_mirror_state(pipeline, "streaming") and not pipeline.events("mirror_fenced")


def test_check_knows_what_the_cluster_cannot_do(pair, kafka):
    pair.both("CREATE TABLE item (id int PRIMARY KEY)")
    pipeline = mirrored(pair, kafka, {"replication_factor": 2, "topic_settings": {"min.insync.replicas": "3", "retentoin.ms": "1"}})
    kafka.create_topic(f"{pipeline.name}.public.item", partitions=1)
    found = findings(pipeline, code=2)
    assert errors(found) == {"replication_factor_above_brokers", "min_insync_above_replication_factor", "topic_setting_unknown"}
    assert errors(findings(pipeline, "check", code=2)) == errors(found)


def test_check_refuses_to_change_the_partitions_of_a_live_topic(pair, kafka):
    pair.both("CREATE TABLE item (id int PRIMARY KEY)")
    pipeline = mirrored(pair, kafka, {"partitions": 2}).start()
    pair.source.execute("INSERT INTO item VALUES (1)")
    wait_mirrored(pipeline)
    assert pipeline.stop() == 0
    assert errors(findings(pipeline, code=0)) == set()
    pipeline.write_config(kafka={"partitions": 3})
    found = findings(pipeline, code=2)
    assert errors(found) == {"partition_count_differs"}
    assert found["partition_count_differs"][0]["object"] == f'topic "{pipeline.name}.public.item"'
    pair.source.execute("INSERT INTO item VALUES (2)")
    pipeline.start()
    assert wait_mirror_state(pipeline, "stopped")["error"]["name"] == "mirror_topic_unfit"


def test_check_refuses_own_topics_that_forget(pair, kafka):
    pair.both("CREATE TABLE item (id int PRIMARY KEY)")
    pipeline = mirrored(pair, kafka)
    kafka.create_topic(f"{pipeline.name}.walgate.progress", partitions=2, cleanup_policy="delete")
    kafka.create_topic(f"{pipeline.name}.walgate.schemas", cleanup_policy="delete")
    found = findings(pipeline, code=2)
    assert errors(found) == {"own_topic_not_compacted", "progress_topic_partitions"}
    assert len(found["own_topic_not_compacted"]) == 2
    pipeline.start()
    assert wait_mirror_state(pipeline, "stopped")["error"]["name"] == "mirror_topic_unfit"


def test_check_says_when_nobody_is_there(pair):
    pair.both("CREATE TABLE item (id int PRIMARY KEY)")
    pipeline = pair.pipeline(config={"kafka": NOBODY})
    found = findings(pipeline, code=4)
    assert errors(found) == {"kafka_unavailable"}
    found = findings(pipeline, "check", code=0)
    assert [finding["severity"] for finding in found["kafka_unavailable"]] == ["warning"]


@pytest.mark.parametrize("command", [("mirror", "check"), ("check",), ("run",)])
def test_properties_that_librdkafka_does_not_take_are_mistakes(pair, command):
    pair.both("CREATE TABLE item (id int PRIMARY KEY)")
    pipeline = pair.pipeline(config={"kafka": {"properties": NOBODY["properties"] | {"linger.ms": "soon", "acks": "0", "no.such": 1}}})
    done = pipeline.command(*command, "--json")
    assert done.code == 1
    error = done.json["error"]
    assert error["name"] == "configuration_invalid"
    assert [mistake["path"] for mistake in error["mistakes"]] == [
        "kafka.properties.acks", 'kafka.properties["linger.ms"]', 'kafka.properties["no.such"]']


def test_properties_that_do_not_go_together_are_found(pair, kafka):
    pair.both("CREATE TABLE item (id int PRIMARY KEY)")
    pipeline = mirrored(pair, kafka, {"properties": kafka.client_config() | {
        "transaction.timeout.ms": "1000", "message.timeout.ms": "2000"}})
    assert errors(findings(pipeline, code=2)) == {"configuration_invalid"}


def test_check_tries_the_transactional_id(pair, kafka):
    """More than the brokers' transaction.max.timeout.ms is refused when the id is taken over."""
    pair.both("CREATE TABLE item (id int PRIMARY KEY)")
    pipeline = mirrored(pair, kafka, {"properties": kafka.client_config() | {"transaction.timeout.ms": "1000000"}})
    found = findings(pipeline, code=2)
    assert errors(found) == {"kafka_refused"}


def test_check_finds_columns_and_keys_that_cannot_be_mirrored(pair, kafka):
    pair.both("CREATE TYPE pair AS (a int, b int); CREATE TABLE bad (id int PRIMARY KEY, both_of pair);"
              "CREATE TABLE keyed (id int PRIMARY KEY, name text); CREATE TABLE wrong (id int PRIMARY KEY)")
    pipeline = mirrored(pair, kafka, config={"tables": [{"source": "public.keyed", "key": ["name"]},
                                                        {"source": "public.wrong", "key": ["nothing"]}]})
    found = findings(pipeline, code=2)
    assert errors(found) == {"column_not_mirrored", "mirror_key_unknown"}
    assert {finding["object"] for finding in found["mirror_key_unknown"]} == {"public.keyed", "public.wrong"}
    assert "both_of" in found["column_not_mirrored"][0]["finding"]


def test_check_finds_topics_that_collide(pair, kafka):
    pair.both("CREATE TABLE a_b (id int PRIMARY KEY); CREATE TABLE c (id int PRIMARY KEY); CREATE TABLE d (id int PRIMARY KEY);"
              "CREATE TABLE e (line text)")
    name = pair.source.name
    pipeline = mirrored(pair, kafka, config={"tables": [
        {"source": "public.c", "topic": f"{name}_public_a_b"}, {"source": "public.d", "topic": f"{name}.shared", "partitions": 2},
        {"source": "public.e", "topic": f"{name}.shared"}]})
    kafka.create_topic(f"{pipeline.name}_shared")
    found = findings(pipeline, code=2)
    assert errors(found) == {"topic_name_taken", "topic_shared_unlike"}
    assert len(found["topic_name_taken"]) == 2


def test_without_a_mirror_there_is_nothing_to_check(pair):
    pipeline = pair.pipeline()
    for words in (("mirror", "check"), ("mirror", "plan")):
        done = pipeline.command(*words, "--json")
        assert (done.code, done.json["error"]["name"]) == (1, "configuration_invalid"), words
    assert "mirror_configured" not in findings(pipeline, "check")


def test_the_documented_rights_are_enough_and_each_is_needed(pair, make_kafka):
    kafka = make_kafka(protocol="SASL_PLAINTEXT", users={"mirror": "mirror-secret"}, acls=True)
    pair.both("CREATE TABLE item (id int PRIMARY KEY)")
    pipeline = pair.pipeline(config={"kafka": {"properties": kafka.client_config("mirror")}})
    kafka.allow("mirror", ["Describe", "DescribeConfigs", "Create", "Write", "Read"], topic=f"{pipeline.name}.*")
    found = findings(pipeline, code=2)
    assert errors(found) == {"kafka_refused"} and "ransactional" in found["kafka_refused"][0]["finding"]
    kafka.allow("mirror", ["Describe", "Write"], transactional_id=f"{pipeline.name}.walgate")
    assert errors(findings(pipeline, code=0)) == set()
    pipeline.start()
    pair.source.execute("INSERT INTO item VALUES (1)")
    wait_mirrored(pipeline)


# plan


def test_plan_measures_changes_and_records(pair, kafka):
    pair.source.execute("CREATE TABLE busy (id int PRIMARY KEY, filler text); CREATE TABLE quiet (id int PRIMARY KEY);"
                        "CREATE TABLE empty (id int PRIMARY KEY); CREATE TABLE log (line text)")
    pair.source.execute("INSERT INTO busy SELECT id, repeat('x', 900) FROM generate_series(1, 2000) id")
    pair.source.execute("INSERT INTO quiet VALUES (1); INSERT INTO log VALUES ('a'); ANALYZE")
    pipeline = mirrored(pair, kafka, {"partitions": 2})
    kafka.create_topic(f"{pipeline.name}.public.quiet", partitions=2)
    with writing(pair.source, "UPDATE busy SET filler = filler || 'y' WHERE id <= 100; INSERT INTO log SELECT 'b' FROM generate_series(1, 50)"):
        done = pipeline.command("mirror", "plan", "--interval", "4s", "--partition-rate", "1kB", "--consumer-rate", "100000", "--json")
    assert done.code == 0, done.err
    plan = done.json
    assert plan["brokers"] == 1 and plan["replication_factor"] == 1 and plan["seconds"] >= 4
    tables = {table["table"]: table for table in plan["tables"]}
    busy, log = tables["public.busy"], tables["public.log"]
    assert plan["tables"][0] == busy
    assert busy["updates"] >= 100 and busy["inserts"] == 0, busy
    assert 900 < busy["record_bytes"] < 1500 and busy["record_bytes_from"] == "rows"
    assert busy["partitions"] == max(1, -(-busy["bytes_per_second"] // 1024)) and busy["partitions"] > 2
    assert log["inserts"] >= 50 and not log["has_key"] and log["partitions"] == 1
    assert tables["public.quiet"]["existing_partitions"] == 2 and tables["public.quiet"]["partitions"] == 1
    assert tables["public.empty"]["record_bytes"] is None
    text = pipeline.command("mirror", "plan", "--interval", "1ms")
    assert text.code == 0 and "partitions = max(1, ceil(bytes/s / 10.0 MB per partition)" in text.out, text


def test_plan_needs_no_broker_and_no_nonsense(pair):
    pair.source.execute("CREATE TABLE item (id int PRIMARY KEY)")
    pipeline = pair.pipeline(config={"kafka": NOBODY})
    done = pipeline.command("mirror", "plan", "--interval", "1s", "--json")
    assert done.code == 0 and done.json["brokers"] is None, done
    for words in (("--interval", "soon"), ("--interval", "0s"), ("--partition-rate", "much"), ("--consumer-rate", "0")):
        assert pipeline.command("mirror", "plan", *words).code == 1, words


def test_plan_falls_back_on_statistics_where_the_role_may_not_read(pair, kafka):
    pair.source.execute("CREATE TABLE item (id int PRIMARY KEY, name text)")
    pair.source.execute("INSERT INTO item SELECT id, 'x' FROM generate_series(1, 100) id; ANALYZE item")
    role = pair.role(pair.source)
    pipeline = mirrored(pair, kafka)
    pipeline.write_config(source={"conninfo": pair.source.conninfo(user=role)})
    done = pipeline.command("mirror", "plan", "--interval", "1ms", "--json")
    assert done.code == 0, done
    assert done.json["tables"][0]["record_bytes_from"] == "nothing"  # pg_stats shows what the role may read
    pair.source.execute(f"GRANT SELECT (name) ON item TO {role}")
    done = pipeline.command("mirror", "plan", "--interval", "1ms", "--json")
    assert done.json["tables"][0]["record_bytes_from"] == "statistics"
