"""The client that is awaited; apart from that it is the one that waits."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Self, Unpack, cast

from client import downloads, following, tasks
from client.connection import SILENCE_S, URL, Connection
from client.doing import each_async
from client.job import Job, State
from client.options import Format, Options
from client.retries import Retries
from client.steps import Task, Value, told
from client.uploads import Progress, Source
from client.values import Frame, Result


class AsyncClient:
    """A service that segments videos, for asyncio and trio; see `Client` for all of it."""

    def __init__(
        self,
        url: str = URL,
        key: str | None = None,
        *,
        retries: Retries | None = None,
        silence_s: float = SILENCE_S,
    ) -> None:
        self._retries = retries or Retries()
        self._http = Connection(url, key, silence_s).open_async()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close its connections."""
        await self._http.aclose()

    async def segment(
        self,
        source: Source,
        *,
        fresh: bool = False,
        timeout_s: float | None = None,
        on_upload: Progress | None = None,
        on_progress: Progress | None = None,
        **options: Unpack[Options],
    ) -> Result:
        """Post a video, wait for its job, and get the result; see `Client.segment`."""
        job = await self.submit(source, fresh=fresh, on_upload=on_upload, **options)
        await self.wait(job, timeout_s=timeout_s, on_progress=on_progress)
        return await self.result(job, source=tasks.path_of(source))

    async def submit(
        self,
        source: Source,
        *,
        fresh: bool = False,
        on_upload: Progress | None = None,
        **options: Unpack[Options],
    ) -> Job:
        """Post a video and return its job at once; see `Client.submit`."""
        return await self._do(tasks.submit(source, options, fresh, on_upload, self._retries))

    async def job(self, job: Job | str) -> Job:
        """Look how a job stands."""
        return await self._do(tasks.look(tasks.id_of(job), self._retries))

    def jobs(self, state: State | None = None) -> AsyncIterator[Job]:
        """Yield the jobs, newest first; only those in a state, if one is given."""
        return each_async(self._http, tasks.jobs(state, self._retries))

    async def wait(
        self,
        job: Job | str,
        *,
        timeout_s: float | None = None,
        on_progress: Progress | None = None,
    ) -> Job:
        """Wait until a job has succeeded; see `Client.wait`."""
        job_id = tasks.id_of(job)
        return await self._do(following.wait(job_id, timeout_s, on_progress, self._retries))

    def frames(self, job: Job | str) -> AsyncIterator[Frame]:
        """Yield the frames of a job in order, each as soon as it is done; see `Client.frames`."""
        return each_async(self._http, following.frames(tasks.id_of(job), self._retries))

    async def result(self, job: Job | str, *, source: Path | None = None) -> Result:
        """Get the whole result of a job that has succeeded; see `Client.result`."""
        return await self._do(tasks.result(tasks.id_of(job), source, self._retries))

    async def download(
        self,
        job: Job | str,
        format: Format,
        to: str | Path,
        *,
        on_progress: Progress | None = None,
    ) -> Path:
        """Download the result of a job in a format; see `Client.download`."""
        job_id = tasks.id_of(job)
        task = downloads.download(job_id, format, Path(to), on_progress, self._retries)
        return await self._do(task)

    async def cancel(self, job: Job | str) -> Job:
        """Cancel a job and return it; one that is over stays as it is."""
        return await self._do(tasks.cancel(tasks.id_of(job), self._retries))

    async def delete(self, job: Job | str) -> None:
        """Delete a job with its upload and result, canceled first if need be."""
        await self._do(tasks.delete(tasks.id_of(job), self._retries))

    async def _do(self, task: Task[Value]) -> Value:
        (value,) = [value async for value in each_async(self._http, told(task))]
        return cast(Value, value)
