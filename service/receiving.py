"""A file as it comes, uploaded or fetched: to disk, counted, hashed, looked at in a sandbox."""

import errno
import hashlib
import logging
import ssl
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Iterator,
    Sequence,
)
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote, urlsplit

import anyio
import anyio.to_thread
import httpcore
from starlette.requests import ClientDisconnect

from formats.filenames import safe_name
from jobs.addresses import AddressGuard
from jobs.outbound import Outbound
from pipeline.media.sandbox import Sandbox
from pipeline.values import ScannedVideo, VideoLimits
from service import NAME, VERSION
from service.errors import (
    DownloadTooSlow,
    StorageFull,
    Unreachable,
    UploadTooLarge,
    WrongAnswer,
)
from service.settings import Settings

BLOCK_BYTES = 2**20
STEADY_BYTES = 2**14
# A look takes a process and a core; more at once would starve the worker.
AT_ONCE = 2
# For a server to be found and connected to, and then for the head of its answer.
ANSWER_S = 15.0
HEADERS = {"User-Agent": f"{NAME}/{VERSION}", "Accept": "*/*", "Accept-Encoding": "identity"}


_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class UploadLimits:
    """How large an upload may be, and how many seconds the next `STEADY_BYTES` may take."""

    max_bytes: int
    idle_timeout_s: float


class Stalled(Exception):
    """What comes is too slow; the message says how much came, and in what time."""


class FileSink:
    """Writes a file that comes in blocks, and counts its bytes."""

    def __init__(self, file: BinaryIO, max_bytes: int) -> None:
        self.size = 0
        self._file = file
        self._max_bytes = max_bytes
        self._hash = hashlib.sha256()

    @property
    def sha256(self) -> str:
        """The hexadecimal hash of what was written, known without another look at it."""
        return self._hash.hexdigest()

    def write(self, block: bytes | memoryview) -> None:
        """Take the next bytes; raises UploadTooLarge."""
        self.size += len(block)
        if self.size > self._max_bytes:
            raise UploadTooLarge(too_large(self._max_bytes))
        self._hash.update(block)
        self._file.write(block)


@contextmanager
def storing(to: Path, max_bytes: int) -> Iterator[FileSink]:
    """Open a file to be received; raises StorageFull."""
    try:
        with to.open("wb") as file:
            yield FileSink(file, max_bytes)
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise StorageFull("The data volume is full; try a smaller file or later.") from error
        raise


async def pass_on(
    chunks: AsyncIterator[bytes], write: Callable[[bytes], None], idle_timeout_s: float
) -> None:
    """Pass chunks on in large blocks, in threads, since writing to disk blocks; raises Stalled."""
    block = bytearray()
    deadline, came = anyio.current_time() + idle_timeout_s, 0
    while True:
        try:
            with anyio.fail_at(deadline):
                chunk = await anext(chunks, None)
        except TimeoutError as error:
            raise Stalled(
                f"Only {came} bytes of the body came in {idle_timeout_s:g} s, expected at least "
                f"{STEADY_BYTES}."
            ) from error
        if chunk is not None:
            block += chunk
        if len(block) >= BLOCK_BYTES or (chunk is None and block):
            await anyio.to_thread.run_sync(write, bytes(block))
            block.clear()
        if chunk is None:
            return
        came += len(chunk)
        if came >= STEADY_BYTES:  # a byte now and then would hold the connection for ever
            deadline, came = anyio.current_time() + idle_timeout_s, 0


def too_large(max_bytes: int, received: str = "more") -> str:
    mib = max_bytes / 2**20
    return f"The file must have at most {max_bytes} bytes ({mib:g} MiB), got {received}."


@dataclass(frozen=True)
class Scanner:
    """Looks at uploads, `timeout_s` each once it is its turn; `lacks` names missing protections."""

    sandbox: Sandbox
    lacks: Sequence[str]
    limits: VideoLimits
    timeout_s: float
    _turns: anyio.CapacityLimiter = field(default_factory=lambda: anyio.CapacityLimiter(AT_ONCE))

    async def scan(self, path: Path) -> ScannedVideo:
        """List a video's frames; raises VideoError."""
        return await anyio.to_thread.run_sync(
            self.sandbox.scan, path, self.limits, self.timeout_s, limiter=self._turns
        )


@asynccontextmanager
async def open_scanner(settings: Settings, sandbox: Sandbox) -> AsyncIterator[Scanner]:
    """Try a sandbox, which also makes the first upload quick, and close it afterwards."""
    try:
        lacks = await anyio.to_thread.run_sync(sandbox.lacks)
        for lack in lacks:
            _log.warning("uploads are scanned without a protection", extra={"lack": lack})
        yield Scanner(sandbox, lacks, settings.limits, settings.scan_timeout_s)
    finally:
        sandbox.close()


class Downloader:
    """Fetches videos in `timeout_s`, without redirects and proxies, telling `count` what comes."""

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
        """Fetch a video to a file, and return its hexadecimal SHA-256.

        What the file holds after an error is for the caller to remove. Raises BadUrl, Unreachable,
        WrongAnswer, DownloadTooSlow, UploadTooLarge, StorageFull, or ClientDisconnect: nobody
        waits.
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
