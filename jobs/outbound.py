"""HTTP to addresses that clients name: to public ones only, resolved once, never redirected."""

import http.client
import ipaddress
import socket
import ssl
import threading
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from urllib.parse import SplitResult, urlsplit

from jobs.errors import BadUrl

_PORTS = {"https": 443, "http": 80}
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_URL_CHARACTERS = 2000

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Outbound:
    """Requests to servers of clients.

    A client must not reach through us what it can't reach itself. So a name is resolved once, every
    address that it has must be a public one, and the connection goes to the address that was
    looked at, not to what the name means a moment later. Redirects aren't followed, and proxies
    of the environment aren't used.

    Args:
        allow: names of hosts, and networks such as `10.1.0.0/16`, that may be reached although they
            aren't public, and without TLS.
        timeout_s: for a whole request, seconds.
    """

    def __init__(self, allow: Sequence[str] = (), timeout_s: float = 15.0) -> None:
        self._networks = [ipaddress.ip_network(each) for each in allow if _is_network(each)]
        self._hosts = {each.lower() for each in allow if not _is_network(each)}
        self._timeout_s = timeout_s
        self._tls = ssl.create_default_context()

    def check(self, url: str) -> None:
        """Say early that `post` would refuse a URL, as far as its text tells.

        Raises:
            BadUrl: it would.
        """
        parts = _parsed(url)
        host = str(parts.hostname)
        with suppress(ValueError):
            self._check_address(ipaddress.ip_address(host), host)
        if parts.scheme == "http" and not self._allows(host):
            raise BadUrl(f"Got a URL of http to {host!r}, wanted https.")

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        """Post something, and return the status of the answer; the rest of it isn't read.

        Raises:
            BadUrl: the URL isn't one of http or https to an address that may be reached.
            OSError: the server can't be reached, or doesn't answer in time.
            http.client.HTTPException: what it answers isn't HTTP.
        """
        self.check(url)
        parts = _parsed(url)
        host, port = str(parts.hostname), parts.port or _PORTS[parts.scheme]
        address = self._resolve(host, port)
        if parts.scheme == "http" and not self._allows(host, address):
            raise BadUrl(f"Got a URL of http to {host!r}, wanted https.")
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connected = socket.create_connection((str(address), port), timeout=self._timeout_s)
        # A server that sends a byte now and then would never be late for a single read.
        watchdog = threading.Timer(self._timeout_s, _cut, (connected,))
        watchdog.start()
        try:
            if parts.scheme == "https":
                connected = self._tls.wrap_socket(connected, server_hostname=host)
            connection = http.client.HTTPConnection(host, port)
            connection.sock = connected
            connection.request("POST", path, body, {**headers, "Connection": "close"})
            with closing(connection.getresponse()) as response:
                return response.status
        finally:
            watchdog.cancel()
            connected.close()

    def _resolve(self, host: str, port: int) -> Address:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = [ipaddress.ip_address(each[4][0]) for each in found]
        for address in addresses:
            self._check_address(address, host)
        return addresses[0]

    def _check_address(self, address: Address, host: str) -> None:
        if not (self._allows(host, address) or _is_public(address)):
            raise BadUrl(f"Got a URL to {host!r}, which isn't a public address, wanted one.")

    def _allows(self, host: str, address: Address | None = None) -> bool:
        if host.lower() in self._hosts:
            return True
        if address is None:
            with suppress(ValueError):
                address = ipaddress.ip_address(host)
        return address is not None and any(address in network for network in self._networks)


def _parsed(url: str) -> SplitResult:
    wanted = "wanted https://HOST[:PORT]/PATH without a user and a fragment"
    if len(url) > _URL_CHARACTERS or not url.isascii() or not url.isprintable() or " " in url:
        raise BadUrl(f"Got a URL of {len(url)} characters, {wanted}, of at most {_URL_CHARACTERS}.")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise BadUrl(f"Got the URL {url[:100]!r}, {wanted}.") from error
    if (
        parts.scheme not in _PORTS
        or not parts.hostname
        or port == 0
        or "@" in parts.netloc
        or "%" in parts.netloc
        or parts.fragment
    ):
        raise BadUrl(f"Got the URL {url[:100]!r}, {wanted}.")
    return parts


def _is_public(address: Address) -> bool:
    """Say whether an address is everybody's, also where it has another one inside.

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
    return address.is_global and not address.is_multicast and not address.is_reserved


def _is_network(text: str) -> bool:
    try:
        ipaddress.ip_network(text)
    except ValueError:
        return False
    return True


def _cut(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
