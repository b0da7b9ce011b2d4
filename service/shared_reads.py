"""Reads that requests share: many who ask for the same at once cost little more than one."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import anyio
import anyio.to_thread

T = TypeVar("T")


@dataclass
class _Read:
    """One that is going on.

    Attributes:
        over: set when it has an outcome, or was given up before it began.
        outcome: in a tuple, since it may be None; empty until it is there.
        error: in place of the outcome.
    """

    over: anyio.Event = field(default_factory=anyio.Event)
    outcome: tuple[Any, ...] = ()
    error: Exception | None = None

    def run(self, function: Callable[[], Any]) -> None:
        try:
            self.outcome = (function(),)
        except Exception as error:
            self.error = error


class SharedReads:
    """Does the same read once for all who ask for it while the one before it goes on.

    Nobody is given anything older than what they would have read themselves: a read answers only
    those who asked before it began.
    """

    def __init__(self) -> None:
        self._running: dict[Hashable, _Read] = {}

    async def read(self, key: Hashable, function: Callable[[], T]) -> T:
        """Call a function that blocks, in a thread, unless another who asks for the same does.

        Args:
            key: says what is read.
            function: reads it.
        """
        if (earlier := self._running.get(key)) is not None:
            await earlier.over.wait()
        while True:
            # Whoever waited first has begun another one by now, which is late enough for all.
            if (read := self._running.get(key)) is None:
                read = await self._begin(key, function)
            else:
                await read.over.wait()
            if read.error is not None:
                raise read.error
            if read.outcome:
                result: T = read.outcome[0]
                return result

    async def _begin(self, key: Hashable, function: Callable[[], T]) -> _Read:
        read = self._running[key] = _Read()
        try:
            await anyio.to_thread.run_sync(read.run, function)
        finally:
            # Also where this request is canceled: the others go on with what was read, or anew.
            del self._running[key]
            read.over.set()
        return read
