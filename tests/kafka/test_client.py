"""The mirror's Kafka client against a real broker: what is seen of transactions, and what it says when things go wrong."""
import subprocess

import pytest

from clients import produce, read_all
from harness import paths
from harness.waiting import wait_until

BINARY = paths.TOP / "build/dev/mirror_client"


class Client:
    """The program mirror_client; `client("begin")` sends a command and returns the answer."""

    def __init__(self, properties: dict):
        self.log = open(paths.scratch() / f"client-{id(self)}.log", "w+b")
        self.process = subprocess.Popen([str(BINARY), *(f"{name}={value}" for name, value in properties.items())],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, text=True)

    def __call__(self, *words) -> str:
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().rstrip("\n")
        assert answer, f"{words}: the client ended with {self.process.wait()}:\n{self.log_text()}"
        return answer

    def ok(self, *words) -> str:
        """The answer behind "ok"; fails on an error."""
        answer = self(*words)
        assert answer == "ok" or answer.startswith("ok "), f"{words}: {answer}\n{self.log_text()}"
        return answer[3:]

    def error(self, *words) -> tuple[str, str, str]:
        """Kind, code and text of the error that must come."""
        answer = self(*words)
        assert answer.startswith("error "), f"{words}: {answer}"
        _, kind, code, text = answer.split(" ", 3)
        return kind, code, text

    def log_text(self) -> str:
        self.log.seek(0)
        return self.log.read().decode(errors="replace")

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self.log.close()


@pytest.fixture
def make_client():
    made = []

    def make(properties: dict) -> Client:
        made.append(Client(properties))
        return made[-1]
    yield make
    for client in made:
        client.close()


@pytest.fixture
def client(kafka, make_client):
    return make_client(kafka.client_config())


def test_a_committed_transaction_is_seen_and_an_aborted_one_is_not(kafka, client):
    client.ok("create", "seen", 2, 1, 10000)
    client.ok("producer", "seen")
    client.ok("init", 10000)
    client.ok("begin")
    client.ok("produce", "seen", 0, "a", "1", "lsn=0/1", "n=2")
    client.ok("produce", "seen", 1, "b", "null")
    assert client.ok("read", "seen", 10000) == ""  # not before the commit
    client.ok("commit", 10000)
    client.ok("begin")
    client.ok("produce", "seen", 0, "a", "2")
    sent = lambda: len(read_all(kafka.client_config(), "seen", isolation="read_uncommitted")) == 2  # noqa: E731
    wait_until(sent, 10, "the record is there, uncommitted")
    client.ok("abort", 10000)
    client.ok("begin")
    client.ok("produce", "seen", 0, "a", "3")
    client.ok("commit", 10000)
    assert sorted(client.ok("read", "seen", 10000).split()) == ["0:a=1", "0:a=3", "1:b=null"]
    assert dict(read_all(kafka.client_config(), "seen")[0].headers()) == {"lsn": b"0/1", "n": b"2"}


def test_keys_and_values_may_be_null(kafka, client):
    client.ok("create", "nulls", 1, 1, 10000)
    client.ok("producer", "nulls")
    client.ok("init", 10000)
    client.ok("begin")
    client.ok("produce", "nulls", 0, "null", "value")
    client.ok("produce", "nulls", 0, "key", "null")
    client.ok("commit", 10000)
    assert [(m.key(), m.value()) for m in read_all(kafka.client_config(), "nulls")] == [(None, b"value"), (b"key", None)]


def test_a_second_producer_fences_the_first(kafka, client, make_client):
    client.ok("create", "fenced", 1, 1, 10000)
    client.ok("producer", "same")
    client.ok("init", 10000)
    client.ok("begin")
    client.ok("produce", "fenced", 0, "k", "first")
    other = make_client(kafka.client_config())
    other.ok("producer", "same")
    other.ok("init", 10000)
    kind, code, _ = client.error("commit", 10000)
    assert (kind, code) == ("fatal", "_FENCED")
    assert other.ok("read", "fenced", 10000) == ""
    # The first one may come back, and then it is the second that is fenced.
    client.ok("producer", "same")
    client.ok("init", 10000)
    other.ok("begin")
    other.ok("produce", "fenced", 0, "k", "second")
    assert other.error("commit", 10000)[0] == "fatal"
    client.ok("begin")
    client.ok("produce", "fenced", 0, "k", "third")
    client.ok("commit", 10000)
    assert client.ok("read", "fenced", 10000) == "0:k=third"


def test_topics_get_exactly_the_wanted_settings(client):
    assert client.ok("describe", "wanted", 10000) == "none"
    client.ok("create", "wanted", 5, 1, 10000, "cleanup.policy=compact", "min.insync.replicas=1", "retention.ms=1234567")
    assert client.ok("describe", "wanted", 10000) == "5 1 compact 1 1234567"
    assert client.error("create", "wanted", 5, 1, 10000)[1] == "TOPIC_ALREADY_EXISTS"
    assert client.error("create", "too_many", 1, 3, 10000)[1] == "INVALID_REPLICATION_FACTOR"
    assert client.error("create", "odd", 1, 1, 10000, "no.such.setting=1")[1] == "INVALID_CONFIG"
    assert client.error("create", "wan_ted.", 0, 1, 10000)[1] in ("_INVALID_ARG", "INVALID_PARTITIONS")
    assert client.ok("describe", "odd", 10000) == "none"


def test_the_cluster_tells_its_id_and_its_brokers(kafka, client):
    assert client.ok("cluster", 10000) == f"{kafka.id} 1"


def test_a_topic_that_is_missing_is_no_empty_topic(client):
    assert client.error("read", "never_made", 10000)[1] in ("UNKNOWN_TOPIC_OR_PART", "_UNKNOWN_TOPIC")


def test_a_compacted_topic_is_read_past_what_is_gone(kafka, client):
    client.ok("create", "compacted", 1, 1, 10000, "cleanup.policy=compact", "segment.ms=100", "min.cleanable.dirty.ratio=0.001",
              "max.compaction.lag.ms=100", "delete.retention.ms=0")
    config = kafka.client_config()
    produce(config, "compacted", [(b"k", str(i).encode()) for i in range(50)])

    def compacted():
        produce(config, "compacted", [(b"other", b"rolls the segment")])
        return len(read_all(config, "compacted")) < 50
    wait_until(compacted, 60, "the topic is compacted", every=1)
    records = client.ok("read", "compacted", 10000)
    assert "0:k=49" in records and "0:k=0 " not in records


def test_a_killed_broker_comes_back_and_the_transaction_goes_on(make_kafka, make_client):
    kafka = make_kafka()
    client = make_client(kafka.client_config())
    client.ok("create", "kept", 1, 1, 10000)
    client.ok("producer", "kept")
    client.ok("init", 20000)
    client.ok("begin")
    client.ok("produce", "kept", 0, "k", "1")
    kafka.nodes[0].kill9()
    kafka.start()
    answer = client("commit", 30000)
    if answer != "ok":  # the library may give up here; then nothing of the transaction may be seen, and a new one works
        assert answer.split()[1] in ("abortable", "fatal"), answer
        client.ok("producer", "kept")
        client.ok("init", 20000)
        assert client.ok("read", "kept", 20000) == ""
        client.ok("begin")
        client.ok("produce", "kept", 0, "k", "1")
        client.ok("commit", 20000)
    # A commit is answered before its marker is in the topic, which may take a moment after a restart.
    wait_until(lambda: client.ok("read", "kept", 20000) == "0:k=1", what="what was committed can be seen")

    # A commit that gets no answer is fatal: only a new producer may go on, and it knows what became of the old one's.
    client.ok("begin")
    client.ok("produce", "kept", 0, "k", "2")
    kafka.nodes[0].freeze()
    kind, code, _ = client.error("commit", 2000)
    assert (kind, code) == ("fatal", "_TIMED_OUT")
    kafka.nodes[0].thaw()
    client.ok("producer", "kept")
    client.ok("init", 30000)
    before = client.ok("read", "kept", 20000)
    assert before in ("0:k=1", "0:k=1 0:k=2")
    client.ok("begin")
    client.ok("produce", "kept", 0, "k", "3")
    client.ok("commit", 20000)
    assert client.ok("read", "kept", 20000) == before + " 0:k=3"


def test_it_says_what_keeps_it_out(make_kafka, make_client):
    kafka = make_kafka(protocol="SASL_SSL", users={"mirror": "mirror-secret"}, acls=True)
    kafka.create_topic("guarded")

    wrong = make_client(kafka.client_config("mirror", "not-the-secret"))
    for command in (("cluster", 5000), ("read", "guarded", 5000)):
        kind, code, text = wrong.error(*command)
        assert (kind, code) == ("retriable", "_AUTHENTICATION"), text
    wrong.ok("producer", "guarded")
    assert wrong.error("init", 5000)[:2] == ("retriable", "_AUTHENTICATION")
    assert "not-the-secret" not in wrong.log_text()

    stranger = make_client(kafka.client_config("mirror") | {"ssl.ca.location": str(kafka.certificates.other_ca)})
    assert stranger.error("cluster", 5000)[:2] == ("retriable", "_SSL")

    client = make_client(kafka.client_config("mirror"))
    assert client.error("read", "guarded", 10000)[1] == "TOPIC_AUTHORIZATION_FAILED"
    client.ok("producer", "guarded")
    assert client.error("init", 10000)[1] == "TRANSACTIONAL_ID_AUTHORIZATION_FAILED"
    kafka.allow("mirror", ["Write", "Describe"], transactional_id="guarded")
    client.ok("producer", "guarded")
    client.ok("init", 10000)
    client.ok("begin")
    client.ok("produce", "guarded", 0, "k", "v")
    assert client.error("commit", 10000)[:2] == ("abortable", "TOPIC_AUTHORIZATION_FAILED")
    kafka.allow("mirror", ["Write", "Read", "Describe"], topic="guarded")
    client.ok("producer", "guarded")
    client.ok("init", 10000)
    client.ok("begin")
    client.ok("produce", "guarded", 0, "k", "v")
    client.ok("commit", 10000)
    wait_until(lambda: client.ok("read", "guarded", 10000) == "0:k=v", what="read without any right on a group")
    assert client.error("create", "another", 1, 1, 10000)[1] in ("TOPIC_AUTHORIZATION_FAILED", "CLUSTER_AUTHORIZATION_FAILED")


def test_nobody_there_is_said_in_time(make_client):
    client = make_client({"bootstrap.servers": "127.0.0.1:9"})
    for command in (("cluster", 1000), ("describe", "t", 1000), ("create", "t", 1, 1, 1000), ("read", "t", 1000)):
        assert client.error(*command)[0] == "retriable", command
    client.ok("producer", "t")
    assert client.error("init", 1000)[0] == "retriable"
