"""The end of this process as all see it who wait: they are answered before it stops listening."""

import asyncio
import signal
from types import FrameType

import anyio
import uvicorn


class Stopping:
    """Whether the process is about to stop; used in the event loop only."""

    def __init__(self) -> None:
        self._event = anyio.Event()

    @property
    def begun(self) -> bool:
        """Whether it is."""
        return self._event.is_set()

    def begin(self) -> None:
        """Say that it is."""
        self._event.set()

    async def wait(self) -> None:
        """Wait until it is."""
        await self._event.wait()


class Server(uvicorn.Server):
    """uvicorn's server, which goes on for a while after the first signal.

    Meanwhile `/readyz` says no, so that whatever spreads requests sends no new ones; those that
    come are taken, and nobody is made to wait. A second signal ends that at once.

    Args:
        config: as uvicorn's.
        stopping: begins with the first signal.
        drain_s: for how long it goes on.
    """

    def __init__(self, config: uvicorn.Config, stopping: Stopping, drain_s: float) -> None:
        super().__init__(config)
        self._stopping = stopping
        self._drain_s = drain_s

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Take a signal, in the main thread between two steps of the event loop."""
        if not self.started or self._stopping.begun:
            super().handle_exit(sig, frame)
            return
        # A signal's handler may do little; this also wakes the loop.
        asyncio.get_running_loop().call_soon_threadsafe(self._drain, signal.Signals(sig))

    def _drain(self, sig: signal.Signals) -> None:
        self._stopping.begin()
        loop = asyncio.get_running_loop()
        loop.call_later(self._drain_s, super().handle_exit, sig, None)
