"""Uploads: what may be posted, sent from disk block by block, with its progress."""

import io
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import httpx

Progress = Callable[[int, int], object]
Source = str | Path | BinaryIO


@dataclass(frozen=True)
class Form:
    """A video and options, to be sent as a form.

    Attributes:
        file: that can seek, since it may have to be sent again.
        filename: as the service shall call it.
        options: by name; those that are None are left out.
        progress: called with the bytes sent and those in all.
    """

    file: BinaryIO
    filename: str
    options: Mapping[str, Any]
    progress: Progress | None = None

    def texts(self) -> dict[str, str]:
        """Return the options as the parts of the form.

        >>> Form(io.BytesIO(), "a.mp4", {"every": 2, "end_s": None, "actions": True}).texts()
        {'every': '2', 'actions': 'true'}
        """
        given = {name: value for name, value in self.options.items() if value is not None}
        return {n: str(v).lower() if isinstance(v, bool) else str(v) for n, v in given.items()}


class Told(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body that tells how much of it was sent.

    Args:
        body: of a form, which httpx reads without awaiting in both clients.
        size: of the body, bytes.
        progress: is told.
    """

    def __init__(self, body: Any, size: int, progress: Progress) -> None:
        self._body = body
        self._size = size
        self._progress = progress

    def __iter__(self) -> Iterator[bytes]:
        sent = 0
        for block in self._body:
            yield block
            sent += len(block)
            self._progress(sent, self._size)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for block in self:
            yield block


def url_of(source: Source) -> str | None:
    """Return the URL that a source is, if it is one.

    >>> url_of("https://example.org/dog.mp4"), url_of("dog.mp4")
    ('https://example.org/dog.mp4', None)
    """
    is_url = isinstance(source, str) and source.lower().startswith(("http://", "https://"))
    return str(source) if is_url else None


@contextmanager
def opened(source: Source) -> Iterator[tuple[BinaryIO, str]]:
    """Open what is to be posted; yield the file and its name without folders.

    Raises:
        OSError: the file can't be read.
        ValueError: it is an open file that can't seek, or isn't binary.
    """
    if isinstance(source, str | Path):
        with Path(source).open("rb") as file:
            yield file, Path(source).name
        return
    if isinstance(source, io.TextIOBase) or not source.seekable():
        raise ValueError(f"Got {source!r}, wanted a binary file that can seek.")
    yield source, Path(str(getattr(source, "name", "video"))).name
