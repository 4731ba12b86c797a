"""The slots that a mirror needs on the source: told when there is no room, gone when the pipeline is."""
from harness import Pair
from harness.waiting import wait_until
from mirroring import mirrored, wait_mirror_state, wait_mirrored


def slots(database) -> list[str]:
    return [name for name, in database.rows("SELECT slot_name FROM pg_replication_slots WHERE database = current_database()")]


def test_remove_drops_the_mirrors_slot_as_well(pair, make_kafka):
    kafka = make_kafka()
    pair.both("CREATE TABLE item (id int PRIMARY KEY)")
    pipeline = mirrored(pair, kafka).start()
    wait_mirrored(pipeline)
    kafka.stop()
    pair.source.execute("INSERT INTO item VALUES (1)")
    wait_until(lambda: len(slots(pair.source)) == 2, 60, pipeline.log_tail)
    pipeline.stop(40)  # a call to a broker that is away is waited for
    done = pipeline.command("remove", "--json")
    assert done.code == 0, done.err
    assert slots(pair.source) == []
    assert "could not reach Kafka" in done.out, done.out
    kafka.start()
    assert "has forgotten" in pipeline.command("remove").out
    # What comes after it under the same name begins anew.
    pipeline.create_slot()
    pipeline.start()
    pair.source.execute("INSERT INTO item VALUES (2)")
    wait_mirrored(pipeline)
    assert wait_mirror_state(pipeline, "streaming")["error"] is None


def test_no_room_for_the_mirrors_slot_is_a_warning(pair, kafka, make_server):
    server = make_server("own", {"max_replication_slots": 1})
    small = Pair(server.database("small"), pair.target)
    small.both("CREATE TABLE item (id int PRIMARY KEY)")
    pipeline = mirrored(small, kafka)
    findings = [(f["severity"], f["name"]) for f in pipeline.command("check", "--json").json]
    assert ("warning", "no_free_slot") in findings, findings
    pipeline.start()
    assert pipeline.wait_event("no_free_slot")["level"] == "warning"
    pipeline.close()
