"""How long to go on waiting for another process."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

_SLICE_S = 1.0


class TimeLeft:
    """A limit, seconds, that counts only the time in which one really waits.

    It is waited in slices. One that lasts longer than it should means that this process was paused
    meanwhile, maybe with the whole machine: the other process isn't to blame for that.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    @contextmanager
    def waiting(self) -> Iterator[float]:
        """Say for how many seconds to wait now, and count that; TimeoutError when none is left."""
        if self._seconds <= 0:
            raise TimeoutError
        slice_s = min(_SLICE_S, self._seconds)
        started = time.monotonic()
        try:
            yield slice_s
        finally:
            self._seconds -= min(slice_s, time.monotonic() - started)
