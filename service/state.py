"""What the routes share: the settings and the engine of jobs, as the app was given them."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Protocol, cast

from fastapi import Depends, Request
from opentelemetry.trace import Tracer
from prometheus_client import CollectorRegistry

from jobs.store import JobFile
from jobs.values import Idempotency, Job, JobRequest, JobState, Key, Load, Worker
from pipeline.values import ScannedVideo
from service.download import Downloader
from service.receiving import Scanner
from service.settings import Settings
from service.watch import SharedReads, Watch


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

    def result_header(self, job_id: str) -> Mapping[str, Any]:
        """Return a finished result without its frames."""

    def frames(self, job_id: str, *, follow: bool = False) -> Iterator[str]:
        """Yield the result's frames as JSON lines; while a followed job has none, empty strings."""


class Keys(Protocol):
    """The API keys; `jobs.keys.KeyRing` in life. Its methods block, too."""

    def in_force(self) -> bool:
        """Say whether requests need a key."""

    def find(self, presented: str) -> Key:
        """Return the key that a client presents."""


class Rates(Protocol):
    """How much each key may send; `service.keys.RateLimiter` in life."""

    def take(self, key: Key, now_s: float) -> None:
        """Count a request."""


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


class Renderer(Protocol):
    """Makes results in formats that take long; `service.rendering.Renderer` in life."""

    async def file(self, job: Job, name: str, wait_s: float) -> Path:
        """Return the file of a result, made first if need be."""


@dataclass(frozen=True)
class Services:
    """What the routes work with.

    Attributes:
        settings: of the service.
        queue: the jobs.
        uploads: where files are received.
        downloader: fetches videos that clients name.
        scanner: looks at uploads.
        keys: the API keys.
        rates: what each key has left.
        renderer: makes results in formats that take long.
        watch: looks at the jobs that clients listen to.
        figures: for Prometheus.
        reads: of the database, which requests share.
        tracer: makes spans of what requests do.
        owner: whose jobs alone there seem to be; None for all.
    """

    settings: Settings
    queue: Queue
    uploads: Uploads
    downloader: Downloader
    scanner: Scanner
    keys: Keys
    rates: Rates
    renderer: Renderer
    watch: Watch
    figures: CollectorRegistry
    reads: SharedReads
    tracer: Tracer
    owner: str | None = None

    def owned_by(self, owner: Key) -> "Services":
        """Return the same, with the jobs of one key only."""
        return replace(self, queue=self.queue.owned_by(owner), owner=owner.name)

    async def job(self, job_id: str) -> Job:
        """Look at a job, together with all who do so at the same time.

        Raises:
            JobNotFound: there is none of this id.
        """
        return await self.reads.read((self.owner, job_id), partial(self.queue.get, job_id))


async def services(request: Request) -> Services:
    """Return what the app's lifespan made."""
    return cast(Services, request.state.services)


Unscoped = Annotated[Services, Depends(services)]
"""What routes work with that show nothing of jobs and need no key; see `service.keys.Shared`."""
