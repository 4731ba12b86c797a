"""Fixtures of all tests with servers: one pair for all of them, fresh databases for each, servers of one's own on
request.  A conftest.py imports them all."""
import itertools
import os
import re
import signal

import pytest

from . import Installation, Pair, Proxy, Server, pipeline

# Every setting that changes how values look as text differs between the two servers.
SOURCE_SETTINGS = {"timezone": "Asia/Tokyo", "datestyle": "German, DMY", "intervalstyle": "sql_standard",
                   "extra_float_digits": 0, "bytea_output": "escape"}
TARGET_SETTINGS = {"timezone": "America/Caracas", "datestyle": "SQL, MDY", "intervalstyle": "iso_8601",
                   "extra_float_digits": 3, "bytea_output": "hex"}

# Sources and targets of two versions: the root folder of the chroot that holds the PostgreSQL of one side.
SOURCE_INSTALLATION = Installation(os.environ.get("WALGATE_SOURCE_ROOT", ""))
TARGET_INSTALLATION = Installation(os.environ.get("WALGATE_TARGET_ROOT", ""))

_numbers = itertools.count(1)


def pytest_configure():
    # Ends like Ctrl-C, so that fixtures and exit handlers run.
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def database_name(request) -> str:
    """A name for the databases and the pipeline of a test: [a-z0-9_], short, different each time."""
    plain = re.sub(r"[^a-z0-9]+", "_", request.node.name.lower().removeprefix("test_")).strip("_")
    return f"t{next(_numbers)}_{plain}"[:40].rstrip("_")


@pytest.fixture(scope="session")
def source_server():
    server = Server("source", SOURCE_SETTINGS, installation=SOURCE_INSTALLATION).start()
    yield server
    server.stop("immediate")


@pytest.fixture(scope="session")
def target_server():
    server = Server("target", TARGET_SETTINGS, installation=TARGET_INSTALLATION).start()
    yield server
    server.stop("immediate")


@pytest.fixture
def pair(request, source_server, target_server):
    """Two fresh databases on the shared servers.  A test must not stop these."""
    name = database_name(request)
    made = Pair(source_server.database(name), target_server.database(name))
    yield made
    made.close()


@pytest.fixture
def make_pair(request, source_server, target_server):
    """As `pair`, as many as the test wants: make_pair()."""
    made = []

    def make() -> Pair:
        name = database_name(request)
        made.append(Pair(source_server.database(name), target_server.database(name)))
        return made[-1]
    yield make
    for each in made:
        each.close()


@pytest.fixture
def make_server(request):
    """Servers of the test's own: make_server(name, settings, hba) starts one, of the source's version unless its name
    is "target"."""
    made = []

    def make(name: str = "own", settings: dict | None = None, hba: list[str] | None = None) -> Server:
        installation = TARGET_INSTALLATION if name == "target" else SOURCE_INSTALLATION
        made.append(Server(name, settings, hba, installation=installation).start())
        return made[-1]
    yield make
    for server in made:
        server.remove()


@pytest.fixture
def own_pair(request, make_server):
    """Two databases on two servers of the test's own, which it may stop and kill."""
    name = database_name(request)
    made = Pair(make_server("source", SOURCE_SETTINGS).database(name), make_server("target", TARGET_SETTINGS).database(name))
    yield made
    for each in made.pipelines:
        if each.running:
            each.kill9()
        if each in pipeline.live:
            pipeline.live.remove(each)


@pytest.fixture
def make_proxy():
    """Proxies of the test: make_proxy(server)."""
    made = []

    def make(server: Server) -> Proxy:
        made.append(Proxy(server))
        return made[-1]
    yield make
    for proxy in made:
        proxy.close()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failed test shows the end of its services' logs."""
    report = (yield).get_result()
    if report.failed:
        for each in pipeline.live:
            report.sections.append((f"log of {each.name} ({each.log_file})", each.log_tail(40)))
