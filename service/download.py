"""A video fetched from an address that a client names, on the terms of an upload."""

import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, aclosing
from pathlib import Path
from urllib.parse import unquote, urlsplit

import anyio
import httpcore
from starlette.requests import ClientDisconnect

from formats.filenames import safe_name
from jobs.addresses import AddressGuard
from jobs.outbound import Outbound
from service import NAME, VERSION
from service.errors import DownloadTooSlow, Unreachable, UploadTooLarge, WrongAnswer
from service.receiving import Stalled, UploadLimits, pass_on, storing, too_large

# For a server to be found and connected to, and then for the head of its answer.
ANSWER_S = 15.0
HEADERS = {"User-Agent": f"{NAME}/{VERSION}", "Accept": "*/*", "Accept-Encoding": "identity"}


class Downloader:
    """Fetches videos. Redirects aren't followed, and proxies of the environment aren't used.

    Args:
        timeout_s: for a whole download, seconds.
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
        self._outbound = Outbound(guard, tls)
        self._limits = limits
        self._timeout_s = timeout_s
        self._count = count

    async def download(self, url: str, to: Path, left: Callable[[], Awaitable[bool]]) -> str:
        """Fetch a video to a file.

        Args:
            to: where it goes; what that holds after an error is for the caller to remove.

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
        host = self._guard.check(url).host
        with anyio.move_on_after(self._timeout_s):
            return await self._fetch(url, host, to, left)
        raise DownloadTooSlow(f"{host!r} didn't send the whole file in {self._timeout_s:g} s.")

    async def _fetch(
        self, url: str, host: str, to: Path, left: Callable[[], Awaitable[bool]]
    ) -> str:
        async with AsyncExitStack() as stack:
            answer = await self._ask(url, host, stack)
            _check(answer, host, self._limits.max_bytes)
            try:
                with storing(to, self._limits.max_bytes) as sink:
                    async with aclosing(self._blocks(answer, left)) as blocks:
                        await pass_on(blocks, sink.write, self._limits.idle_timeout_s)
            except Stalled as error:
                raise DownloadTooSlow(f"From {host!r}: {error}") from error
            except (httpcore.NetworkError, httpcore.ProtocolError) as error:
                raise WrongAnswer(_not_http(host, error)) from error
        if not sink.size:
            raise WrongAnswer(f"{host!r} must answer with a video, got 0 bytes.")
        return sink.sha256

    async def _ask(self, url: str, host: str, stack: AsyncExitStack) -> httpcore.Response:
        """Ask for a file, and read the head of the answer; its connection ends with the stack."""
        asking = self._outbound.stream("GET", url, HEADERS, connect_s=ANSWER_S)
        try:
            with anyio.fail_after(2 * ANSWER_S):
                return await stack.enter_async_context(asking)
        except httpcore.ConnectTimeout as error:
            raise Unreachable(f"Can't connect to {host!r} within {ANSWER_S:g} s.") from error
        except TimeoutError as error:
            raise DownloadTooSlow(f"{host!r} didn't answer within {ANSWER_S:g} s.") from error
        except (httpcore.ConnectError, OSError, UnicodeError) as error:
            port = self._guard.check(url).port
            message = f"Can't connect to {host!r}, port {port}: {_reason(error)}."
            raise Unreachable(message) from error
        except (httpcore.NetworkError, httpcore.ProtocolError) as error:
            raise WrongAnswer(_not_http(host, error)) from error

    async def _blocks(
        self, answer: httpcore.Response, left: Callable[[], Awaitable[bool]]
    ) -> AsyncGenerator[bytes, None]:
        """Yield the file as it comes."""
        async for block in answer.aiter_stream():
            self._count(len(block))
            if await left():
                raise ClientDisconnect
            yield block


def _check(answer: httpcore.Response, host: str, max_bytes: int) -> None:
    if answer.status != 200:
        redirects = ": redirects aren't followed" if 300 <= answer.status < 400 else ""
        raise WrongAnswer(f"{host!r} must answer with status 200, got {answer.status}{redirects}.")
    headers = {name.lower(): value for name, value in answer.headers}
    encoding = headers.get(b"content-encoding", b"identity").decode(errors="replace")
    if encoding != "identity":
        raise WrongAnswer(f"{host!r} must send no Content-Encoding, got {encoding[:100]!r}.")
    declared = int(headers.get(b"content-length", b"0"))
    if declared > max_bytes:
        raise UploadTooLarge(too_large(max_bytes, f"{declared} bytes"))


def _not_http(host: str, error: Exception) -> str:
    return f"The answer of {host!r} isn't whole HTTP: {_reason(error)}."


def filename_of(url: str) -> str:
    """Return what the file of a URL is called.

    >>> filename_of("https://example.org/clips/my%20dog.mp4?size=2")
    'my dog.mp4'
    """
    return safe_name(unquote(urlsplit(url).path), "upload")


def _reason(error: Exception) -> str:
    cause = error.__cause__ or error  # what httpcore raises wraps what the system did
    text = getattr(cause, "verify_message", None) or getattr(cause, "strerror", None) or str(cause)
    return str(text)[:200] or "it was cut off"
