"""A consumer and a producer for tests, with deadlines."""
import time
import uuid

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Producer, TopicPartition


def produce(config: dict, topic: str, records: list[tuple], seconds: float = 30) -> None:
    """Writes (key, value) pairs and waits until the broker has all of them."""
    failures = []
    producer = Producer(config)
    for key, value in records:
        producer.produce(topic, key=key, value=value, on_delivery=lambda error, _: failures.append(error) if error else None)
    left = producer.flush(seconds)
    if failures:
        raise KafkaException(failures[0])
    assert left == 0, f"{left} records are still on their way after {seconds} s"


def read_all(config: dict, topic: str, partitions: int = 1, isolation: str = "read_committed", seconds: float = 30) -> list:
    """Every message of a topic, partition after partition, up to the ends as they are when the reader gets there."""
    return read_partitions(config, [(topic, partition) for partition in range(partitions)], isolation, seconds)


def read_partitions(config: dict, places: list[tuple[str, int]], isolation: str = "read_committed", seconds: float = 30) -> list:
    """Every message of these topics and partitions, one place after the other, as read_all."""
    reader = Consumer(config | {"group.id": f"reader-{uuid.uuid4()}", "isolation.level": isolation, "enable.auto.commit": "false",
                                "enable.partition.eof": "true", "fetch.wait.max.ms": 10})
    try:
        reader.assign([TopicPartition(*place, OFFSET_BEGINNING) for place in places])
        found: dict[tuple[str, int], list] = {place: [] for place in places}
        open_places = set(places)
        deadline = time.monotonic() + seconds
        while open_places:
            for message in reader.consume(1000, 0.1):
                place, error = (message.topic(), message.partition()), message.error()
                if not error:
                    found[place].append(message)
                elif error.code() == KafkaError._PARTITION_EOF:
                    open_places.discard(place)
                else:
                    raise KafkaException(error)
            assert time.monotonic() < deadline or not open_places, \
                f"the ends of {sorted(open_places)} did not come within {seconds} s; {sum(map(len, found.values()))} messages"
        return [message for messages in found.values() for message in messages]
    finally:
        reader.close()
