"""Lets one segment of a process be worked on at a time, that with the smallest place first."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class WorkLock:
    """A lock that goes to whoever waits with the smallest place, as `fair_queue` has it."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: dict[str, int] = {}
        self._held = False

    @contextmanager
    def held(self, name: str, place: int) -> Iterator[None]:
        """Hold the lock, after all that wait with smaller places."""
        with self._changed:
            self._waiting[name] = place
            self._changed.wait_for(lambda: not self._held and self._first() == name)
            del self._waiting[name]
            self._held = True
        try:
            yield
        finally:
            with self._changed:
                self._held = False
                self._changed.notify_all()

    def expect(self, name: str, place: int) -> None:
        """Keep the place of one that will wait: until it comes, only smaller places go before."""
        with self._changed:
            self._waiting[name] = place

    def forget(self, name: str) -> None:
        """Expect one no more, which may have come."""
        with self._changed:
            self._waiting.pop(name, None)
            self._changed.notify_all()

    def wait_until_free(self, timeout_s: float) -> None:
        """Wait until nobody holds it, or waits for it."""
        with self._changed:
            self._changed.wait_for(lambda: not self._held and not self._waiting, timeout_s)

    def _first(self) -> str:
        return min(self._waiting, key=lambda name: (self._waiting[name], name))
