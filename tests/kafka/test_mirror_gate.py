"""The mirror never runs ahead of the target: what waits at a gate, or was left out, is not in Kafka."""
from mirroring import mirrored, sent, wait_in_step, wait_mirror_state, wait_mirrored


def keys(kafka, pipeline, table: str = "item", isolation: str = "read_committed") -> list[int]:
    return [r.key["id"] for r in sent(kafka, f"{pipeline.name}.public.{table}", isolation=isolation)]


def test_nothing_beyond_a_gate_is_sent(pair, mortal_kafka):
    pair.both("CREATE TABLE item (id int PRIMARY KEY); CREATE TABLE other (id int PRIMARY KEY)")
    pipeline = mirrored(pair, mortal_kafka).start()
    pair.source.execute("INSERT INTO item VALUES (1)")
    pair.source.execute("INSERT INTO other VALUES (1)")
    wait_mirrored(pipeline)
    pair.source.execute("ALTER TABLE item ADD note text")
    pair.source.execute("INSERT INTO item VALUES (2, 'new shape')")
    pair.source.execute("INSERT INTO other VALUES (2)")
    pipeline.wait_gate("note")
    assert keys(mortal_kafka, pipeline, isolation="read_uncommitted") == [1]
    assert keys(mortal_kafka, pipeline, "other", "read_uncommitted") == [1]

    # The same for a mirror that starts, or comes back, while the target waits.
    pipeline.kill9()
    mortal_kafka.nodes[0].kill9()
    pipeline.start(wait=False)
    pipeline.wait_gate("note")
    mortal_kafka.start()
    pair.source.execute("INSERT INTO other VALUES (3)")
    assert keys(mortal_kafka, pipeline, "other", "read_uncommitted") == [1]

    pair.target.execute("ALTER TABLE item ADD note text")
    pipeline.wait_state("streaming")
    wait_mirrored(pipeline)
    wait_in_step(pipeline)
    assert keys(mortal_kafka, pipeline) == [1, 2] and keys(mortal_kafka, pipeline, "other") == [1, 2, 3]


def test_a_mirror_that_is_behind_stops_where_the_target_waits(pair, mortal_kafka):
    pair.both("CREATE TABLE item (id int PRIMARY KEY); CREATE TABLE other (id int PRIMARY KEY)")
    pipeline = mirrored(pair, mortal_kafka).start()
    pair.source.execute("INSERT INTO item VALUES (1)")
    wait_mirrored(pipeline)
    pipeline.stop()
    mortal_kafka.nodes[0].kill9()
    pipeline.start()
    wait_mirror_state(pipeline, "retrying")
    pair.source.execute("INSERT INTO item VALUES (2)")
    pair.source.execute("INSERT INTO item SELECT generate_series(3, 50)")
    pair.source.execute("ALTER TABLE item ADD note text")
    pair.source.execute("INSERT INTO item VALUES (51, 'new shape')")
    pair.source.execute("INSERT INTO other VALUES (1)")
    pipeline.wait_gate("note")
    mortal_kafka.start()
    pair.target.execute("ALTER TABLE item ADD note text")
    wait_mirrored(pipeline)
    wait_in_step(pipeline)
    assert keys(mortal_kafka, pipeline) == list(range(1, 52)) and keys(mortal_kafka, pipeline, "other") == [1]


def test_a_transaction_that_was_left_out_is_not_sent_either(pair, mortal_kafka):
    pair.both("CREATE TABLE item (id int PRIMARY KEY); CREATE TABLE other (id int PRIMARY KEY)")
    pair.target.execute("INSERT INTO item VALUES (2)")
    pipeline = mirrored(pair, mortal_kafka).start()
    pair.source.execute("INSERT INTO item VALUES (1)")
    wait_mirrored(pipeline)
    pair.source.execute("INSERT INTO other VALUES (1); INSERT INTO item VALUES (2)")
    pair.source.execute("INSERT INTO item VALUES (3)")
    error = pipeline.assert_stopped("unique_violation_on_target")
    assert keys(mortal_kafka, pipeline, isolation="read_uncommitted") == [1]
    assert pipeline.command("skip", "--lsn", error["lsn"]).code == 0
    mortal_kafka.nodes[0].kill9()  # and not by the way of the slot's copy either
    pipeline.start()
    pipeline.wait_caught_up()
    wait_mirror_state(pipeline, "retrying")
    pipeline.stop()
    pipeline.start()
    mortal_kafka.start()
    wait_mirrored(pipeline)
    wait_in_step(pipeline)
    assert keys(mortal_kafka, pipeline) == [1, 3]
    assert f"{pipeline.name}.public.other" not in mortal_kafka.admin().list_topics(timeout=10).topics
    ends = [r.value["event_count"] for r in sent(mortal_kafka, f"{pipeline.name}.transaction") if r.value["status"] == "END"]
    assert ends == [1, 1]
