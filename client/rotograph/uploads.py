"""Uploads: what may be posted, and the form that it is sent as."""

import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

Progress = Callable[[int, int], object]
Source = str | Path | BinaryIO


@dataclass(frozen=True)
class Form:
    """A video and options, to be sent as a form.

    Attributes:
        file: that can seek, since it may have to be sent again.
        options: by name; those that are None are left out.
        progress: called with the bytes sent and those in all.
    """

    file: BinaryIO
    filename: str
    options: Mapping[str, Any]
    progress: Progress | None = None

    def fields(self) -> dict[str, str]:
        """Return the options as the parts of the form.

        >>> Form(io.BytesIO(), "a.mp4", {"every": 2, "end_s": None, "actions": True}).fields()
        {'every': '2', 'actions': 'true'}
        """
        given = {name: value for name, value in self.options.items() if value is not None}
        return {n: v if isinstance(v, str) else json.dumps(v) for n, v in given.items()}


def url_of(source: Source) -> str | None:
    """Return the URL that a source is, if it is one.

    >>> url_of("https://example.org/dog.mp4"), url_of("dog.mp4")
    ('https://example.org/dog.mp4', None)
    """
    is_url = isinstance(source, str) and source.lower().startswith(("http://", "https://"))
    return str(source) if is_url else None


def path_of(source: Source) -> Path | None:
    if not isinstance(source, str | Path) or url_of(source):
        return None
    return Path(source)


def open_source(source: Source) -> tuple[BinaryIO, str]:
    """Return a source as an open file, and its name without folders.

    Raises:
        OSError: the file can't be read.
        ValueError: it is an open file that can't seek, or isn't binary.
    """
    if isinstance(source, str | Path):
        return Path(source).open("rb"), Path(source).name
    if isinstance(source, io.TextIOBase) or not source.seekable():
        raise ValueError(f"A video must be a binary file that can seek, got {source!r}.")
    return source, Path(str(getattr(source, "name", "video"))).name
