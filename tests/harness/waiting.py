"""Waiting for a condition with a deadline; nothing in the tests sleeps for luck."""
import time


class DeadlineMissed(AssertionError):
    """What was waited for did not come in time."""


def wait_until(condition, seconds: float = 30, what: str = "", every: float = 0.02):
    """Polls `condition()` until it is true and returns its value; `what` may be a text or a function giving one."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            text = what() if callable(what) else what
            raise DeadlineMissed(f"not within {seconds} s: {text or getattr(condition, '__name__', 'condition')}")
        time.sleep(every)
