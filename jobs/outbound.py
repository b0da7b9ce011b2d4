"""Posts to servers that clients name, where they may be reached, once and without redirects."""

import http.client
import socket
import ssl
import threading
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress

from jobs.addresses import AddressGuard


class Outbound:
    """Posts to servers of clients.

    Redirects aren't followed, and proxies of the environment aren't used: see `AddressGuard`.

    Args:
        allow: as `AddressGuard` takes it.
        timeout_s: for a whole request, seconds.
    """

    def __init__(self, allow: Sequence[str] = (), timeout_s: float = 15.0) -> None:
        self._guard = AddressGuard(allow)
        self._timeout_s = timeout_s
        self._tls = ssl.create_default_context()

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        """Post something, and return the status of the answer; the rest of it isn't read.

        Raises:
            BadUrl: the URL isn't one of http or https to an address that may be reached.
            OSError: the server can't be reached, or doesn't answer in time.
            http.client.HTTPException: what it answers isn't HTTP.
        """
        target = self._guard.check(url)
        found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
        address = self._guard.choose(target, [str(each[4][0]) for each in found])
        connected = socket.create_connection((address, target.port), timeout=self._timeout_s)
        # A server that sends a byte now and then would never be late for a single read.
        watchdog = threading.Timer(self._timeout_s, _cut, (connected,))
        watchdog.start()
        try:
            if target.tls:
                connected = self._tls.wrap_socket(connected, server_hostname=target.host)
            connection = http.client.HTTPConnection(target.host, target.port)
            connection.sock = connected
            connection.request("POST", target.path, body, {**headers, "Connection": "close"})
            with closing(connection.getresponse()) as response:
                return response.status
        finally:
            watchdog.cancel()
            connected.close()


def _cut(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
