"""What routes depend on: the services that the app was given, and whose request it is."""

import ipaddress
import math
import time
from dataclasses import dataclass, replace
from functools import partial
from typing import Annotated, cast
from urllib.parse import urlsplit

import anyio
import anyio.to_thread
from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from opentelemetry.trace import Tracer
from prometheus_client import CollectorRegistry

from jobs.engine import JobQueue
from jobs.keys import KeyRing
from jobs.store import JobStore
from jobs.values import Job, Key
from service.errors import ForeignOrigin, TooManyRequests, Unauthorized
from service.links import Links
from service.negotiation import Preference, preference
from service.receiving import Downloader, Scanner
from service.rendering import Renderer
from service.settings import PREFIX, Settings
from service.watch import SharedReads, Stopping, Watch

GONE_AFTER_S = 1.0  # a client that has left is noticed

bearer = HTTPBearer(
    scheme_name="key",
    auto_error=False,
    description="An API key, where the service has any: `Authorization: Bearer KEY`.",
)


class RateLimiter:
    """How many requests each key has left: a bucket that holds a minute's, and refills steadily.

    It counts in this process only: behind several API processes a key has as many times as much. It
    needs no lock in the event loop.
    """

    def __init__(self) -> None:
        self._buckets: dict[str, tuple[float, float]] = {}

    def take(self, key: Key, now_s: float) -> None:
        """Count a request at a time on a monotonic clock; raises TooManyRequests."""
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

    def headers(self, key: Key) -> dict[str, str]:
        """Tell what a key has left, as GitHub does, and when it has all again, in Unix time."""
        if key.requests_per_minute is None:
            return {}
        left, _ = self._buckets[key.name]
        full_s = time.time() + (key.requests_per_minute - left) * 60 / key.requests_per_minute
        return {
            "X-RateLimit-Limit": str(key.requests_per_minute),
            "X-RateLimit-Remaining": str(int(left)),
            "X-RateLimit-Reset": str(math.ceil(full_s)),
        }


@dataclass(frozen=True)
class Services:
    """What the routes work with, for one `owner`'s jobs, or all."""

    settings: Settings
    queue: JobQueue
    uploads: JobStore
    downloader: Downloader
    scanner: Scanner
    keys: KeyRing
    rates: RateLimiter
    renderer: Renderer
    watch: Watch
    metrics: CollectorRegistry
    reads: SharedReads
    stopping: Stopping
    tracer: Tracer
    links: Links
    owner: str | None = None

    def owned_by(self, owner: Key) -> "Services":
        return replace(self, queue=self.queue.owned_by(owner), owner=owner.name)

    async def job(self, job_id: str) -> Job:
        """Look at a job, together with all who do so at the same time; raises JobNotFound."""
        return await self.reads.read((self.owner, job_id), partial(self.queue.get, job_id))

    def preference(self, request: Request, default_s: float = 0) -> Preference:
        return preference(request.headers.getlist("prefer"), default_s, self.settings.max_wait_s)

    async def wait(
        self, request: Request, job: Job, wait_s: float, *, for_change: bool = False
    ) -> Job:
        """Wait `wait_s` for a job's end (or change), until its client or this process leaves."""
        if job.state.final or wait_s <= 0:
            return job
        with self.watch.listening(job) as watched, anyio.move_on_after(wait_s):
            while not (watched.over or self.stopping.begun or await request.is_disconnected()):
                if for_change and watched.job is not None and watched.job.state is not job.state:
                    break
                with anyio.move_on_after(GONE_AFTER_S):
                    await watched.changed()
        return await anyio.to_thread.run_sync(self.queue.get, job.id)


async def services(request: Request) -> Services:
    return replace(cast(Services, request.state.services), links=Links.of(request.scope))


Unscoped = Annotated[Services, Depends(services)]
"""What routes work with that show nothing of jobs and need no key."""


async def caller(
    request: Request,
    services: Unscoped,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Security(bearer)],
) -> Key | None:
    """Return whose request this is; None where the service has no keys.

    Raises ForeignOrigin, Unauthorized, KeyUnknown, KeyRevoked or TooManyRequests.
    """
    if not await services.reads.read("keys", services.keys.in_force):
        refuse_foreign(request, services.settings)
        return None
    if credentials is None:
        raise Unauthorized("An API key is needed: `Authorization: Bearer KEY`.")
    presented = credentials.credentials
    key = await services.reads.read(("key", presented), partial(services.keys.find, presented))
    request.state.key = key.name
    try:
        services.rates.take(key, time.monotonic())
    finally:
        request.state.headers = services.rates.headers(key)
    return key


async def own_services(services: Unscoped, key: Annotated[Key | None, Depends(caller)]) -> Services:
    return services if key is None else services.owned_by(key)


Shared = Annotated[Services, Depends(own_services)]
"""What a route works with: it needs a key where the service has any, and sees its jobs only."""


def is_loopback(host: str) -> bool:
    """Say whether a host, by name or address, is this machine itself.

    >>> [is_loopback(host) for host in ("localhost", "127.0.0.5", "::1", "0.0.0.0", "example.org")]
    [True, True, True, False, False]
    """
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def refuse_foreign(request: Request, settings: Settings) -> None:
    """Raise ForeignOrigin for what a browser sends for another site, where no key stops it.

    Any page that somebody on this machine looks at can make their browser post to a loopback
    address, and read the answers too if its own name is made to resolve there. The setting "local"
    is for a container whose port is published on a loopback address only.
    """
    if settings.allow_anonymous is True:
        return
    asked = request.headers.get("host", "")
    name = urlsplit(f"//{asked}").hostname or ""
    if not is_loopback(name):
        raise ForeignOrigin(
            f"Without API keys requests must be for a loopback address, got {asked[:100]!r}; "
            f"{PREFIX}ALLOW_ANONYMOUS=true allows others."
        )
    origin = request.headers.get("origin")
    if origin is None or origin in settings.cors_origins or "*" in settings.cors_origins:
        return
    if urlsplit(origin).netloc != asked:
        raise ForeignOrigin(
            f"Without API keys requests must come from this service's own pages, got the site "
            f"{origin[:100]!r}; {PREFIX}CORS_ORIGINS allows others."
        )
