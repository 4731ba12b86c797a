"""Kills of the service and of the broker under constant load; what the topics hold afterwards."""
import random
import time
from dataclasses import dataclass

import churn
from harness.load import Load
from harness.waiting import wait_until
from mirroring import mirrored, wait_mirrored


@dataclass
class Soaked:
    """What a soak has done."""
    kills: int = 0
    in_transaction: int = 0  # kills of the service while its Kafka transaction was open
    broker_kills: int = 0
    broker_stops: int = 0
    transactions: int = 0
    records: int = 0


def sends(pipeline) -> bool:
    """Has the mirror committed something since the service started?"""
    status = pipeline.status()
    return bool(status and status["mirror"] and status["mirror"]["transactions"])


def soak(pair, kafka, kills: int, broker_accidents: int, seed: int, say=lambda text: None) -> Soaked:
    """Kills the service `kills` times, and kills or restarts the broker `broker_accidents` times in between; raises what is
    wrong with the topics afterwards."""
    rng = random.Random(seed)
    done = Soaked()
    pair.both(churn.SCHEMA)
    pair.source.execute(churn.SOURCE_ONLY)
    pipeline = mirrored(pair, kafka, {"transaction_rows": 1000, "commit_interval": "100ms"}, {"tables": churn.RULES},
                        publish="TABLE item, part, journal").start()
    pair.source.execute("INSERT INTO journal VALUES (0); INSERT INTO item VALUES (0); INSERT INTO part VALUES (0, 0)")
    wait_mirrored(pipeline)
    watcher = churn.Watcher(kafka, pipeline)
    accidents = set(rng.sample(range(kills), broker_accidents))
    with Load(pair.source, churn.churn, sessions=2, seed=seed, pause=0.04) as load:
        for number in range(kills):
            if number % 5:
                wait_until(lambda: sends(pipeline), 60, lambda: f"the mirror sends: {pipeline.status()}\n{pipeline.log_tail()}")
            time.sleep(rng.uniform(0, 0.4))
            if number in accidents:
                node = kafka.nodes[0]
                if done.broker_kills <= done.broker_stops:
                    done.broker_kills += 1
                    node.kill9()
                else:
                    done.broker_stops += 1
                    node.stop()
                wanted = load.committed + rng.randrange(5, 50)
                wait_until(lambda: load.committed >= wanted or not load.running, 60, "the load goes on")
                kafka.start()
                time.sleep(rng.uniform(0, 1))
            # While it starts, catches up, or follows the target: wherever the moment falls.
            assert pipeline.running, pipeline.log_tail()
            pipeline.kill9()
            done.kills += 1
            done.in_transaction += churn.open_transaction(kafka, pipeline)
            pipeline.start(wait=False)
            say(f"{done.kills} kills, {done.in_transaction} of them in a Kafka transaction; {load.committed} transactions")
    done.transactions = load.committed
    pipeline.wait_state("streaming")
    pipeline.wait_caught_up(180)
    wait_mirrored(pipeline, 180)
    pair.assert_same(*churn.TABLES)
    done.records = churn.assert_each_change_once(kafka, pipeline)
    last = pair.source.value("SELECT count(*) FROM journal")
    wait_until(lambda: len(watcher.numbers) >= last, 60, lambda: f"{last} transactions seen; {len(watcher.numbers)}")
    watcher.close()
    assert len(watcher.numbers) == len(set(watcher.numbers)) == last
    assert watcher.positions == sorted(set(watcher.positions))
    return done
