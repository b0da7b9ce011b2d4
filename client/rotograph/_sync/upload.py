"""The body of an upload, read from disk block by block as it is sent."""

from collections.abc import Iterator
from typing import Any

import httpx

from rotograph.blocking import run
from rotograph.uploads import Progress


class Upload(httpx.SyncByteStream):
    """A body of `size` bytes; `progress` is called with the bytes sent and those in all."""

    def __init__(self, body: Any, size: int, progress: Progress | None) -> None:
        self._body = body
        self._size = size
        self._progress = progress

    def __iter__(self) -> Iterator[bytes]:
        sent = 0
        blocks = iter(self._body)
        while block := run(next, blocks, b""):
            yield block
            sent += len(block)
            if self._progress is not None:
                self._progress(sent, self._size)
