"""A wait that takes too long ends with an error that says what was waited for."""

import contextlib
import signal
import time
import unittest


@contextlib.contextmanager
def within(seconds, what):
    """Raises `TimeoutError` in the block, whatever it waits for, unless the block ends in time.

    It works in the main thread only. An inner block has at most the time that is left to the outer one.
    """
    outer_seconds, _ = signal.getitimer(signal.ITIMER_REAL)
    seconds = min(seconds, outer_seconds or seconds)

    def expired(*_):
        raise TimeoutError(f"waited {seconds:.0f} s for {what}")

    began = time.monotonic()
    outer_handler = signal.signal(signal.SIGALRM, expired)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, outer_handler)
        if outer_seconds:
            signal.setitimer(signal.ITIMER_REAL, max(outer_seconds - (time.monotonic() - began), 0.001))


class LimitedResult(unittest.TextTestResult):
    """Limits each test."""

    seconds = 120

    def startTest(self, test):
        super().startTest(test)
        self.limit = within(self.seconds, test.id())
        self.limit.__enter__()

    def stopTest(self, test):
        self.limit.__exit__(None, None, None)
        super().stopTest(test)
