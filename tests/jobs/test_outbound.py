"""Requests to servers of clients: what is refused, with a server that would tell if it weren't."""

import http.client
import re
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from jobs.addresses import AddressGuard
from jobs.errors import BadUrl
from jobs.outbound import Outbound


class Server:
    """Answers every connection with what it is given, and counts them."""

    def __init__(self, answer: bytes, every_s: float = 0.0) -> None:
        self.connections = 0
        self.request = b""
        self._answer = answer
        self._every_s = every_s
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            with connection:
                self.request = _read(connection)
                try:
                    for byte in self._answer:
                        connection.sendall(bytes([byte]))
                        time.sleep(self._every_s)
                except OSError:
                    continue

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


def _read(connection: socket.socket) -> bytes:
    """Read a whole request: a server that leaves part of it unread resets the connection."""
    request = b""
    while block := connection.recv(2**16):
        request += block
        head, end, body = request.partition(b"\r\n\r\n")
        length = re.search(rb"Content-Length: (\d+)", head)
        if end and length and len(body) >= int(length[1]):
            break
    return request


@pytest.fixture
def canary() -> Iterator[Server]:
    server = Server(b"HTTP/1.1 204 No Content\r\n\r\n")
    yield server
    server.close()


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "0.0.0.0",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::]",
        "2130706433",
        "0x7f000001",
        "127.1",
        "169.254.169.254",
        "10.0.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "[fe80::1]",
        "[fc00::1]",
        "[64:ff9b::7f00:1]",
        "224.0.0.1",
        "255.255.255.255",
    ],
)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_addresses_that_are_not_public_are_refused(canary: Server, scheme: str, host: str) -> None:
    with pytest.raises(BadUrl):
        Outbound(timeout_s=5).post(f"{scheme}://{host}:{canary.port}/", b"", {})
    assert canary.connections == 0


@pytest.mark.parametrize(
    "url",
    [
        "",
        "hook",
        "//example.org/",
        "ftp://example.org/",
        "file:///etc/passwd",
        "gopher://example.org/",
        "https://",
        "https:///path",
        "https://user@example.org/",
        "https://user:word@example.org/",
        "https://example.org/#part",
        "https://example.org:0/",
        "https://example.org:99999/",
        "https://example.org:port/",
        "https://exa mple.org/",
        "https://example.org/\r\nHost: other",
        "https://[fe80::1%25eth0]/",
        "https://[::1",
        "https://exämple.org/",
        "https://example.org/" + "a" * 2000,
        "http://example.org/",
    ],
)
def test_what_is_no_address_of_https_is_refused_early(url: str) -> None:
    with pytest.raises(BadUrl, match=r"^Got "):
        AddressGuard().check(url)


def test_public_addresses_pass_the_early_look() -> None:
    for url in ("https://example.org", "https://example.org:8443/a/b?c=d", "https://1.1.1.1/"):
        AddressGuard().check(url)


@pytest.mark.parametrize("allowed", ["127.0.0.1", "127.0.0.0/8"])
def test_what_is_allowed_is_reached(canary: Server, allowed: str) -> None:
    outbound = Outbound([allowed], timeout_s=10)
    url = f"http://127.0.0.1:{canary.port}/a?b=c"
    AddressGuard([allowed]).check(url)
    assert outbound.post(url, b"{}", {"X-Test": "1"}) == 204
    assert canary.request.startswith(b"POST /a?b=c HTTP/1.1\r\n")
    assert f"Host: 127.0.0.1:{canary.port}".encode() in canary.request
    with pytest.raises(BadUrl):
        outbound.post(f"http://[::1]:{canary.port}/", b"", {})


def test_a_redirect_is_not_followed(canary: Server) -> None:
    head = f"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:{canary.port}/\r\n\r\n"
    server = Server(head.encode())
    assert Outbound(["127.0.0.1"]).post(f"http://127.0.0.1:{server.port}/", b"", {}) == 302
    assert canary.connections == 0
    server.close()


def test_a_server_that_drips_is_left() -> None:
    server = Server(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000, every_s=0.1)
    started = time.monotonic()
    with pytest.raises((OSError, http.client.HTTPException)):
        Outbound(["127.0.0.1"], timeout_s=1).post(f"http://127.0.0.1:{server.port}/", b"", {})
    assert time.monotonic() - started < 20
    server.close()
