"""Never past a gap: the service stops, says which, and has changed nothing."""
import subprocess

import pytest

from harness import Pipeline, lsn, wait_until


@pytest.fixture
def shop(pair):
    """A pipeline that has run and is down; rows 1 to 10 are on both sides."""
    return stopped_pipeline(pair)


def stopped_pipeline(pair):
    pair.both("CREATE TABLE item (id int PRIMARY KEY, name text)")
    pipeline = pair.pipeline().start()
    pair.source.execute("INSERT INTO item SELECT n, 'first' FROM generate_series(1, 10) n")
    pipeline.wait_caught_up()
    assert pipeline.stop() == 0
    return pipeline


def write_more(pair, first=11):
    pair.source.execute("INSERT INTO item SELECT n, 'more' FROM generate_series(%s::int, %s::int) n", first, first + 9)


def refused(pipeline, *names):
    """The service stops with one of `names`, twice, and the target stays as it was; returns the error."""
    before = pipeline.target.rows("SELECT * FROM item ORDER BY id")
    slot = pipeline.slot_row()
    for _ in range(2):
        done = pipeline.run_until_exit()
        assert done.code == 2, f"exit code {done.code}:\n{done.err}"
        last = done.err.strip().splitlines()[-1]
        assert any(name in last for name in names), done.err
        assert pipeline.target.rows("SELECT * FROM item ORDER BY id") == before
        after = pipeline.slot_row()
        assert (slot and slot["confirmed_flush_lsn"]) == (after and after["confirmed_flush_lsn"]), "the slot was moved"
    check = pipeline.command("check", "--json")
    assert check.code == 2, check
    assert any(name in check.out for name in names), check.out
    status = pipeline.command("status", "--json").json
    assert status["pid"] is None and status["state"] == "stopped"
    assert status["error"]["name"] in names, status
    assert status["error"]["remedy"], status
    return status["error"]


def test_a_slot_that_was_created_again(pair, shop):
    write_more(pair)
    shop.drop_slot()
    shop.create_slot()
    write_more(pair, 21)
    refused(shop, "slot_recreated")


def test_a_slot_that_was_created_again_though_nothing_was_lost_yet(pair, shop):
    shop.drop_slot()
    shop.create_slot()
    refused(shop, "slot_recreated")


def test_a_slot_that_is_gone(pair, shop):
    shop.drop_slot()
    refused(shop, "slot_missing")


def test_a_slot_that_someone_else_advanced(pair, shop):
    write_more(pair)
    pair.source.value("SELECT count(*) FROM pg_replication_slot_advance(%s, pg_current_wal_lsn())", shop.name)
    refused(shop, "slot_advanced")


def test_a_slot_that_someone_else_read(pair, shop):
    write_more(pair)
    pair.source.value("SELECT count(*) FROM pg_logical_slot_get_binary_changes(%s, NULL, NULL, 'publications', %s)",
                      shop.name, shop.name)
    error = refused(shop, "slot_advanced", "target_restored")  # from here the two look the same
    assert "read from the slot" in error["message"], error


def test_looking_into_the_slot_is_harmless(pair, shop):
    write_more(pair)
    pair.source.value("SELECT count(*) FROM walgate.peek(%s, %s, 100)", shop.name, shop.name)
    shop.start().wait_caught_up()
    pair.assert_same("item")


def test_a_slot_of_another_plugin(pair, shop):
    shop.drop_slot()
    pair.source.value("SELECT slot_name FROM pg_create_logical_replication_slot(%s, 'test_decoding')", shop.name)
    refused(shop, "slot_of_other_plugin")


def test_a_slot_of_another_database(request, pair, shop):
    shop.drop_slot()
    other = pair.source.server.database(pair.source.name + "_other")
    try:
        other.execute("CREATE EXTENSION walgate")
        other.value("SELECT walgate.create_slot(%s)", shop.name)
        refused(shop, "slot_of_other_database")
    finally:
        other.value("SELECT walgate.drop_slot(%s)", shop.name)
        other.drop()


def test_a_slot_that_lost_its_wal(own_pair):
    shop = stopped_pipeline(own_pair)
    own_pair.source.server.configure(max_slot_wal_keep_size="1MB", max_wal_size="32MB", min_wal_size="32MB")
    for _ in range(4):
        own_pair.source.execute("SELECT pg_switch_wal(); CREATE TABLE filler AS SELECT repeat('x', 500) FROM generate_series(1, 50000);"
                                "DROP TABLE filler; CHECKPOINT")
    wait_until(lambda: own_pair.source.value("SELECT wal_status FROM pg_replication_slots") == "lost")
    done = shop.run_until_exit()
    assert done.code == 2
    assert "slot_invalidated" in done.err.strip().splitlines()[-1], done.err


def test_a_publication_that_is_gone(pair, shop):
    pair.source.execute(f'DROP PUBLICATION "{shop.name}"')
    refused(shop, "publication_missing")


def test_a_target_that_was_restored_to_an_older_state(own_pair):
    shop = stopped_pipeline(own_pair)
    saved = own_pair.target.server.save()
    shop.start()
    write_more(own_pair)
    shop.wait_caught_up()
    acknowledged = own_pair.source.value("SELECT pg_current_wal_lsn()::text")
    write_more(own_pair, 21)
    wait_until(lambda: lsn(shop.slot_row()["confirmed_flush_lsn"]) > lsn(acknowledged), what="the slot has moved on")
    shop.stop()
    own_pair.target.server.restore(saved)
    assert own_pair.target.value("SELECT count(*) FROM item") == 10
    refused(shop, "target_restored", "slot_advanced")


def test_a_target_that_is_restored_while_the_service_runs(own_pair):
    shop = stopped_pipeline(own_pair)
    saved = own_pair.target.server.save()
    shop.start()
    write_more(own_pair)
    shop.wait_caught_up()
    acknowledged = own_pair.source.value("SELECT pg_current_wal_lsn()::text")
    write_more(own_pair, 21)
    wait_until(lambda: lsn(shop.slot_row()["confirmed_flush_lsn"]) > lsn(acknowledged), what="the slot has moved on")
    own_pair.target.server.restore(saved)
    code = shop.wait_exit(60)
    assert code == 2
    last = shop.log().strip().splitlines()[-1]
    assert "target_restored" in last or "slot_advanced" in last, shop.log_tail()
    assert own_pair.target.value("SELECT count(*) FROM item") == 10


def test_a_source_that_was_restored_to_an_older_state(own_pair):
    shop = stopped_pipeline(own_pair)
    saved = own_pair.source.server.save()
    shop.start()
    write_more(own_pair)
    shop.wait_caught_up()
    shop.stop()
    own_pair.source.server.restore(saved)
    refused(shop, "source_restored")


def test_a_source_that_was_restored_and_has_written_past_our_position(own_pair):
    # The new history re-uses the positions of the old one; only the timeline tells them apart.
    shop = stopped_pipeline(own_pair)
    source = own_pair.source.server
    saved = source.save()
    shop.start()
    write_more(own_pair)
    shop.wait_caught_up()
    position = own_pair.source.value("SELECT pg_current_wal_insert_lsn()::text")
    shop.stop()
    source.stop()
    (saved / "recovery.signal").touch()
    subprocess.run(["chown", "--reference", str(saved), str(saved / "recovery.signal")], check=True)
    source.settings |= {"restore_command": "false", "recovery_target_timeline": "latest"}
    source.start()
    source.restore(saved)
    wait_until(lambda: not own_pair.source.value("SELECT pg_is_in_recovery()"), what="the restored source takes writes")
    own_pair.source.execute("INSERT INTO item SELECT n, 'new history' FROM generate_series(100, 5000) n")
    assert lsn(own_pair.source.value("SELECT pg_current_wal_insert_lsn()::text")) > lsn(position)
    refused(shop, "source_restored")


def test_another_source_system(own_pair, make_server):
    shop = stopped_pipeline(own_pair)
    other = make_server("other").database(own_pair.source.name)
    other.execute("CREATE TABLE item (id int PRIMARY KEY, name text); CREATE EXTENSION walgate;"
                  f'CREATE PUBLICATION "{shop.name}" FOR TABLE item')
    other.value("SELECT walgate.create_slot(%s)", shop.name)
    shop.write_config(source={"conninfo": other.conninfo()})
    refused(shop, "other_source_system")


def test_a_cloned_target_does_not_eat_the_slot_of_its_original(pair, shop):
    name = pair.target.name + "_clone"
    clone = pair.target.server.database(name, f'TEMPLATE "{pair.target.name}"')
    try:
        write_more(pair)
        shop.write_config(target={"conninfo": clone.conninfo()})
        shop.target = clone
        refused(shop, "other_target_system")
        shop.target = pair.target
        shop.write_config(target={"conninfo": pair.target.conninfo()})
        shop.start().wait_caught_up()
        pair.assert_same("item")
    finally:
        shop.stop()
        clone.drop()


def second_of(pipeline):
    """Another service process of the same pipeline."""
    second = Pipeline(pipeline.source, pipeline.target, pipeline.name, publish=None, slot=False)
    second.write_config(**{key: value for key, value in pipeline.config.items() if key != "http"})
    return second


def test_a_second_service_on_the_same_pipeline(pair, shop):
    shop.start()
    second = second_of(shop)
    try:
        done = second.run_until_exit()
        assert done.code == 2, done
        last = done.err.strip().splitlines()[-1]
        assert "pipeline_running" in last or "pipeline_in_use" in last or "slot_in_use" in last, done.err
        write_more(pair)
        shop.wait_caught_up()
        pair.assert_same("item")
        assert shop.status()["counters"]["retries"] == 0, "the first service was disturbed"
    finally:
        second.close()


def test_a_slot_feeds_one_pipeline(pair, shop):
    other = Pipeline(pair.source, pair.target, shop.name + "_b", publish=None, slot=False,
                     config={"source": {"slot": shop.name, "publications": [shop.name]}})
    try:
        done = other.run_until_exit()
        assert done.code == 2 and "pipeline_exists_elsewhere" in done.err.strip().splitlines()[-1], done
    finally:
        other.close()


def test_a_registered_pipeline_keeps_its_slot(pair, shop):
    pair.source.value("SELECT walgate.create_slot(%s)", shop.name + "_other")
    try:
        shop.write_config(source={"slot": shop.name + "_other"})
        done = shop.run_until_exit()
        assert done.code == 2 and "pipeline_exists_elsewhere" in done.err.strip().splitlines()[-1], done
    finally:
        pair.source.value("SELECT walgate.drop_slot(%s)", shop.name + "_other")
        shop.write_config(source={"slot": shop.name})


def test_two_services_that_start_at_once_leave_one(pair, shop):
    second = second_of(shop)
    try:
        shop.start(wait=False)
        second.start(wait=False)
        wait_until(lambda: shop.running != second.running, 40, lambda: shop.log_tail() + second.log_tail())
        winner = shop if shop.running else second
        write_more(pair)
        winner.wait_state("streaming")
        winner.wait_caught_up()
        pair.assert_same("item")
    finally:
        second.close()


def test_another_source_database_may_not_take_over_a_pipeline_that_is_registered(pair, shop, source_server):
    name = pair.source.name + "_two"
    other = source_server.database(name)
    try:
        other.execute(f'CREATE TABLE item (id int PRIMARY KEY, name text); CREATE EXTENSION walgate;'
                      f'CREATE PUBLICATION "{shop.name}" FOR TABLE item')
        other.value("SELECT walgate.create_slot(%s)", name)
        shop.write_config(source={"conninfo": other.conninfo(), "slot": name})
        done = shop.run_until_exit()
        assert done.code == 2, done
        assert "other_source_system" in done.err.strip().splitlines()[-1], done.err
        assert pair.target.value("SELECT count(*) FROM item") == 10
    finally:
        other.value("SELECT walgate.drop_slot(%s)", name)
        other.drop()
        shop.config["source"].pop("slot")
