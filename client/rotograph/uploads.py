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
    """A video, in a file that can seek to be sent again, and its options without those of None."""

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
    """Return a source that is a URL, else None.

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
    """Open a source and name it; raises OSError, or ValueError if it isn't binary or can't seek."""
    if isinstance(source, str | Path):
        return Path(source).open("rb"), Path(source).name
    if isinstance(source, io.TextIOBase) or not source.seekable():
        raise ValueError(f"A video must be a binary file that can seek, got {source!r}.")
    return source, Path(str(getattr(source, "name", "video"))).name
