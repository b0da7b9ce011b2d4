"""The client that waits."""

from collections.abc import Iterator
from pathlib import Path
from typing import Self, Unpack, cast

from client import downloads, following, tasks
from client.connection import SILENCE_S, URL, Connection
from client.doing import each
from client.job import Job, State
from client.options import Format, Options
from client.retries import Retries
from client.steps import Task, Value, told
from client.uploads import Progress, Source
from client.values import Frame, Result


class Client:
    """A service that segments videos.

    Jobs are given as a `Job` or by their id. What passes, such as a lost connection or a busy
    service, is tried again; what doesn't is raised as a `ClientError`, by every method.

    Args:
        url: of the service.
        key: an API key, where the service has keys.
        retries: how often and after how long something is tried again.
        silence_s: how long the service may send nothing.
    """

    def __init__(
        self,
        url: str = URL,
        key: str | None = None,
        *,
        retries: Retries | None = None,
        silence_s: float = SILENCE_S,
    ) -> None:
        self._retries = retries or Retries()
        self._http = Connection(url, key, silence_s).open()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close its connections."""
        self._http.close()

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
            timeout_s: how long to wait for the job; None for as long as it takes.
            on_upload: called with the bytes sent and those in all.
            on_progress: called with the frames done and those in all.
            options: of `POST /segment`.

        Raises:
            JobFailed: the job failed.
            JobCanceled: it was canceled by somebody else.
            NotInTime: it isn't over; it goes on.
        """
        job = self.submit(source, fresh=fresh, on_upload=on_upload, **options)
        self.wait(job, timeout_s=timeout_s, on_progress=on_progress)
        return self.result(job, source=tasks.path_of(source))

    def submit(
        self,
        source: Source,
        *,
        fresh: bool = False,
        on_upload: Progress | None = None,
        **options: Unpack[Options],
    ) -> Job:
        """Post a video and return its job at once; see `segment`.

        It is sent with an `Idempotency-Key`, so that it becomes one job however often it is sent.
        """
        return self._do(tasks.submit(source, options, fresh, on_upload, self._retries))

    def job(self, job: Job | str) -> Job:
        """Look how a job stands."""
        return self._do(tasks.look(tasks.id_of(job), self._retries))

    def jobs(self, state: State | None = None) -> Iterator[Job]:
        """Yield the jobs, newest first; only those in a state, if one is given."""
        return each(self._http, tasks.jobs(state, self._retries))

    def wait(
        self,
        job: Job | str,
        *,
        timeout_s: float | None = None,
        on_progress: Progress | None = None,
    ) -> Job:
        """Wait until a job has succeeded; see `segment`."""
        job_id = tasks.id_of(job)
        return self._do(following.wait(job_id, timeout_s, on_progress, self._retries))

    def frames(self, job: Job | str) -> Iterator[Frame]:
        """Yield the frames of a job in order, each as soon as it is done.

        Raises:
            JobFailed: the job failed; the frames before that have been yielded.
            JobCanceled: the same for a job that was canceled.
        """
        return each(self._http, following.frames(tasks.id_of(job), self._retries))

    def result(self, job: Job | str, *, source: Path | None = None) -> Result:
        """Get the whole result of a job that has succeeded.

        Args:
            job: that has succeeded.
            source: the video's file, so that notebooks show its pictures.
        """
        return self._do(tasks.result(tasks.id_of(job), source, self._retries))

    def download(
        self,
        job: Job | str,
        format: Format,
        to: str | Path,
        *,
        on_progress: Progress | None = None,
    ) -> Path:
        """Download the result of a job in a format; wait while it is made.

        Args:
            job: that has succeeded.
            format: of the result; docs/formats.md of the service describes them.
            to: a file, or a folder, where the file is named after the video.
            on_progress: called with the bytes that came and those in all, 0 where that isn't known;
                with 0 and 0 now and then while the file is made.

        Returns:
            The file. It is there whole or not at all.
        """
        job_id = tasks.id_of(job)
        task = downloads.download(job_id, format, Path(to), on_progress, self._retries)
        return self._do(task)

    def cancel(self, job: Job | str) -> Job:
        """Cancel a job and return it; one that is over stays as it is."""
        return self._do(tasks.cancel(tasks.id_of(job), self._retries))

    def delete(self, job: Job | str) -> None:
        """Delete a job with its upload and result, canceled first if need be."""
        self._do(tasks.delete(tasks.id_of(job), self._retries))

    def _do(self, task: Task[Value]) -> Value:
        (value,) = each(self._http, told(task))
        return cast(Value, value)
