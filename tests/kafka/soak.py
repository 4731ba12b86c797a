"""The long form of test_mirror_kills.py; `tests/kafka/soak` runs it."""
import os

from soaking import soak


def test_soak(pair, mortal_kafka):
    kills, accidents, seed = (int(word) for word in os.environ.get("WALGATE_SOAK", "50 10 1").split())
    done = soak(pair, mortal_kafka, kills, accidents, seed, say=lambda text: print(text, flush=True))
    print(f"\n{done.transactions} transactions, {done.records} records; {done.kills} kills of the service, {done.in_transaction} of"
          f" them in an open Kafka transaction; the broker killed {done.broker_kills} times and restarted {done.broker_stops} times:"
          " each change once, and in order")
    assert done.in_transaction * 5 >= done.kills, "too few kills hit an open Kafka transaction"
