"""Throwaway Kafka clusters on loopback: KRaft, every node broker and controller, no ZooKeeper and no scripts.

    with Cluster() as kafka:
        kafka.create_topic("orders", partitions=3)
        Producer({"bootstrap.servers": kafka.bootstrap})

Each node has two listeners for clients: `internal`, always plain, which nodes and the harness itself use, and `client`,
which is what the test asks for: PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL.  Nodes are Java processes with a small heap;
they keep their ports over restarts, run as another user when we are root, and end with us.
"""
import atexit
import itertools
import os
import shutil
import signal
import subprocess
import uuid
from base64 import urlsafe_b64encode
from pathlib import Path

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, ConfigResource, ConfigSource, NewTopic

import certificates
import jars
from harness import paths
from harness.server import free_port
from harness.waiting import wait_until

HEAP = "256m"
LEAST_PRIORITY = 19
MEMORY = "/dev/shm"
ADMIN, ADMIN_PASSWORD = "admin", "admin-secret"

_numbers = itertools.count(1)
_running: set["Node"] = set()


class Cluster:
    """One node, or several.  `protocol` is that of the client listener; `mechanism` is PLAIN or SCRAM-SHA-256 (or 512)
    where it says SASL; `users` are names and passwords beside the administrator's; with `acls` a user may do only what
    `allow` grants; `settings` go into every server.properties; `heap` is each node's memory.  `elsewhere`: it stands for other machines, so
    it keeps its data in memory, for the disk is not its own, and takes the processor only where nobody else wants it."""

    def __init__(self, nodes: int = 1, protocol: str = "PLAINTEXT", mechanism: str = "PLAIN", users: dict[str, str] | None = None,
                 acls: bool = False, settings: dict | None = None, heap: str = HEAP, elsewhere: bool = False):
        assert not acls or "SASL" in protocol, "ACLs need users, which need SASL"
        self.folder = (paths.scratch(MEMORY) if elsewhere else paths.scratch()) / f"kafka{next(_numbers)}"
        self.folder.mkdir()
        paths.give_to_server(self.folder)
        self.protocol, self.mechanism, self.acls = protocol, mechanism, acls
        self.users = {ADMIN: ADMIN_PASSWORD} | (users or {})
        self.settings = settings or {}
        self.heap, self.elsewhere = heap, elsewhere
        self.id = urlsafe_b64encode(b"w" + uuid.uuid4().bytes[1:]).decode().rstrip("=")  # must not begin with "-"
        self.certificates = certificates.make(self.folder / "tls") if "SSL" in protocol else None
        self.nodes = [Node(self, number) for number in range(1, nodes + 1)]
        for node in self.nodes:
            node.format()

    def __enter__(self) -> "Cluster":
        return self.start()

    def __exit__(self, *_) -> None:
        self.remove()

    # Life

    def start(self) -> "Cluster":
        """Starts every node that does not run, and waits until the cluster works."""
        for node in self.nodes:
            if not node.running:
                node.start(wait=False)
        self.wait_ready()
        return self

    def wait_ready(self, seconds: float = 120) -> None:
        """Waits until every running node is known to the cluster and it has a controller."""
        wanted = {node.number for node in self.nodes if node.running}

        def ready():
            for node in self.nodes:
                if node.number in wanted and not node.running:
                    raise RuntimeError(f"node {node.number} ended:\n{node.log_tail()}")
            try:
                seen = self.admin().list_topics(timeout=2)
            except KafkaException:
                return False
            return set(seen.brokers) == wanted and seen.controller_id in wanted
        wait_until(ready, seconds, lambda: "the cluster works\n" + "\n".join(node.log_tail() for node in self.nodes), every=0.2)

    def stop(self) -> None:
        for node in self.nodes:
            node.request_stop()
        for node in self.nodes:
            node.wait_stopped()

    def remove(self) -> None:
        """Kills every node and takes the data away; the logs stay until the process ends.  WALGATE_KEEP keeps everything."""
        for node in self.nodes:
            node.kill9()
            if not os.environ.get("WALGATE_KEEP"):
                shutil.rmtree(node.folder / "data", ignore_errors=True)

    # Reaching it

    @property
    def bootstrap(self) -> str:
        """The client listeners, as `bootstrap.servers` wants them."""
        return ",".join(f"127.0.0.1:{node.client_port}" for node in self.nodes)

    def client_config(self, user: str = ADMIN, password: str | None = None) -> dict[str, str]:
        """What a librdkafka client needs to reach the client listener as `user`."""
        config = {"bootstrap.servers": self.bootstrap, "security.protocol": self.protocol}
        if "SASL" in self.protocol:
            config |= {"sasl.mechanism": self.mechanism, "sasl.username": user, "sasl.password": password or self.users[user]}
        if self.certificates:
            config["ssl.ca.location"] = str(self.certificates.ca)
        return config

    def internal_config(self) -> dict[str, str]:
        """What a client needs to reach the plain listener, as a super user."""
        return {"bootstrap.servers": ",".join(f"127.0.0.1:{node.internal_port}" for node in self.nodes)}

    def admin(self) -> AdminClient:
        return AdminClient(self.internal_config() | {"log_level": "0"})  # silent while a broker starts

    def create_topic(self, name: str, partitions: int = 1, replicas: int = 1, **config) -> None:
        """Creates a topic; `cleanup_policy="compact"` sets cleanup.policy."""
        config = {key.replace("_", "."): str(value) for key, value in config.items()}
        admin = self.admin()  # lives until its answer is here
        admin.create_topics([NewTopic(name, partitions, replicas, config=config)], operation_timeout=30)[name].result(30)

    def delete_topic(self, name: str) -> None:
        admin = self.admin()
        admin.delete_topics([name], operation_timeout=30)[name].result(30)

    def alter_topic(self, name: str, **config) -> None:
        """Changes these settings of a topic; the others stay."""
        admin = self.admin()
        topic = ConfigResource(ConfigResource.Type.TOPIC, name)
        settings = {entry.name: entry.value for entry in admin.describe_configs([topic])[topic].result(30).values()
                    if entry.source == ConfigSource.DYNAMIC_TOPIC_CONFIG.value}
        settings |= {key.replace("_", "."): str(value) for key, value in config.items()}
        admin.alter_configs([ConfigResource(ConfigResource.Type.TOPIC, name, set_config=settings)])[topic].result(30)

    def refuse_writes(self, name: str) -> None:
        """No record is stored in the topic any more: each is too large.  What ends a transaction still finds room."""
        self.alter_topic(name, max_message_bytes=100)

    def take_writes(self, name: str) -> None:
        """Ends refuse_writes()."""
        self.alter_topic(name, max_message_bytes=1024 * 1024)

    def allow(self, user: str, operations: list[str], **resource: str) -> None:
        """Grants `user` operations ("Write", "Describe" …) on topic=NAME, group=NAME, transactional_id=NAME or cluster=""; a
        name that ends in "*" is a prefix."""
        (kind, name), = resource.items()
        words = ["--bootstrap-server", self.internal_config()["bootstrap.servers"], "--add", "--allow-principal", f"User:{user}"]
        for operation in operations:
            words += ["--operation", operation]
        words += [f"--{kind.replace('_', '-')}", *([name.rstrip("*")] if name else [])]
        if name.endswith("*"):
            words += ["--resource-pattern-type", "prefixed"]
        self._java("org.apache.kafka.tools.AclCommand", *words)

    def _java(self, main: str, *words: str) -> str:
        done = subprocess.run(self.java_command(main, *words), capture_output=True, text=True, timeout=120, cwd=self.folder)
        assert done.returncode == 0, f"{main} {' '.join(words)}:\n{done.stdout}{done.stderr}"
        return done.stdout

    def java_command(self, main: str, *words: str, heap: str = HEAP, dies_with_us: str | None = None) -> list[str]:
        """The command line that runs a class of Kafka's jars."""
        return [*paths.as_server_user(dies_with_us=dies_with_us), "java", f"-Xmx{heap}", "-XX:+UseSerialGC",
                *(["-XX:TieredStopAtLevel=1"] if heap == HEAP else []),  # starts sooner, runs slower
                "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", f"{_jars()}/*", main, *words]


def _yield_to_other_sessions(pid: int) -> None:
    """Where the kernel shares the processor among sessions first, niceness counts only within each."""
    group = Path(f"/proc/{pid}/autogroup")
    if group.exists():
        group.write_text(str(LEAST_PRIORITY), encoding="ascii")


class Node:
    """One node of a cluster: a process, its ports and its folder."""

    def __init__(self, cluster: Cluster, number: int):
        self.cluster, self.number = cluster, number
        self.folder = cluster.folder / f"node{number}"
        self.folder.mkdir()
        paths.give_to_server(self.folder)
        self.client_port, self.internal_port, self.controller_port = free_port(), free_port(), free_port()
        self.log_file = self.folder / "log"
        self.process: subprocess.Popen | None = None

    def format(self) -> None:
        """Writes server.properties and an empty storage with the cluster's id and its SCRAM users."""
        file = self.folder / "server.properties"
        file.write_text("".join(f"{key}={value}\n" for key, value in self._properties().items()))
        paths.give_to_server(file)
        words = ["format", "-t", self.cluster.id, "-c", str(file)]
        if self.cluster.mechanism.startswith("SCRAM") and "SASL" in self.cluster.protocol:
            for user, password in self.cluster.users.items():
                words += ["--add-scram", f"{self.cluster.mechanism}=[name={user},password={password}]"]
        self.cluster._java("kafka.tools.StorageTool", *words)

    def _properties(self) -> dict:
        cluster = self.cluster
        copies = min(3, len(cluster.nodes))
        properties = {
            "process.roles": "broker,controller",
            "node.id": self.number,
            "controller.quorum.voters": ",".join(f"{node.number}@127.0.0.1:{node.controller_port}" for node in cluster.nodes),
            "listeners": f"CLIENT://127.0.0.1:{self.client_port},INTERNAL://127.0.0.1:{self.internal_port},"
                         f"CONTROLLER://127.0.0.1:{self.controller_port}",
            "listener.security.protocol.map": f"CLIENT:{cluster.protocol},INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "inter.broker.listener.name": "INTERNAL",
            "controller.listener.names": "CONTROLLER",
            "log.dirs": self.folder / "data",
            "auto.create.topics.enable": "false",
            "offsets.topic.replication.factor": copies,
            "offsets.topic.num.partitions": 3,
            "transaction.state.log.replication.factor": copies,
            "transaction.state.log.min.isr": max(1, copies - 1),
            "transaction.state.log.num.partitions": 3,
            "default.replication.factor": copies,
            "group.initial.rebalance.delay.ms": 0,
            "num.network.threads": 2,
            "num.io.threads": 2,
            "log.cleaner.dedupe.buffer.size": 4 * 1024 * 1024,
            "controlled.shutdown.max.retries": 1,
        }
        if "SASL" in cluster.protocol:
            properties["sasl.enabled.mechanisms"] = cluster.mechanism
            if cluster.mechanism == "PLAIN":
                users = " ".join(f'user_{name}="{password}"' for name, password in cluster.users.items())
                properties["listener.name.client.plain.sasl.jaas.config"] = (
                    f"org.apache.kafka.common.security.plain.PlainLoginModule required {users};")
            else:
                properties[f"listener.name.client.{cluster.mechanism.lower()}.sasl.jaas.config"] = (
                    "org.apache.kafka.common.security.scram.ScramLoginModule required;")
        if cluster.certificates:
            properties |= {"listener.name.client.ssl.keystore.type": "PEM",
                           "listener.name.client.ssl.keystore.location": cluster.certificates.key_and_chain}
        if cluster.acls:
            properties |= {"authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
                           "super.users": f"User:ANONYMOUS;User:{ADMIN}"}
        return properties | cluster.settings

    # Life

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def start(self, wait: bool = True) -> None:
        assert not self.running, f"node {self.number} runs already"
        command = self.cluster.java_command("kafka.Kafka", str(self.folder / "server.properties"),
                                             heap=self.cluster.heap, dies_with_us="KILL")
        if self.cluster.elsewhere:
            command = ["nice", "-n", str(LEAST_PRIORITY), *command]
        with open(self.log_file, "ab") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder,
                                            start_new_session=True)
        if self.cluster.elsewhere:
            _yield_to_other_sessions(self.process.pid)
        _running.add(self)
        if wait:
            self.cluster.wait_ready()

    def request_stop(self) -> None:
        """Asks the node to stop, without waiting."""
        if self.running:
            self.process.send_signal(signal.SIGTERM)

    def wait_stopped(self, seconds: float = 60) -> None:
        if self.process is None:
            return
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"node {self.number} did not stop within {seconds} s:\n{self.log_tail()}") from None
        self._ended()

    def stop(self) -> None:
        self.request_stop()
        self.wait_stopped()

    def kill9(self) -> None:
        if self.process is None:
            return
        self.process.kill()
        self.process.wait()
        self._ended()

    def freeze(self) -> None:
        """SIGSTOP: the node holds its connections and answers nothing."""
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def _ended(self) -> None:
        self.process = None
        _running.discard(self)

    def log_tail(self, lines: int = 30) -> str:
        try:
            return "\n".join(self.log_file.read_text(errors="replace").splitlines()[-lines:])
        except FileNotFoundError:
            return ""


_jars_for_server: Path | None = None


def _jars() -> Path:
    """The broker's jars, in a folder that the server's user can read."""
    global _jars_for_server
    if _jars_for_server is None:
        folder = jars.folder("broker")
        readable = subprocess.run([*paths.as_server_user(), "ls", str(folder)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if readable.returncode != 0:
            folder = Path(shutil.copytree(folder, paths.scratch() / "broker-jars"))
        _jars_for_server = folder
    return _jars_for_server


@atexit.register
def _kill_all() -> None:
    for node in list(_running):
        node.kill9()
