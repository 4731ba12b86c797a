"""A group of consumers, whose members die: every record is worked on at least once, and each key in order."""
import json
import random
import signal
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

from harness.load import Load
from harness.waiting import wait_until
from mirroring import mirrored, sent, wait_mirrored

PARTITIONS, MEMBERS, KEYS = 8, 4, 50


class Group:
    """Members that are processes of their own; each writes what it has worked on into a file, and commits its offsets
    afterwards."""

    def __init__(self, folder: Path, config: dict, topic: str):
        self.folder, self.config, self.topic = folder, config, topic
        self.members: list[subprocess.Popen] = []
        self.made = 0

    def add(self) -> None:
        self.made += 1
        words = [json.dumps(self.config | {"group.id": self.topic}), self.topic, str(self.folder / f"member{self.made}")]
        self.members.append(subprocess.Popen(["setpriv", "--pdeathsig", "KILL", sys.executable, "-B",
                                              str(Path(__file__).parent / "tools/member.py"), *words]))

    def kill(self, member: subprocess.Popen) -> None:
        member.send_signal(signal.SIGKILL)
        member.wait()
        self.members.remove(member)

    def worked_on(self) -> list[tuple[int, int, int, list]]:
        """time, partition, offset and [key, lsn, position, op] of everything that was worked on, in the order of time."""
        lines = []
        for file in self.folder.glob("member*"):
            whole, _, _ = file.read_text().rpartition("\n")  # the last line of a member that was killed may be cut off
            lines += [json.loads(line) for line in whole.splitlines()]
        return sorted(lines)

    def close(self) -> None:
        for member in list(self.members):
            self.kill(member)


@pytest.fixture
def make_group(tmp_path):
    made = []

    def make(config: dict, topic: str) -> Group:
        made.append(Group(tmp_path, config, topic))
        return made[-1]
    yield make
    for group in made:
        group.close()


def work(session, rng, number: int) -> None:
    for key in sorted(rng.sample(range(KEYS), 3)):
        session.execute("INSERT INTO item VALUES (%s, %s) ON CONFLICT (id) DO UPDATE SET number = %s", (key, number, number))
    if number % 7 == 0:
        session.execute("DELETE FROM item WHERE id = %s", (rng.randrange(KEYS),))


def test_a_group_whose_members_die_sees_everything_in_order(pair, kafka, make_group):
    pair.both("CREATE TABLE item (id int PRIMARY KEY, number int)")
    pipeline = mirrored(pair, kafka, {"partitions": PARTITIONS}).start()
    pair.source.execute("INSERT INTO item VALUES (0, 0)")
    wait_mirrored(pipeline)
    topic = f"{pipeline.name}.public.item"
    group = make_group(kafka.client_config(), topic)
    for _ in range(MEMBERS):
        group.add()
    rng = random.Random(5)
    with Load(pair.source, work, sessions=2, seed=5, pause=0.01):
        for _ in range(3):
            seen = len(group.worked_on())
            wait_until(lambda: len(group.worked_on()) > seen + 100, 60, "the group works")
            group.kill(rng.choice(group.members))
            pipeline.kill9()  # its open transaction is nobody's
            pipeline.start()
            group.add()
    wait_mirrored(pipeline)

    wanted = {(r.partition, r.offset): [json.dumps(r.key), *r.position, r.op] for r in sent(kafka, topic, PARTITIONS)}
    wait_until(lambda: {tuple(line[1:3]) for line in group.worked_on()} >= set(wanted), 60, "everything is worked on")
    done = group.worked_on()
    assert {(partition, offset): record for _, partition, offset, record in done} == wanted
    # Per key: what is new comes in the order of the source, and what comes again comes again from some point on.
    firsts = defaultdict(list)
    for _, partition, offset, record in done:
        if (partition, offset) not in firsts[record[0]]:
            firsts[record[0]].append((partition, offset))
    assert len(firsts) >= KEYS
    for key, places in firsts.items():
        assert places == sorted(places) and len({partition for partition, _ in places}) == 1, key
        positions = [wanted[place][1:3] for place in places]
        assert positions == sorted(positions), key
