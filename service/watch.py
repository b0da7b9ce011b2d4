"""What requests wait for: news of a job, a read that others make too, the end of this process."""

import logging
from collections.abc import AsyncIterator, Callable, Collection, Hashable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import anyio
import anyio.to_thread

from jobs.values import Job

POLL_S = 0.05
_MOST_SHARE = 0.1  # of its time that the process looks, where looks take long

_log = logging.getLogger(__name__)


class Stopping:
    """Whether the process is about to stop; used in the event loop only."""

    def __init__(self) -> None:
        self._event = anyio.Event()

    @property
    def begun(self) -> bool:
        return self._event.is_set()

    def begin(self) -> None:
        self._event.set()

    async def wait(self) -> None:
        await self._event.wait()


class Watched:
    """A job as it was seen last; None once it was deleted."""

    def __init__(self, job: Job) -> None:
        self.job: Job | None = job
        self.listeners = 0
        self._changed = anyio.Event()

    @property
    def over(self) -> bool:
        """Whether it will never change again, but for being deleted."""
        return self.job is None or self.job.state.final

    def update(self, job: Job | None) -> None:
        """Note how it stands, and wake its listeners if that is news."""
        if job != self.job:
            self.job = job
            self.wake()

    def wake(self) -> None:
        self._changed.set()
        self._changed = anyio.Event()

    async def changed(self) -> None:
        """Wait until it is seen to have changed, or its listeners are woken."""
        await self._changed.wait()


class Watch:
    """Looks at the jobs that somebody listens to, all of them at once, every `POLL_S`.

    A slow listener misses what came between two looks and costs no memory. `find`, which blocks,
    finds jobs of all owners: who may listen is for the caller to say. It needs no lock in the event
    loop.
    """

    def __init__(self, find: Callable[[Collection[str]], Sequence[Job]]) -> None:
        self._find = find
        self._watched: dict[str, Watched] = {}
        self._wanted = anyio.Event()

    @contextmanager
    def listening(self, job: Job) -> Iterator[Watched]:
        """Look at a job as long as this lasts, and as others listen to it."""
        watched = self._watched.setdefault(job.id, Watched(job))
        watched.listeners += 1
        self._wanted.set()
        try:
            yield watched
        finally:
            watched.listeners -= 1
            if not watched.listeners:
                del self._watched[job.id]

    async def wake_at(self, stopping: Stopping) -> None:
        await stopping.wait()
        for watched in self._watched.values():
            watched.wake()

    async def run(self) -> None:
        while True:
            if not self._watched:
                self._wanted = anyio.Event()
                await self._wanted.wait()
            started = anyio.current_time()
            await self._look()
            taken_s = anyio.current_time() - started
            await anyio.sleep(max(POLL_S, taken_s / _MOST_SHARE))

    async def _look(self) -> None:
        ids = [job_id for job_id, watched in self._watched.items() if watched.job is not None]
        if not ids:
            return
        try:
            jobs = await anyio.to_thread.run_sync(self._find, ids)
        except Exception:
            # Listeners are worth keeping through a hiccup of the database: the next look tells.
            _log.exception("jobs couldn't be looked at")
            return
        found = {job.id: job for job in jobs}
        for job_id in ids:
            if job_id in self._watched:  # else its listeners left meanwhile
                self._watched[job_id].update(found.get(job_id))


@asynccontextmanager
async def open_watch(
    find: Callable[[Collection[str]], Sequence[Job]], stopping: Stopping
) -> AsyncIterator[Watch]:
    """Give a watch that looks until it is closed."""
    watch = Watch(find)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(watch.run)
        tasks.start_soon(watch.wake_at, stopping)
        yield watch
        tasks.cancel_scope.cancel()


T = TypeVar("T")


@dataclass
class _Read:
    """One that is going on; `outcome` is in a tuple, since it may be None."""

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

    A read answers only those who asked before it began, so that nobody gets anything older than
    what they would have read themselves.
    """

    def __init__(self) -> None:
        self._running: dict[Hashable, _Read] = {}

    async def read(self, key: Hashable, function: Callable[[], T]) -> T:
        """Call a function that blocks, in a thread, unless another who asks for the same does."""
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
