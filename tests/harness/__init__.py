"""Throwaway servers, pipelines and accidents, so that a scenario is a few readable lines.

    source, target = Server("source").start(), Server("target").start()
    pair = Pair(source.database("shop"), target.database("shop"))
    pair.both("CREATE TABLE item (id int PRIMARY KEY, name text)")
    pipeline = pair.pipeline(publish="TABLE item").start()
    pair.source.execute("INSERT INTO item VALUES (1, 'bolt')")
    pipeline.wait_caught_up()
    pair.assert_same("item")
"""
from .background import Background
from .compare import assert_same, differences
from .hold import Hold
from .load import Load
from .pair import Pair
from .paths import Installation
from .pipeline import Pipeline, Refused, lsn
from .proxy import Proxy
from .server import Database, Server
from .waiting import DeadlineMissed, wait_until

__all__ = ["Background", "Database", "DeadlineMissed", "Hold", "Installation", "Load", "Pair", "Pipeline", "Proxy", "Refused",
           "Server", "assert_same", "differences", "lsn", "wait_until"]
