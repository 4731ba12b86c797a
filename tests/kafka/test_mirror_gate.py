"""The mirror never runs ahead of the target: what waits at a gate, or was left out, is not in Kafka; and one that was behind
joins it without a hole."""
from harness import Hold, Load, wait_until
from mirroring import assert_stays, mirrored, sent, wait_in_step, wait_mirror_state, wait_mirrored


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


def test_nothing_is_sent_before_the_target_has_committed_it(pair, kafka):
    pair.both("CREATE TABLE item (id int PRIMARY KEY)")
    pipeline = mirrored(pair, kafka).start()
    pair.source.execute("INSERT INTO item VALUES (1)")
    wait_mirrored(pipeline)
    hold = Hold(pair.target, "item", at_commit=True)
    pair.source.execute("INSERT INTO item VALUES (2)")
    hold.wait_reached()
    assert_stays([1], lambda: keys(kafka, pipeline, isolation="read_uncommitted"))
    hold.release()
    wait_mirrored(pipeline)
    assert keys(kafka, pipeline) == [1, 2]


def behind(pair, kafka, **words):
    """A pipeline with row 1 in Kafka and row 2 on the target alone; the broker is down, and the mirror has let go."""
    pair.both("CREATE TABLE item (id int PRIMARY KEY, filler text)")
    pipeline = mirrored(pair, kafka, **words).start()
    pair.source.execute("INSERT INTO item VALUES (1)")
    wait_mirrored(pipeline)
    pipeline.stop()
    kafka.nodes[0].kill9()
    pipeline.start()
    pair.source.execute("INSERT INTO item VALUES (2)")
    wait_mirror_state(pipeline, "retrying")
    pipeline.wait_caught_up()
    return pipeline


def wait_mirror_read(pipeline, position: str) -> None:
    """Waits until the source has sent the mirror's own stream everything up to there."""
    wait_until(lambda: pipeline.source.rows("SELECT 1 FROM pg_replication_slots JOIN pg_stat_replication ON pid = active_pid"
                                            " WHERE slot_name = %s AND sent_lsn >= %s::pg_lsn", f"{pipeline.slot}_mirror", position),
               60, lambda: f"{pipeline.status()}\n{pipeline.log_tail()}")


def test_a_mirror_that_is_behind_does_not_pass_the_target(pair, mortal_kafka):
    pipeline = behind(pair, mortal_kafka)
    hold = Hold(pair.target, "item")
    pair.source.execute("INSERT INTO item VALUES (3)")
    position = pair.source.value("SELECT pg_current_wal_insert_lsn()::text")
    hold.wait_reached()
    mortal_kafka.start()
    wait_mirror_read(pipeline, position)
    wait_until(lambda: keys(mortal_kafka, pipeline)[:2] == [1, 2], 30, pipeline.log_tail)
    assert_stays([1, 2], lambda: keys(mortal_kafka, pipeline))
    hold.release()
    wait_mirrored(pipeline)
    wait_in_step(pipeline)
    assert keys(mortal_kafka, pipeline) == [1, 2, 3]


def test_a_mirror_joins_between_two_transactions(pair, mortal_kafka):
    pipeline = behind(pair, mortal_kafka, config={"limits": {"batch_rows": 1000}})
    # Too large for what lies between the service and the server: the rest is read when the target goes on.
    hold = Hold(pair.target, "item", when="NEW.id = 10000")
    pair.source.execute("INSERT INTO item SELECT id, repeat('x', 1000) FROM generate_series(3, 30000) id")
    hold.wait_reached()
    mortal_kafka.start()
    wait_mirror_state(pipeline, "behind")
    wait_until(lambda: keys(mortal_kafka, pipeline) == [1, 2], 30, pipeline.log_tail)
    assert_stays([1, 2], lambda: keys(mortal_kafka, pipeline))  # and meanwhile it has asked to be fed
    hold.release()
    wait_mirrored(pipeline)
    wait_in_step(pipeline)
    assert keys(mortal_kafka, pipeline) == list(range(1, 30001))


def test_a_mirror_that_joins_under_load_leaves_nothing_out(pair, mortal_kafka):
    pair.both("CREATE TABLE other (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, number int)")
    pipeline = behind(pair, mortal_kafka)
    # The source needs some time before it has sent that: the feed begins meanwhile.
    pair.source.execute("INSERT INTO item SELECT generate_series(3, 400000)")
    pipeline.wait_caught_up()
    with Load(pair.source, lambda session, rng, number: session.execute("INSERT INTO other (number) VALUES (%s)", (number,)), pause=0.005):
        mortal_kafka.start()
        wait_mirror_state(pipeline, "streaming")
    wait_mirrored(pipeline)
    assert keys(mortal_kafka, pipeline) == list(range(1, 400001))
    assert sorted(keys(mortal_kafka, pipeline, "other")) == [id for id, in pair.source.rows("SELECT id FROM other ORDER BY id")]


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
    ends = [r.value["event_count"] for r in sent(mortal_kafka, f"{pipeline.name}.transaction") if r.value.get("status") == "END"]
    assert ends == [1, 1]
