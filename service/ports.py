"""What the service needs of the jobs: the queue, the keys, the store and the renderings."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from jobs.store import JobFile
from jobs.values import Idempotency, Job, JobRequest, JobState, Key, Load, Worker
from pipeline.values import ScannedVideo


class Queue(Protocol):
    """The jobs, as the service needs them; `jobs.engine.JobQueue` in life.

    Its methods block, so that they are called in threads.
    """

    def owned_by(self, owner: Key) -> "Queue":
        """Return the queue as the owner of a key may see it: with its own jobs only."""

    def check_room(self) -> None:
        """Raise QueueFull or TooManyJobs where there is no room for another job."""

    def repeated(self, idempotency: Idempotency) -> Job | None:
        """Return the job that a request made when it was sent before."""

    def submit(
        self,
        job_id: str,
        request: JobRequest,
        video: ScannedVideo,
        idempotency: Idempotency | None = None,
        *,
        sha256: str | None = None,
        fresh: bool = False,
        request_id: str | None = None,
    ) -> Job:
        """Accept the upload received under this id as a job, or return the one it was before.

        Unless it is to be worked on afresh, it may get a copy of the result of the same.
        """

    def get(self, job_id: str) -> Job:
        """Return a job."""

    def find(self, job_ids: Collection[str]) -> Sequence[Job]:
        """Return those of some jobs that there are."""

    def list(
        self, state: JobState | None, limit: int, cursor: str | None
    ) -> tuple[Sequence[Job], str | None]:
        """Return up to `limit` jobs, newest first, and the cursor of those that follow."""

    def cancel(self, job_id: str) -> Job:
        """Stop a job that isn't final."""

    def delete(self, job_id: str) -> None:
        """Forget a final job and its files."""

    def queue_depth(self) -> int:
        """Count the jobs that no worker has taken up."""

    def load(self) -> Load:
        """Return how much there is to do."""

    def workers(self) -> Sequence[Worker]:
        """Return the live workers."""

    def result_summary(self, job_id: str) -> Mapping[str, Any]:
        """Return a finished result without its frames."""

    def frames(self, job_id: str, *, follow: bool = False) -> Iterator[str]:
        """Yield the result's frames as JSON lines; while a followed job has none, empty strings."""


class Keys(Protocol):
    """The API keys; `jobs.keys.KeyRing` in life. Its methods block, too."""

    def in_force(self) -> bool:
        """Say whether requests need a key."""

    def find(self, presented: str) -> Key:
        """Return the key that a client presents."""


class Uploads(Protocol):
    """Where uploads are received and kept; `jobs.store.JobStore` in life."""

    def new_id(self) -> str:
        """Draw the id of a new job."""

    def incoming(self, job_id: str) -> Path:
        """Return the path to receive the job's upload at."""

    def upload(self, job_id: str) -> JobFile:
        """Name a job's video."""

    def find(self, file: JobFile) -> Path | None:
        """Return the path of a file of a job, to be opened soon, if there is one."""

    def discard(self, job_id: str) -> None:
        """Remove an upload that came to nothing."""

    def check(self) -> None:
        """Raise StoreAway where the files of jobs can't be had now."""


class Renderings(Protocol):
    """Results as files; `jobs.renderings.Renderings` in life.

    It is sent to another process to render there.
    """

    def find(self, job_id: str, name: str) -> Path | None:
        """Return the file that was made in a format, if there is one."""

    def render(self, job_id: str, name: str, filename: str) -> None:
        """Make the file in a format."""

    def discard(self, job_id: str, name: str) -> None:
        """Remove what was left of renderings in a format that were killed."""
