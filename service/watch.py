"""Jobs looked at on behalf of all who wait for news of them, with one query for everybody."""

import logging
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager

import anyio
import anyio.to_thread

from jobs.values import Job

POLL_S = 0.5

_log = logging.getLogger(__name__)


class Watched:
    """A job as it was seen last.

    Attributes:
        job: as it was seen; None once it was deleted.
        listeners: how many wait for its news.
    """

    def __init__(self, job: Job) -> None:
        self.job: Job | None = job
        self.listeners = 0
        self._changed = anyio.Event()

    @property
    def over(self) -> bool:
        """Whether it will never change again."""
        return self.job is None or self.job.state.final

    def update(self, job: Job | None) -> None:
        """Note how it stands, and wake its listeners if that is news."""
        if job != self.job:
            self.job = job
            self._changed.set()
            self._changed = anyio.Event()

    async def changed(self) -> None:
        """Wait until it is seen to have changed."""
        await self._changed.wait()


class Watch:
    """Looks at the jobs that somebody listens to, all of them at once, every `POLL_S`.

    A listener sees how a job stands, not each step on the way: one that is slow misses what came
    between and costs no memory. It is used in the event loop only, so that it needs no lock.

    Args:
        find: returns those of some jobs that there are, of all owners: who may listen is for the
            caller to say. It blocks, so that it is called in a thread.
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

    async def run(self) -> None:
        """Look at what is listened to, for ever."""
        while True:
            if not self._watched:
                self._wanted = anyio.Event()
                await self._wanted.wait()
            await self._look()
            await anyio.sleep(POLL_S)

    async def _look(self) -> None:
        ids = [job_id for job_id, watched in self._watched.items() if not watched.over]
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
    find: Callable[[Collection[str]], Sequence[Job]],
) -> AsyncIterator[Watch]:
    """Give a watch, with `find` as it takes it, that looks until it is closed."""
    watch = Watch(find)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(watch.run)
        yield watch
        tasks.cancel_scope.cancel()
