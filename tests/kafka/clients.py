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
    reader = Consumer(config | {"group.id": f"reader-{uuid.uuid4()}", "isolation.level": isolation, "enable.auto.commit": "false",
                                "enable.partition.eof": "true"})
    try:
        found = []
        for partition in range(partitions):
            reader.assign([TopicPartition(topic, partition, OFFSET_BEGINNING)])
            deadline = time.monotonic() + seconds
            while True:
                messages = reader.consume(1000, 0.1)
                assert time.monotonic() < deadline, f"the end of {topic} did not come within {seconds} s; {len(found)} messages"
                error = messages[-1].error() if messages else None
                found += messages if not error else messages[:-1]
                if error and error.code() == KafkaError._PARTITION_EOF:
                    break
                if error:
                    raise KafkaException(error)
        return found
    finally:
        reader.close()
