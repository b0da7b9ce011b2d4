"""A video fetched from an address that a client names, on the terms of an upload."""

import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from urllib.parse import unquote, urlsplit

import anyio
import anyio.abc
import h11
from starlette.requests import ClientDisconnect

from formats.filenames import safe_name
from jobs.addresses import AddressGuard, Target
from service import NAME, VERSION
from service.errors import DownloadTooSlow, Unreachable, UploadTooLarge, WrongAnswer
from service.receiving import BLOCK_BYTES, Stalled, UploadLimits, pass_on, storing, too_large

# For a server to be found and connected to, and then for the head of its answer.
ANSWER_S = 15.0


class Downloader:
    """Fetches videos. Redirects aren't followed, and proxies of the environment aren't used.

    Args:
        guard: says where requests may go.
        limits: of the file.
        timeout_s: for a whole download, seconds.
        tls: in place of the usual trust.
        count: is told how many bytes have come, again and again.
    """

    def __init__(
        self,
        guard: AddressGuard,
        limits: UploadLimits,
        timeout_s: float,
        tls: ssl.SSLContext | None = None,
        *,
        count: Callable[[int], object] = int,
    ) -> None:
        self._guard = guard
        self._limits = limits
        self._timeout_s = timeout_s
        self._count = count
        self._tls = tls or ssl.create_default_context()

    async def download(self, url: str, to: Path, left: Callable[[], Awaitable[bool]]) -> str:
        """Fetch a video to a file.

        Args:
            url: of the video.
            to: where it goes; what that holds after an error is for the caller to remove.
            left: says whether the client that wants it has left.

        Returns:
            The SHA-256 of the file, hexadecimal.

        Raises:
            BadUrl: the URL isn't one of https to an address that may be reached.
            Unreachable: its server can't be connected to.
            WrongAnswer: its server answers something else than a file.
            DownloadTooSlow: the file comes too slowly.
            UploadTooLarge: the file is past the limit.
            StorageFull: the volume of `to` is full.
            ClientDisconnect: nobody waits for it any more.
        """
        target = self._guard.check(url)
        with anyio.move_on_after(self._timeout_s):
            return await self._fetch(target, to, left)
        raise DownloadTooSlow(
            f"{target.host!r} didn't send the whole file in {self._timeout_s:g} s."
        )

    async def _fetch(self, target: Target, to: Path, left: Callable[[], Awaitable[bool]]) -> str:
        stream = await self._connect(target)
        try:
            answer = _Answer(stream, target.host)
            await answer.begin(target, self._limits.max_bytes)
            with storing(to, self._limits.max_bytes) as sink:
                blocks = answer.blocks(left, self._count)
                await pass_on(blocks, sink.write, self._limits.idle_timeout_s)
        except Stalled as error:
            raise DownloadTooSlow(f"From {target.host!r}: {error}") from error
        finally:
            await anyio.aclose_forcefully(stream)
        if not sink.size:
            raise WrongAnswer(f"{target.host!r} must answer with a video, got 0 bytes.")
        return sink.sha256

    async def _connect(self, target: Target) -> anyio.abc.ByteStream:
        try:
            with anyio.fail_after(ANSWER_S):
                found = await anyio.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
                address = self._guard.choose(target, [str(each[4][0]) for each in found])
                if not target.tls:
                    return await anyio.connect_tcp(address, target.port)
                return await anyio.connect_tcp(
                    address, target.port, tls_hostname=target.host, ssl_context=self._tls
                )
        except TimeoutError as error:
            message = f"Can't connect to {target.host!r} within {ANSWER_S:g} s."
            raise Unreachable(message) from error
        except (OSError, anyio.BrokenResourceError, anyio.EndOfStream, UnicodeError) as error:
            message = f"Can't connect to {target.host!r}, port {target.port}: {_reason(error)}."
            raise Unreachable(message) from error


class _Answer:
    """What a server answers over a connection."""

    def __init__(self, stream: anyio.abc.ByteStream, host: str) -> None:
        self._stream = stream
        self._host = host
        self._http = h11.Connection(h11.CLIENT)

    async def begin(self, target: Target, max_bytes: int) -> None:
        """Ask for a file, and read the head of the answer."""
        usual = target.port == (443 if target.tls else 80)
        host = f"[{target.host}]" if ":" in target.host else target.host
        headers = [
            ("Host", host if usual else f"{host}:{target.port}"),
            ("User-Agent", f"{NAME}/{VERSION}"),
            ("Accept", "*/*"),
            ("Accept-Encoding", "identity"),
            ("Connection", "close"),
        ]
        request = h11.Request(method="GET", target=target.path, headers=headers)
        try:
            with anyio.fail_after(ANSWER_S):
                await self._stream.send(self._http.send(request) or b"")
                self._http.send(h11.EndOfMessage())
                while not isinstance(head := await self._next(), h11.Response):
                    pass
        except TimeoutError as error:
            message = f"{self._host!r} didn't answer within {ANSWER_S:g} s."
            raise DownloadTooSlow(message) from error
        self._check(head, max_bytes)

    def _check(self, head: h11.Response, max_bytes: int) -> None:
        if head.status_code != 200:
            redirects = ": redirects aren't followed" if 300 <= head.status_code < 400 else ""
            raise WrongAnswer(
                f"{self._host!r} must answer with status 200, got {head.status_code}{redirects}."
            )
        headers = dict(head.headers)
        encoding = headers.get(b"content-encoding", b"identity").decode(errors="replace")
        if encoding != "identity":
            raise WrongAnswer(
                f"{self._host!r} must send no Content-Encoding, got {encoding[:100]!r}."
            )
        declared = int(headers.get(b"content-length", b"0"))
        if declared > max_bytes:
            raise UploadTooLarge(too_large(max_bytes, f"{declared} bytes"))

    async def blocks(
        self, left: Callable[[], Awaitable[bool]], count: Callable[[int], object]
    ) -> AsyncIterator[bytes]:
        """Yield the file as it comes."""
        while isinstance(event := await self._next(), h11.Data):
            count(len(event.data))
            if await left():
                raise ClientDisconnect
            yield bytes(event.data)

    async def _next(self) -> object:
        try:
            while (event := self._http.next_event()) is h11.NEED_DATA:
                try:
                    received = await self._stream.receive(BLOCK_BYTES)
                except anyio.EndOfStream:
                    received = b""
                self._http.receive_data(received)
        except (h11.RemoteProtocolError, anyio.BrokenResourceError, OSError) as error:
            message = f"The answer of {self._host!r} isn't whole HTTP: {_reason(error)}."
            raise WrongAnswer(message) from error
        return event


def filename_of(url: str) -> str:
    """Return what the file of a URL is called.

    >>> filename_of("https://example.org/clips/my%20dog.mp4?size=2")
    'my dog.mp4'
    """
    return safe_name(unquote(urlsplit(url).path), "upload")


def _reason(error: Exception) -> str:
    text = getattr(error, "verify_message", None) or getattr(error, "strerror", None) or str(error)
    return str(text)[:200] or "it was cut off"
