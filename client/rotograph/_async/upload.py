"""The body of an upload, read from disk block by block as it is sent."""

from collections.abc import AsyncIterator
from typing import Any

import httpx

from rotograph.blocking import async_run
from rotograph.uploads import Progress


class AsyncUpload(httpx.AsyncByteStream):
    """A body of `size` bytes; `progress` is called with the bytes sent and those in all."""

    def __init__(self, body: Any, size: int, progress: Progress | None) -> None:
        self._body = body
        self._size = size
        self._progress = progress

    async def __aiter__(self) -> AsyncIterator[bytes]:
        sent = 0
        blocks = iter(self._body)
        while block := await async_run(next, blocks, b""):
            yield block
            sent += len(block)
            if self._progress is not None:
                self._progress(sent, self._size)
