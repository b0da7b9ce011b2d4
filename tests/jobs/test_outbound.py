"""Requests to servers of clients: what is refused, with a server that would tell if it weren't."""

import socket
import time
from collections.abc import Iterator

import pytest

from jobs.addresses import AddressGuard
from jobs.errors import BadUrl
from jobs.outbound import Outbound
from tests.hosts import NOT_PUBLIC
from tests.raw_server import RawServer


@pytest.fixture
def canary() -> Iterator[RawServer]:
    server = RawServer()
    yield server
    server.close()


@pytest.mark.parametrize("host", NOT_PUBLIC)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_addresses_that_are_not_public_are_refused(
    canary: RawServer, scheme: str, host: str
) -> None:
    # Not every resolver knows every form: `localhost.` may not be found at all.
    with pytest.raises((BadUrl, socket.gaierror)):
        Outbound(AddressGuard()).post(f"{scheme}://{host}:{canary.port}/", b"", {}, timeout_s=5)
    assert canary.connections == 0


@pytest.mark.parametrize("allowed", ["127.0.0.1", "127.0.0.0/8"])
def test_what_is_allowed_is_reached(canary: RawServer, allowed: str) -> None:
    outbound = Outbound(AddressGuard([allowed]))
    url = f"http://127.0.0.1:{canary.port}/a?b=c"
    assert outbound.post(url, b"{}", {"X-Test": "1"}, timeout_s=10) == 204
    assert canary.request.startswith(b"POST /a?b=c HTTP/1.1\r\n")
    assert f"Host: 127.0.0.1:{canary.port}".encode() in canary.request
    with pytest.raises(BadUrl):
        outbound.post(f"http://[::1]:{canary.port}/", b"", {}, timeout_s=10)


def test_a_redirect_is_not_followed(canary: RawServer) -> None:
    head = f"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:{canary.port}/\r\n\r\n"
    server = RawServer(head.encode())
    outbound = Outbound(AddressGuard(["127.0.0.1"]))
    assert outbound.post(f"http://127.0.0.1:{server.port}/", b"", {}, timeout_s=10) == 302
    assert canary.connections == 0
    server.close()


def test_a_server_that_drips_is_left() -> None:
    server = RawServer(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000, every_s=0.1)
    started = time.monotonic()
    outbound = Outbound(AddressGuard(["127.0.0.1"]))
    with pytest.raises(TimeoutError):
        outbound.post(f"http://127.0.0.1:{server.port}/", b"", {}, timeout_s=1)
    assert time.monotonic() - started < 20
    server.close()
