"""Fixtures: one broker for all tests, clusters of one's own on request; servers and pipelines as the integration tests
have them."""
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from broker import Cluster  # noqa: E402
from harness.fixtures import *  # noqa: E402, F403


@pytest.fixture(scope="session")
def shared_kafka():
    with Cluster() as cluster:
        yield cluster


@pytest.fixture
def kafka(shared_kafka):
    """One plain broker that all tests share.  A test must not stop it."""
    return shared_kafka


@pytest.fixture(scope="session")
def _mortal_kafka():
    with Cluster() as cluster:
        yield cluster


@pytest.fixture
def mortal_kafka(_mortal_kafka):
    """One plain broker that tests may stop, kill and freeze; whatever they left, the next one finds it running."""
    yield _mortal_kafka.start()
    if _mortal_kafka.nodes[0].running:
        _mortal_kafka.nodes[0].thaw()


@pytest.fixture
def make_kafka():
    """Clusters of the test's own, which it may stop and kill: make_kafka(nodes=3)."""
    made = []

    def make(**words) -> Cluster:
        made.append(Cluster(**words))
        return made[-1].start()
    yield make
    for cluster in made:
        cluster.remove()
