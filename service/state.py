"""What the routes share: the settings and the engine of jobs, as the app was given them."""

import math
from dataclasses import dataclass, replace
from functools import partial
from typing import Annotated, cast

from fastapi import Depends, Request
from opentelemetry.trace import Tracer
from prometheus_client import CollectorRegistry

from jobs.values import Job, Key
from service.download import Downloader
from service.errors import TooManyRequests
from service.ports import Keys, Queue, Uploads
from service.receiving import Scanner
from service.rendering import Renderer
from service.settings import Settings
from service.watch import SharedReads, Stopping, Watch


class RateLimiter:
    """How many requests each key has left: a bucket that holds a minute's, and refills steadily.

    It counts in this process only: behind several API processes a key has as many times as much.
    It is used in the event loop only, so that it needs no lock.
    """

    def __init__(self) -> None:
        self._buckets: dict[str, tuple[float, float]] = {}

    def take(self, key: Key, now_s: float) -> None:
        """Count a request.

        Args:
            key: of the caller.
            now_s: on a clock that never goes back.

        Raises:
            TooManyRequests: none is left.
        """
        if key.requests_per_minute is None:
            return
        a_second = key.requests_per_minute / 60
        left, seen_s = self._buckets.get(key.name, (float(key.requests_per_minute), now_s))
        left = min(key.requests_per_minute, left + (now_s - seen_s) * a_second)
        if left < 1:
            self._buckets[key.name] = (left, now_s)
            raise TooManyRequests(
                f"The key of {key.name!r} may send {key.requests_per_minute} requests a minute.",
                retry_after_s=math.ceil((1 - left) / a_second),
            )
        self._buckets[key.name] = (left - 1, now_s)


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
        metrics: for Prometheus.
        reads: of the database, which requests share.
        stopping: whether this process is about to stop.
        tracer: makes spans of what requests do.
        owner: whose jobs alone there seem to be; None for all.
    """

    settings: Settings
    queue: Queue
    uploads: Uploads
    downloader: Downloader
    scanner: Scanner
    keys: Keys
    rates: RateLimiter
    renderer: Renderer
    watch: Watch
    metrics: CollectorRegistry
    reads: SharedReads
    stopping: Stopping
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
