"""A file as it comes, whoever sends it: to disk, counted, hashed, and looked at in a sandbox."""

import errno
import hashlib
import logging
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import anyio
import anyio.to_thread

from pipeline.media.sandbox import Sandbox
from pipeline.values import ScannedVideo, VideoLimits
from service.errors import StorageFull, UploadTooLarge
from service.settings import Settings

BLOCK_BYTES = 2**20
STEADY_BYTES = 2**14
# A look takes a process and a core; more at once would starve the worker.
AT_ONCE = 2

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class UploadLimits:
    """How large and how slow an upload may be.

    Attributes:
        idle_timeout_s: seconds to wait for the next `STEADY_BYTES`, or the end.
    """

    max_bytes: int
    idle_timeout_s: float


class Stalled(Exception):
    """What comes comes too slowly, or not at all; the message says how much did, and in what time.

    Whoever reads says in its own error whose fault that is.
    """


class FileSink:
    """Writes a file that comes in blocks.

    Attributes:
        size: so far, bytes.
    """

    def __init__(self, file: BinaryIO, max_bytes: int) -> None:
        self.size = 0
        self._file = file
        self._max_bytes = max_bytes
        self._hash = hashlib.sha256()

    @property
    def sha256(self) -> str:
        """Hash of what was written, hexadecimal: known at the end without another look at it."""
        return self._hash.hexdigest()

    def write(self, block: bytes | memoryview) -> None:
        """Take the next bytes.

        Raises:
            UploadTooLarge: the file is past the limit.
        """
        self.size += len(block)
        if self.size > self._max_bytes:
            raise UploadTooLarge(too_large(self._max_bytes))
        self._hash.update(block)
        self._file.write(block)


@contextmanager
def storing(to: Path, max_bytes: int) -> Iterator[FileSink]:
    """Open a file to be received.

    Raises:
        StorageFull: its volume is full.
    """
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
    """Pass what comes on in large blocks, each in a thread, since writing to disk blocks.

    Raises:
        Stalled: it comes too slowly.
    """
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
    """Say that a file is past its limit."""
    mib = max_bytes / 2**20
    return f"The file must have at most {max_bytes} bytes ({mib:g} MiB), got {received}."


@dataclass(frozen=True)
class Scanner:
    """Looks at uploads.

    Attributes:
        lacks: protections that this system can't give the sandbox.
        timeout_s: for one look, without the wait for its turn.
    """

    sandbox: Sandbox
    lacks: Sequence[str]
    limits: VideoLimits
    timeout_s: float
    _turns: anyio.CapacityLimiter = field(default_factory=lambda: anyio.CapacityLimiter(AT_ONCE))

    async def scan(self, path: Path) -> ScannedVideo:
        """List a video's frames.

        Raises:
            VideoError: the file is not a video, holds none, is broken or too large.
        """
        return await anyio.to_thread.run_sync(
            self.sandbox.scan, path, self.limits, self.timeout_s, limiter=self._turns
        )


@asynccontextmanager
async def open_scanner(settings: Settings) -> AsyncIterator[Scanner]:
    """Start a sandbox, which also makes the first upload quick, and end it afterwards."""
    sandbox = Sandbox()
    try:
        lacks = await anyio.to_thread.run_sync(sandbox.lacks)
        for lack in lacks:
            _log.warning("uploads are scanned without a protection", extra={"lack": lack})
        yield Scanner(sandbox, lacks, settings.limits, settings.scan_timeout_s)
    finally:
        sandbox.close()
