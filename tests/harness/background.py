"""A call that may block: it runs beside the test, which asks for its result later."""
import threading


class Background:
    """Runs `call()` in a thread; `result` returns what it returned, or raises what it raised."""

    def __init__(self, call):
        self._outcome: list = []
        self._thread = threading.Thread(target=self._run, args=(call,), daemon=True)
        self._thread.start()

    def _run(self, call) -> None:
        try:
            self._outcome = [call(), None]
        except BaseException as error:  # handed over to result()
            self._outcome = [None, error]

    @property
    def running(self) -> bool:
        return self._thread.is_alive()

    def result(self, seconds: float = 30):
        """Waits for the end of the call."""
        self._thread.join(seconds)
        assert not self.running, f"the call did not end within {seconds} s"
        value, error = self._outcome
        if error:
            raise error
        return value
