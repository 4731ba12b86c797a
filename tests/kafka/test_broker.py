"""The broker that the other tests stand on: it starts, keeps what it was given, and refuses whom it should."""
import pytest
from confluent_kafka import KafkaError, KafkaException, libversion

from clients import produce, read_all


def values(messages) -> list:
    return [(message.key(), message.value()) for message in messages]


def test_what_a_producer_writes_a_consumer_reads(kafka):
    kafka.create_topic("first")
    produce(kafka.client_config(), "first", [(b"k", b"one"), (b"k", b"two")])
    assert values(read_all(kafka.client_config(), "first")) == [(b"k", b"one"), (b"k", b"two")]


def test_topics_are_not_made_by_writing(kafka):
    with pytest.raises(KafkaException) as refused:
        produce(kafka.client_config() | {"message.timeout.ms": "5000"}, "never_made", [(b"k", b"v")])
    assert refused.value.args[0].code() in (KafkaError._UNKNOWN_TOPIC, KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._MSG_TIMED_OUT)


def test_records_survive_a_killed_broker(make_kafka):
    kafka = make_kafka()
    kafka.create_topic("kept")
    produce(kafka.client_config(), "kept", [(b"k", b"before")])
    kafka.nodes[0].kill9()
    kafka.start()
    produce(kafka.client_config(), "kept", [(b"k", b"after")])
    assert values(read_all(kafka.client_config(), "kept")) == [(b"k", b"before"), (b"k", b"after")]


def test_three_nodes_go_on_without_one(make_kafka):
    kafka = make_kafka(nodes=3)
    kafka.create_topic("copied", replicas=3, min_insync_replicas=2)
    produce(kafka.client_config() | {"acks": "all"}, "copied", [(b"k", b"three")])
    kafka.nodes[0].kill9()
    kafka.wait_ready()
    produce(kafka.client_config() | {"acks": "all"}, "copied", [(b"k", b"two")])
    kafka.start()
    assert values(read_all(kafka.client_config(), "copied")) == [(b"k", b"three"), (b"k", b"two")]


# Brokers from 4.0 on refuse the SCRAM messages of librdkafka before 2.6.1, whatever the password.
SCRAM_WORKS = pytest.mark.skipif(libversion()[1] < 0x02060100, reason=f"SCRAM of librdkafka {libversion()[0]} does not work with Kafka 4")


@pytest.mark.parametrize("mechanism", ["PLAIN", pytest.param("SCRAM-SHA-256", marks=SCRAM_WORKS)])
def test_users_need_their_password_the_certificate_and_a_grant(make_kafka, mechanism):
    kafka = make_kafka(protocol="SASL_SSL", mechanism=mechanism, users={"writer": "writer-secret"}, acls=True)
    kafka.create_topic("guarded")
    brief = {"message.timeout.ms": "8000"}
    record = [(b"k", b"v")]

    produce(kafka.client_config() | brief, "guarded", record)  # the administrator
    with pytest.raises(KafkaException) as refused:
        produce(kafka.client_config("writer") | brief, "guarded", record)
    assert refused.value.args[0].code() == KafkaError.TOPIC_AUTHORIZATION_FAILED

    kafka.allow("writer", ["Write", "Describe"], topic="guarded")
    produce(kafka.client_config("writer") | brief, "guarded", record)
    for wrong in (kafka.client_config("writer", "other-secret"),
                  kafka.client_config("writer") | {"ssl.ca.location": str(kafka.certificates.other_ca)}):
        with pytest.raises(KafkaException):
            produce(wrong | brief, "guarded", record)
    assert len(read_all(kafka.client_config(), "guarded")) == 2
