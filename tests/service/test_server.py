"""Slow connections, large headers and answers that nobody reads, over real sockets."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import anyio
import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from service.server import HEADER_BYTES, PunctualProtocol


class Hasty(PunctualProtocol):
    """The same with deadlines for a test."""

    header_s = 0.6
    unread_s = 0.6


async def app(scope: Scope, _receive: Receive, send: Send) -> None:
    """Answer with 64 MiB at /large, at /slow after 1.5 s, else at once."""
    if scope["path"] == "/slow":
        await anyio.sleep(1.5)
    blocks = 1024 if scope["path"] == "/large" else 1
    size = str(blocks * 2**16).encode()
    await send(
        {"type": "http.response.start", "status": 200, "headers": [(b"content-length", size)]}
    )
    for left in reversed(range(blocks)):
        await send({"type": "http.response.body", "body": bytes(2**16), "more_body": left > 0})


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    config = uvicorn.Config(
        app,
        port=0,
        log_config=None,
        http=Hasty,
        lifespan="off",
        h11_max_incomplete_event_size=HEADER_BYTES,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    thread.join(timeout=10)


@pytest.fixture
def client(port: int) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        yield connection


def read_to_the_end(client: socket.socket) -> int:
    """Return how many bytes came, however it ended."""
    size = 0
    with suppress(ConnectionResetError):
        while block := client.recv(2**20):
            size += len(block)
    return size


def seconds_until_cut(client: socket.socket) -> float:
    started = time.monotonic()
    read_to_the_end(client)
    return time.monotonic() - started


def answer(client: socket.socket) -> bytes:
    """Read one answer of 64 KiB."""
    head, _, body = client.recv(2**16).partition(b"\r\n\r\n")
    while len(body) < 2**16:
        body += client.recv(2**16)
    return head.split(b"\r\n")[0]


def test_a_connection_that_says_nothing_is_cut(client: socket.socket) -> None:
    assert 0.3 < seconds_until_cut(client) < 10


def test_a_header_that_drips_is_cut(client: socket.socket) -> None:
    sent = 0
    with suppress(ConnectionResetError, BrokenPipeError):
        for byte in b"GET / HTTP/1.1\r\nHost: " + b"a" * 200:
            client.send(bytes([byte]))
            sent += 1
            time.sleep(0.05)
    assert sent < 200


def test_a_second_header_that_drips_is_cut(client: socket.socket) -> None:
    client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert answer(client) == b"HTTP/1.1 200 OK"
    client.sendall(b"GET / HT")
    assert 0.3 < seconds_until_cut(client) < 10


def test_a_body_that_nobody_wants_is_not_waited_for(client: socket.socket) -> None:
    client.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nx")
    assert answer(client) == b"HTTP/1.1 200 OK"
    client.sendall(b"x")
    assert 0.3 < seconds_until_cut(client) < 10


def test_a_request_may_take_longer_than_its_header(client: socket.socket) -> None:
    for _ in range(2):
        client.sendall(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
        assert answer(client) == b"HTTP/1.1 200 OK"


def test_an_answer_that_is_read_is_never_cut(client: socket.socket) -> None:
    client.sendall(b"GET /large HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    assert read_to_the_end(client) > 2**26


def test_an_answer_that_nobody_reads_is_cut(client: socket.socket) -> None:
    client.sendall(b"GET /large HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    time.sleep(2)
    assert read_to_the_end(client) < 2**26


def test_a_header_that_is_too_large_is_refused(client: socket.socket) -> None:
    client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * (HEADER_BYTES + 1))
    assert client.recv(2**16).startswith(b"HTTP/1.1 400 Bad Request")
