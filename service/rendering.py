"""Renders results to files: each once, a few at a time, in processes that may crash."""

import errno
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import anyio
import anyio.abc
import anyio.to_process
import anyio.to_thread

from jobs.errors import JobError, JobNotFound
from jobs.renderings import MEMORY_BYTES, Renderings, render_confined
from jobs.values import Job
from pipeline.errors import PipelineError
from service.errors import NotRendered, RendererBusy, RenderingFailed, ServiceError, StorageFull
from service.settings import Settings
from service.watch import Stopping, Watch, Watched

MOST_WAITING = 20
MOST_UNREPORTED = 1000

_log = logging.getLogger(__name__)


@dataclass
class _Rendering:
    scope: anyio.CancelScope = field(default_factory=anyio.CancelScope)
    over: anyio.Event = field(default_factory=anyio.Event)
    error: Exception | None = None
    waiting: int = 0


class Renderer:
    """Renders each result once in each format, whoever asks for it, `at_once` at a time.

    A rendering goes on when its client leaves, ends when its job is deleted, and begins anew after
    a restart. A failure is told to whoever asks first; then it is tried again. Each may take
    `timeout_s` once it is its turn.
    """

    def __init__(
        self,
        renderings: Renderings,
        watch: Watch,
        at_once: int,
        timeout_s: float,
        tasks: anyio.abc.TaskGroup,
        *,
        stopping: Stopping,
    ) -> None:
        self._renderings = renderings
        self._watch = watch
        self._turns = anyio.CapacityLimiter(at_once)
        self._timeout_s = timeout_s
        self._tasks = tasks
        self._stopping = stopping
        self._running: dict[tuple[str, str], _Rendering] = {}
        self._unreported: dict[tuple[str, str], Exception] = {}

    async def file(self, job: Job, name: str, wait_s: float) -> Path:
        """Return the file of a result, made first; NotRendered: it isn't there after `wait_s`.

        Raises also RendererBusy, RenderingFailed, StorageFull, StoreAway, JobNotFound or
        BrokenVideo.
        """
        found = await anyio.to_thread.run_sync(self._renderings.find, job.id, name)
        if found is not None:
            return found
        # Else a client that asks now and then would never learn of it, but start it each time.
        if unreported := self._unreported.pop((job.id, name), None):
            raise unreported
        rendering = self._running.get((job.id, name)) or self._start(job, name)
        rendering.waiting += 1
        try:
            with anyio.move_on_after(wait_s) as waiting:
                async with anyio.create_task_group() as until:
                    until.start_soon(self._until_stopping, waiting)
                    await rendering.over.wait()
                    until.cancel_scope.cancel()
        finally:
            rendering.waiting -= 1
        if not rendering.over.is_set():
            raise NotRendered(f"The {name} of job {job.id!r} is being made; ask again.")
        if rendering.error is not None:
            raise rendering.error
        found = await anyio.to_thread.run_sync(self._renderings.find, job.id, name)
        if found is None:
            raise JobNotFound(f"Job {job.id!r} was deleted.")
        return found

    async def _until_stopping(self, waiting: anyio.CancelScope) -> None:
        await self._stopping.wait()
        waiting.cancel()

    def _start(self, job: Job, name: str) -> _Rendering:
        if len(self._running) >= MOST_WAITING:
            raise RendererBusy(
                f"{MOST_WAITING} results wait to be made already; ask for the {name} of job "
                f"{job.id!r} again later."
            )
        rendering = self._running[job.id, name] = _Rendering()
        self._tasks.start_soon(self._run, job, name, rendering)
        return rendering

    async def _run(self, job: Job, name: str, rendering: _Rendering) -> None:
        with self._watch.listening(job) as watched:
            self._tasks.start_soon(_cancel_when_deleted, rendering, watched)
            try:
                with rendering.scope:
                    async with self._turns:
                        await self._render(job, name)
                if rendering.scope.cancelled_caught:
                    rendering.error = JobNotFound(f"Job {job.id!r} was deleted.")
            except Exception as error:
                if not isinstance(error, JobError | PipelineError | ServiceError):
                    _log.exception("rendering failed", extra={"job": job.id, "format": name})
                rendering.error = error
                if not rendering.waiting:
                    self._keep(job, name, error)
            finally:
                del self._running[job.id, name]
                rendering.over.set()
                watched.wake()

    def _keep(self, job: Job, name: str, error: Exception) -> None:
        """Keep why one failed for the next who asks; only the latest, since many never ask."""
        self._unreported[job.id, name] = error
        if len(self._unreported) > MOST_UNREPORTED:
            del self._unreported[next(iter(self._unreported))]

    async def _render(self, job: Job, name: str) -> None:
        about = {"job": job.id, "format": name}
        _log.info("rendering", extra=about)
        try:
            with anyio.fail_after(self._timeout_s):
                await anyio.to_process.run_sync(
                    partial(render_confined, self._renderings, job.id, name, job.request.filename),
                    cancellable=True,
                    limiter=anyio.CapacityLimiter(1),  # its turn has come already
                )
            _log.info("rendered", extra=about)
        except TimeoutError as error:
            await self._discard(job, name)
            raise RenderingFailed(
                f"The {name} took longer than {self._timeout_s:g} s to make."
            ) from error
        except (anyio.BrokenWorkerProcess, MemoryError) as error:
            _log.warning("rendering crashed", extra=about)
            await self._discard(job, name)
            raise RenderingFailed(
                f"The {name} crashes the renderer or takes more than "
                f"{MEMORY_BYTES // 2**20} MiB of memory."
            ) from error
        except OSError as error:
            if error.errno == errno.ENOSPC:
                raise StorageFull(f"The data volume has no room for the {name}.") from error
            raise

    async def _discard(self, job: Job, name: str) -> None:
        await anyio.to_thread.run_sync(self._renderings.discard, job.id, name)


async def _cancel_when_deleted(rendering: _Rendering, watched: Watched) -> None:
    while watched.job is not None and not rendering.over.is_set():
        await watched.changed()
    rendering.scope.cancel()


@asynccontextmanager
async def open_renderer(
    renderings: Renderings, watch: Watch, settings: Settings, stopping: Stopping
) -> AsyncIterator[Renderer]:
    """Give a renderer; what it is at when it is closed is given up."""
    async with anyio.create_task_group() as tasks:
        at_once, timeout_s = settings.renderers, settings.render_timeout_s
        renderer = Renderer(renderings, watch, at_once, timeout_s, tasks, stopping=stopping)
        yield renderer
        tasks.cancel_scope.cancel()
