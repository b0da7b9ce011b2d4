"""Which requests come from this machine's own people, where there are no keys to tell."""

import ipaddress
from urllib.parse import urlsplit

from starlette.requests import Request

from service.errors import ForeignOrigin
from service.settings import PREFIX, Settings


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
            f"Got a request for {asked[:100]!r} without API keys, wanted one for a loopback "
            f"address, or {PREFIX}ALLOW_ANONYMOUS=true."
        )
    origin = request.headers.get("origin")
    if origin is None or origin in settings.cors_origins or "*" in settings.cors_origins:
        return
    if urlsplit(origin).netloc != asked:
        raise ForeignOrigin(
            f"Got a request from the site {origin[:100]!r} without API keys, wanted one from this "
            f"service's own, or that site in {PREFIX}CORS_ORIGINS."
        )
