"""What can be asked of the service; in `_async` each method is awaited."""

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Self, Unpack

from rotograph._sync import downloads, following, jobs
from rotograph._sync.connection import Connection
from rotograph.connection import READ_TIMEOUT_S, URL
from rotograph.errors import JobFailedError
from rotograph.job import Job, State
from rotograph.options import Format, JobFilter, Options
from rotograph.results import Frame, Result
from rotograph.retry_policy import RetryPolicy
from rotograph.uploads import Progress, Source, path_of


class Client:
    """A service that segments videos.

    Jobs are given as a `Job` or by their id. What passes, such as a lost connection or a busy
    service, is tried again as `retry_policy` says; what doesn't is raised as a `RotographError`, by
    every method. The service may send nothing for `read_timeout_s`.
    """

    def __init__(
        self,
        url: str = URL,
        key: str | None = None,
        *,
        retry_policy: RetryPolicy | None = None,
        read_timeout_s: float = READ_TIMEOUT_S,
    ) -> None:
        policy = retry_policy or RetryPolicy()
        self._connection = Connection(url, key, read_timeout_s, policy)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._connection.close()

    def segment(
        self,
        source: Source,
        *,
        fresh: bool = False,
        timeout_s: float | None = None,
        on_upload: Progress | None = None,
        on_progress: Progress | None = None,
        **options: Unpack[Options],
    ) -> Result:
        """Post a video, wait for its job, and get the result.

        Args:
            source: path of a video, a binary file that can seek, or a URL that the service fetches.
            fresh: work on it also where the same was asked for before; else its result is copied.
            timeout_s: how long to wait for the job, which goes on after the WaitTimeoutError.
            on_upload: called with the bytes sent and those in all.
            on_progress: called with the frames done and those in all.

        Raises JobFailedError, JobCanceledError or WaitTimeoutError.
        """
        job = self.submit(source, fresh=fresh, on_upload=on_upload, **options)
        self.wait(job, timeout_s=timeout_s, on_progress=on_progress)
        return self.result(job, source=path_of(source))

    def submit(
        self,
        source: Source,
        *,
        fresh: bool = False,
        on_upload: Progress | None = None,
        **options: Unpack[Options],
    ) -> Job:
        """Post a video and return its job at once, one however often it is sent; see `segment`."""
        return jobs.submit(self._connection, source, options, fresh=fresh, progress=on_upload)

    def job(self, job: Job | str) -> Job:
        """Return a job as it stands now."""
        return jobs.look(self._connection, _id(job))

    def jobs(
        self,
        state: State | Collection[State] = (),
        *,
        labels: Mapping[str, str] | None = None,
        created_after: datetime | None = None,
        created_before: datetime | None = None,
    ) -> Iterator[Job]:
        """Yield the jobs that match all that is given, newest first.

        They are in a state, or one of several, and have the labels; `created_before` is exclusive.
        """
        states = (state,) if isinstance(state, str) else state
        wanted = JobFilter(states, labels or {}, created_after, created_before)
        return jobs.listed(self._connection, wanted)

    def wait(
        self,
        job: Job | str,
        *,
        timeout_s: float | None = None,
        on_progress: Progress | None = None,
    ) -> Job:
        """Wait until a job has succeeded; see `segment`."""
        return following.wait(self._connection, _id(job), timeout_s, on_progress)

    def frames(self, job: Job | str) -> Iterator[Frame]:
        """Yield frames as soon as they are done; raises JobFailedError or JobCanceledError."""
        return following.frames(self._connection, _id(job))

    def result(self, job: Job | str, *, source: Path | None = None) -> Result:
        """Get a finished job's result; notebooks show the pictures of a `source` file."""
        path, params = f"/jobs/{_id(job)}/result", {"format": "json"}
        try:
            answer = self._connection.request("GET", path, params=params)
        except JobFailedError:
            jobs.raise_why(self._connection, _id(job))
            raise
        return Result.from_json(answer.json(), source)

    def download(
        self,
        job: Job | str,
        format: Format,
        to: str | Path,
        *,
        on_progress: Progress | None = None,
    ) -> Path:
        """Download a result in a format (docs/formats.md), made first if need be; return its file.

        A folder's file is named after the video; a file is there whole or not at all. `on_progress`
        is called with the bytes that came and those in all, 0 where unknown, and with 0, 0 while it
        is made.
        """
        return downloads.download(self._connection, _id(job), format, Path(to), on_progress)

    def cancel(self, job: Job | str) -> Job:
        """Cancel a job and return it; one that is over stays as it is."""
        return jobs.cancel(self._connection, _id(job))

    def delete(self, job: Job | str) -> None:
        """Delete a job with its upload and result, canceled first if need be."""
        jobs.delete(self._connection, _id(job))


def _id(job: Job | str) -> str:
    return job if isinstance(job, str) else job.id
