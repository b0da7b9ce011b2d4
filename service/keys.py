"""Who calls: the API key of a request, whether it may go on, and which jobs are its own."""

import ipaddress
import time
from functools import partial
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from jobs.values import Key
from service.errors import ForeignOrigin, Unauthorized
from service.settings import PREFIX, Settings
from service.state import Services, Unscoped

bearer = HTTPBearer(
    scheme_name="key",
    auto_error=False,
    description="An API key, where the service has any: `Authorization: Bearer KEY`.",
)


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
        raise Unauthorized("An API key is needed: `Authorization: Bearer KEY`.")
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
    """Refuse what a browser sends for another site, where no key would stop it.

    Any page that somebody on this machine looks at can make their browser post to a loopback
    address, and read the answers too if its own name is made to resolve there. In a container the
    service can't listen there, but the container's port can be published there only: that is what
    the setting "local" is for.

    Raises:
        ForeignOrigin: the request is for a name that isn't this machine's, or from another site.
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
