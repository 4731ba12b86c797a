"""A pipeline with a Kafka mirror, and what its topics hold."""
import json
import time
from dataclasses import dataclass

from clients import read_all
from harness.pipeline import lsn, merged
from harness.waiting import wait_until


@dataclass
class Sent:
    """One record, its JSON parsed; `value` is None for a tombstone."""
    key: object
    value: object
    headers: dict
    partition: int
    offset: int
    topic: str

    @property
    def op(self):
        return self.value and self.value.get("op")

    @property
    def position(self) -> tuple[int, int]:
        """Its order in the source: the transaction, and the place in it."""
        return lsn(self.headers["walgate.lsn"]), int(self.headers.get("walgate.position", 0))


def mirrored(pair, kafka, kafka_config: dict | None = None, config: dict | None = None, **words):
    """A pipeline of the pair that is mirrored into the cluster; `kafka_config` are further keys of the section.  Rows that
    are there before are copied on both ways or on none, unless `kafka_config` says otherwise."""
    section = merged({"properties": kafka.client_config(), "copy": words.get("copy", False) is not False}, kafka_config or {})
    return pair.pipeline(config={"kafka": section} | (config or {}), **words)


def wait_mirrored(pipeline, seconds: float = 60) -> dict:
    """Waits until everything that the source has committed so far is in Kafka; the mirror's status."""
    position = lsn(pipeline.source.value("SELECT pg_current_wal_insert_lsn()::text"))
    last: list = [None]

    def reached():
        status = pipeline.status()
        last[0] = status and status["mirror"]
        # The position of an idle mirror follows slowly; a row of our own does not.
        arrived = last[0] and last[0]["position"] and lsn(last[0]["position"]) >= position
        return last[0] if arrived and last[0]["state"] not in ("opening", "copying") else None
    # Something to mirror, so that the position moves on at once.
    pipeline.source.execute("SELECT pg_logical_emit_message(true, 'walgate-test', '')")
    return wait_until(reached, seconds, lambda: f"mirrored up to {position:x}: {last[0]}\n{pipeline.log_tail()}")


def wait_mirror_state(pipeline, *states: str, seconds: float = 60) -> dict:
    def reached():
        status = pipeline.status()
        mirror = status and status["mirror"]
        return mirror if mirror and mirror["state"] in states else None
    return wait_until(reached, seconds, lambda: f"mirror in {states}: {pipeline.status()}\n{pipeline.log_tail()}")


def wait_mirror_error(pipeline, name: str, *states: str, seconds: float = 60) -> dict:
    """Waits until the mirror is in one of these states, stopped if none is named, because of `name`; its error."""
    states = states or ("stopped",)

    def reached():
        status = pipeline.status()
        mirror = status and status["mirror"]
        found = mirror and mirror["state"] in states and mirror["error"] and mirror["error"]["name"] == name
        return mirror["error"] if found else None
    return wait_until(reached, seconds, lambda: f"{name} of the mirror: {pipeline.status()}\n{pipeline.log_tail()}")


def mirror_slot(pipeline) -> dict | None:
    """active, confirmed_flush_lsn and restart_lsn of the slot's copy; None where there is none."""
    return pipeline.slot_row(f"{pipeline.slot}_mirror")


def wait_in_step(pipeline, seconds: float = 60) -> None:
    """Waits until the mirror follows the target again, and needs no slot of its own."""
    def reached():
        pipeline.source.execute("SELECT pg_logical_emit_message(true, 'walgate-test', '')")  # the next commit drops it
        status = pipeline.status()
        return status and status["mirror"] and status["mirror"]["state"] == "streaming" and not mirror_slot(pipeline)
    wait_until(reached, seconds, lambda: f"in step: {pipeline.status()}\n{pipeline.log_tail()}", every=0.1)


def sent(kafka, topic: str, partitions: int = 1, isolation: str = "read_committed") -> list[Sent]:
    """All records of a topic, in order within each partition."""
    return [parsed(message) for message in read_all(kafka.internal_config(), topic, partitions, isolation)]


def parsed(message) -> Sent:
    return Sent(json.loads(message.key()) if message.key() else None,
                json.loads(message.value()) if message.value() is not None else None,
                {name: value.decode() for name, value in message.headers() or []},
                message.partition(), message.offset(), message.topic())


def assert_stays(expected, what, seconds: float = 1) -> None:
    """Fails when `what()` is anything else within this time: what must not come cannot be waited for."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert (found := what()) == expected, found


def view(records: list[Sent]) -> dict:
    """The compacted view: the last value of each key; keys as JSON text."""
    rows: dict = {}
    for record in records:
        key = json.dumps(record.key, sort_keys=True)
        if record.value is None or record.op == "d":
            rows.pop(key, None)
        else:
            rows[key] = record.value["after"] if "after" in record.value else record.value
    return rows
