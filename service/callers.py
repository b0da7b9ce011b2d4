"""Who calls: the API key of a request, whether it may go on, and which jobs are its own."""

import math
import time
from functools import partial
from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from jobs.errors import DatabaseAway, KeyRevoked, KeyUnknown
from jobs.values import Key
from service.errors import ForeignOrigin, TooManyRequests, Unauthorized
from service.hosts import refuse_foreign
from service.state import Services, Unscoped

CALLER_ERRORS = (
    Unauthorized,
    KeyUnknown,
    KeyRevoked,
    ForeignOrigin,
    TooManyRequests,
    DatabaseAway,
)

bearer = HTTPBearer(
    scheme_name="key",
    auto_error=False,
    description="An API key, where the service has any: `Authorization: Bearer KEY`.",
)


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
                f"Got more than {key.requests_per_minute} requests a minute from the key of "
                f"{key.name!r}, wanted at most that many.",
                retry_after_s=math.ceil((1 - left) / a_second),
            )
        self._buckets[key.name] = (left - 1, now_s)


async def caller(
    request: Request,
    services: Unscoped,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Security(bearer)],
) -> Key | None:
    """Return whose request this is; None where the service has no keys.

    Raises:
        ForeignOrigin: there are no keys, and a browser sends it for another site.
        Unauthorized: it has no key, and needs one.
        KeyUnknown: its key isn't one of ours.
        KeyRevoked: its key was revoked.
        TooManyRequests: the key sent more than it may.
    """
    if not await services.reads.read("keys", services.keys.in_force):
        refuse_foreign(request, services.settings)
        return None
    if credentials is None:
        raise Unauthorized("Got no API key, wanted `Authorization: Bearer KEY`.")
    presented = credentials.credentials
    key = await services.reads.read(("key", presented), partial(services.keys.find, presented))
    request.state.key = key.name
    services.rates.take(key, time.monotonic())
    return key


async def own_services(services: Unscoped, key: Annotated[Key | None, Depends(caller)]) -> Services:
    """Return what the routes share, with the jobs of the caller only."""
    return services if key is None else services.owned_by(key)


Shared = Annotated[Services, Depends(own_services)]
"""What a route works with: it needs a key where the service has any, and sees its jobs only."""
