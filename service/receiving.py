"""A file as it comes, whoever sends it: to disk, counted, hashed, within its limits."""

import errno
import hashlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import anyio
import anyio.to_thread

from service.errors import StorageFull, UploadTooLarge

BLOCK_BYTES = 2**20
STEADY_BYTES = 2**14


@dataclass(frozen=True)
class UploadLimits:
    """How large and how slow an upload may be.

    Attributes:
        max_bytes: of the file.
        idle_timeout_s: seconds to wait for the next `STEADY_BYTES`, or the end.
    """

    max_bytes: int
    idle_timeout_s: float


class Stalled(Exception):  # noqa: N818 - the name says the state, as httpx's errors do
    """What comes comes too slowly, or not at all; the message says how much did, and in what time.

    Whoever reads says in its own error whose fault that is.
    """


class FileSink:
    """Writes a file that comes in blocks.

    Args:
        file: to write to.
        max_bytes: that it may have.

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
            raise UploadTooLarge(too_large("a larger file", self._max_bytes))
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
                f"{came} bytes of the body in {idle_timeout_s:g} s, wanted it to go on with at "
                f"least {STEADY_BYTES}."
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


def too_large(received: str, max_bytes: int) -> str:
    """Say what was received that is past the limit of a file."""
    return (
        f"Got {received}, wanted a file of at most {max_bytes} bytes ({max_bytes / 2**20:g} MiB)."
    )
