"""member.py CONFIG TOPIC FILE - a member of a consumer group that works slowly: it writes each committed record's place into
FILE, and then commits its offset."""
import json
import sys
import time

from confluent_kafka import Consumer


def main() -> None:
    config, topic, file = json.loads(sys.argv[1]), sys.argv[2], sys.argv[3]
    reader = Consumer(config | {"isolation.level": "read_committed", "auto.offset.reset": "earliest", "enable.auto.commit": "false",
                                "session.timeout.ms": "6000", "heartbeat.interval.ms": "500",
                                "partition.assignment.strategy": "cooperative-sticky"})
    reader.subscribe([topic])
    with open(file, "w", encoding="utf-8") as out:
        while True:
            messages = reader.consume(20, 0.1)
            for message in messages:
                if message.error():
                    raise SystemExit(str(message.error()))
                headers = dict(message.headers())
                high, low = headers["walgate.lsn"].decode().split("/")
                op = json.loads(message.value())["op"] if message.value() is not None else None
                record = [json.dumps(json.loads(message.key())), (int(high, 16) << 32) + int(low, 16),
                          int(headers["walgate.position"]), op]
                print(json.dumps([time.monotonic_ns(), message.partition(), message.offset(), record]), file=out, flush=True)
            if messages:
                reader.commit(asynchronous=False)


main()
