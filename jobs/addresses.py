"""Which addresses that clients name may be reached: public ones, and those that are allowed."""

import ipaddress
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

from jobs.errors import BadUrl

_PORTS = {"https": 443, "http": 80}
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_URL_CHARACTERS = 2000

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True)
class Target:
    """The parts of a URL."""

    tls: bool
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """What a Host header says; the scheme's own port is left out."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        usual = _PORTS["https" if self.tls else "http"]
        return host if self.port == usual else f"{host}:{self.port}"


class AddressGuard:
    """Says where requests may go that are made because a client names a URL.

    A client must not reach through us what it can't reach itself. So a name is resolved once, each
    of its addresses must be public, and the connection goes to one of these. The hosts and networks
    (such as `10.1.0.0/16`) in `allow` may be reached all the same, and without TLS.
    """

    def __init__(self, allow: Sequence[str] = ()) -> None:
        self._networks = [ipaddress.ip_network(each) for each in allow if _is_network(each)]
        self._hosts = {each.lower() for each in allow if not _is_network(each)}

    def check(self, url: str) -> Target:
        """Return what a URL names; raises BadUrl if its text alone shows that it is refused."""
        target = _parsed(url)
        with suppress(ValueError):
            self._check_address(ipaddress.ip_address(target.host), target.host)
        if not target.tls and not self._allows(target.host):
            raise BadUrl(f"The URL of {target.host!r} must be https, got http.")
        return target

    def choose(self, target: Target, found: Sequence[str]) -> str:
        """Return the address to connect to; raises BadUrl if any of those found is refused."""
        addresses = [ipaddress.ip_address(each) for each in found]
        for address in addresses:
            self._check_address(address, target.host)
            if not target.tls and not self._allows(target.host, address):
                raise BadUrl(f"The URL of {target.host!r} must be https, got http.")
        return str(addresses[0])

    def _check_address(self, address: Address, host: str) -> None:
        if not (self._allows(host, address) or _is_public(address)):
            raise BadUrl(f"The URL's host must be a public address, got {host!r}.")

    def _allows(self, host: str, address: Address | None = None) -> bool:
        if host.lower() in self._hosts:
            return True
        if address is None:
            with suppress(ValueError):
                address = ipaddress.ip_address(host)
        return address is not None and any(address in network for network in self._networks)


def _parsed(url: str) -> Target:
    wanted = "The URL must be https://HOST[:PORT]/PATH without a user and a fragment"
    if len(url) > _URL_CHARACTERS or not url.isascii() or not url.isprintable() or " " in url:
        raise BadUrl(f"{wanted}, of at most {_URL_CHARACTERS} characters, got {len(url)}.")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise BadUrl(f"{wanted}, got {url[:100]!r}.") from error
    if (
        parts.scheme not in _PORTS
        or not parts.hostname
        or port == 0
        or "@" in parts.netloc
        or "%" in parts.netloc
        or parts.fragment
    ):
        raise BadUrl(f"{wanted}, got {url[:100]!r}.")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme == "https", parts.hostname, port or _PORTS[parts.scheme], path)


def _is_public(address: Address) -> bool:
    """Say whether an address, and any that is embedded in it, is public.

    >>> addresses = ("1.1.1.1", "10.0.0.1", "::ffff:127.0.0.1", "64:ff9b::a00:1", "2002:7f00:1::")
    >>> [_is_public(ipaddress.ip_address(each)) for each in addresses]
    [True, False, False, False, False]
    """
    if isinstance(address, ipaddress.IPv6Address):
        inside = address.ipv4_mapped or address.sixtofour
        if address in _NAT64:
            inside = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inside is not None and not _is_public(inside):
            return False
        if address.ipv4_mapped is not None:
            return True
        if address.is_site_local:  # out of use, but still routed where they are left
            return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def _is_network(text: str) -> bool:
    try:
        ipaddress.ip_network(text)
    except ValueError:
        return False
    return True
