"""kill -9 of the service and of the broker, under load: each change once, in order.  `tests/kafka/soak` does more of it."""
from soaking import soak


def test_kills_of_the_service_and_of_the_broker(pair, mortal_kafka):
    done = soak(pair, mortal_kafka, kills=6, broker_accidents=2, seed=3)
    assert done.broker_kills == done.broker_stops == 1
    assert done.in_transaction > 0
