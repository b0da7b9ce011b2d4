"""Videos that are fetched from URLs: what is taken, and what is refused, with servers that tell."""

import hashlib
import re
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import anyio
import pytest
import trustme
from starlette.requests import ClientDisconnect

from jobs.addresses import AddressGuard
from jobs.errors import BadUrl
from service.errors import (
    DownloadTooSlow,
    ServiceError,
    Unreachable,
    UploadTooLarge,
    WrongAnswer,
)
from service.receiving import Downloader, UploadLimits
from tests.hosts import NOT_PUBLIC
from tests.raw_server import RawServer

Start = Callable[..., RawServer]
VIDEO = b"a video " * 100
HEAD = b"HTTP/1.1 200 OK\r\n"
WHOLE = HEAD + b"Content-Length: %d\r\n\r\n%s" % (len(VIDEO), VIDEO)


@pytest.fixture
def start() -> Iterator[Start]:
    servers: list[RawServer] = []

    def make(*arguments: bytes, **options: object) -> RawServer:
        servers.append(RawServer(*arguments, **options))  # type: ignore[arg-type] # as given
        return servers[-1]

    yield make
    for server in servers:
        server.close()


async def stays() -> bool:
    return False


async def leaves() -> bool:
    return True


def fetch(
    url: str,
    to: Path,
    *,
    allow: tuple[str, ...] = ("127.0.0.1", "localhost"),
    max_bytes: int = 2**20,
    idle_s: float = 20,
    timeout_s: float = 60,
    tls: ssl.SSLContext | None = None,
) -> str:
    downloader = Downloader(AddressGuard(allow), UploadLimits(max_bytes, idle_s), timeout_s, tls)
    return anyio.run(downloader.download, url, to, stays)


@pytest.mark.parametrize(
    "answer",
    [
        WHOLE,
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(VIDEO), VIDEO),
        b"HTTP/1.0 200 OK\r\n\r\n" + VIDEO,
        b"HTTP/1.1 103 Early Hints\r\n\r\n" + WHOLE,
    ],
    ids=["length", "chunked", "until-close", "hints"],
)
def test_a_file_is_taken_however_it_is_framed(start: Start, tmp_path: Path, answer: bytes) -> None:
    server = start(answer)
    got = fetch(f"http://127.0.0.1:{server.port}/clips/dog.mp4?size=2", tmp_path / "file")
    assert got == hashlib.sha256(VIDEO).hexdigest()
    assert (tmp_path / "file").read_bytes() == VIDEO
    assert server.request.startswith(b"GET /clips/dog.mp4?size=2 HTTP/1.1\r\n")
    assert f"Host: 127.0.0.1:{server.port}\r\n".encode() in server.request


@pytest.mark.parametrize(
    ("answer", "error", "named"),
    [
        (
            b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
            WrongAnswer,
            "got 404",
        ),
        (b"HTTP/1.1 206 Partial\r\nContent-Length: 0\r\n\r\n", WrongAnswer, "got 206"),
        (HEAD + b"Content-Encoding: gzip\r\n\r\nx", WrongAnswer, "gzip"),
        (HEAD + b"Content-Length: 0\r\n\r\n", WrongAnswer, "got 0 bytes"),
        (HEAD + b"Content-Length: 99\r\n\r\nvideo", WrongAnswer, "isn't whole HTTP"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n9\r\nvideo", WrongAnswer, "isn't whole"),
        (HEAD + b"Content-Length: -1\r\n\r\n", WrongAnswer, "isn't whole HTTP"),
        (b"SSH-2.0-OpenSSH\r\n", WrongAnswer, "isn't whole HTTP"),
        (b"", WrongAnswer, "isn't whole HTTP"),
        (HEAD + b"X: y\r\n" * 30_000, WrongAnswer, "isn't whole HTTP"),
        (HEAD + b"Content-Length: 99999999999\r\n\r\n", UploadTooLarge, "99999999999 bytes"),
        (HEAD + b"\r\n" + bytes(2**21), UploadTooLarge, "1 MiB"),
    ],
)
def test_an_answer_that_is_no_file_is_told(
    start: Start, tmp_path: Path, answer: bytes, error: type[ServiceError], named: str
) -> None:
    with pytest.raises(error, match=r" must |isn't whole") as caught:
        fetch(f"http://127.0.0.1:{start(answer).port}/", tmp_path / "file")
    assert named in str(caught.value)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(start: Start, tmp_path: Path, status: int) -> None:
    canary = start()
    head = f"HTTP/1.1 {status} Away\r\nLocation: http://127.0.0.1:{canary.port}/\r\n"
    server = start(head.encode() + b"Content-Length: 0\r\n\r\n")
    with pytest.raises(WrongAnswer, match=f"status 200, got {status}: redirects aren't followed"):
        fetch(f"http://127.0.0.1:{server.port}/", tmp_path / "file")
    assert (server.connections, canary.connections) == (1, 0)


def test_a_file_that_stalls_or_drips_is_given_up(start: Start, tmp_path: Path) -> None:
    head = HEAD + b"Content-Length: 999999\r\n\r\nvideo"
    stalled = f"http://127.0.0.1:{start(head, hangs=True).port}/"
    with pytest.raises(DownloadTooSlow, match=r"From '127.0.0.1': Only \d+ bytes .* in 0.2 s"):
        fetch(stalled, tmp_path / "file", idle_s=0.2)
    with pytest.raises(DownloadTooSlow, match=r"'127.0.0.1' didn't send the whole file in 0.3 s"):
        fetch(stalled, tmp_path / "file", timeout_s=0.3)
    dripping = f"http://127.0.0.1:{start(head + bytes(1000), every_s=0.02).port}/"
    with pytest.raises(DownloadTooSlow, match=r"expected at least 16384"):
        fetch(dripping, tmp_path / "file", idle_s=2)


def test_a_server_that_is_not_there_is_told(tmp_path: Path) -> None:
    server = RawServer()
    server.close()
    with pytest.raises(Unreachable, match=f"Can't connect to '127.0.0.1', port {server.port}"):
        fetch(f"http://127.0.0.1:{server.port}/", tmp_path / "file")
    for name in ("name.invalid", "a..b", "a" * 70 + ".org"):
        with pytest.raises(Unreachable, match=f"Can't connect to '{name}'"):
            fetch(f"https://{name}/", tmp_path / "file")


def test_only_the_right_certificate_is_trusted(start: Start, tmp_path: Path) -> None:
    authority = trustme.CA()
    ours = ssl.create_default_context()
    authority.configure_trust(ours)
    contexts = {}
    for name in ("localhost", "example.org"):
        contexts[name] = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(name).configure_cert(contexts[name])
    server = start(WHOLE, tls=contexts["localhost"])
    url = f"https://localhost:{server.port}/"
    assert fetch(url, tmp_path / "file", tls=ours) == hashlib.sha256(VIDEO).hexdigest()
    with pytest.raises(Unreachable, match=r"self-signed|unable to get local issuer"):
        fetch(url, tmp_path / "file")
    other = start(WHOLE, tls=contexts["example.org"])
    with pytest.raises(Unreachable, match="Hostname mismatch"):
        fetch(f"https://localhost:{other.port}/", tmp_path / "file", tls=ours)
    plain = start(WHOLE)
    with pytest.raises(Unreachable):
        fetch(f"https://localhost:{plain.port}/", tmp_path / "file", tls=ours)


def test_a_download_ends_when_nobody_waits_for_it(start: Start, tmp_path: Path) -> None:
    server = start(WHOLE)
    downloader = Downloader(AddressGuard(["127.0.0.1"]), UploadLimits(2**20, 20), 60)
    url = f"http://127.0.0.1:{server.port}/"
    with pytest.raises(ClientDisconnect):
        anyio.run(downloader.download, url, tmp_path / "file", leaves)


@pytest.mark.parametrize("host", NOT_PUBLIC)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_addresses_that_are_not_public_are_refused(
    start: Start, tmp_path: Path, scheme: str, host: str
) -> None:
    canary = start(WHOLE)
    with pytest.raises((BadUrl, Unreachable)) as caught:
        fetch(f"{scheme}://{host}:{canary.port}/", tmp_path / "file", allow=())
    assert re.search("must be |Can't connect", str(caught.value))
    assert canary.connections == 0
    assert not (tmp_path / "file").exists()
