"""Copies on the local disk of what lies elsewhere: whole, bounded, gone when nobody uses them."""

import fcntl
import os
import secrets
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

DEFAULT_BYTES = 4 * 2**30
# Who was given a path may open it within this time; a copy is never removed before.
SETTLED_AFTER_S = 60.0
KEPT_FOR_S = 600.0


@dataclass(frozen=True)
class Original:
    """What a copy is made of: its blocks, in order, and when it changed, seconds since 1970."""

    size: int
    changed_at: float
    blocks: Iterable[bytes]


class Cache:
    """Copies in a folder of their own that several processes of one machine may share.

    Readers of a copy and writers of a file hold a lock on it. Locks end with their process: what a
    killed one left isn't taken for in use. Copies, but for those in use, take at most `most_bytes`.
    """

    def __init__(self, folder: Path, most_bytes: int) -> None:
        self._copies = folder / "copies"
        self._unfinished = folder / "unfinished"
        self._most_bytes = most_bytes
        for each in (self._copies, self._unfinished):
            each.mkdir(parents=True, exist_ok=True)
        self.tidy()

    @contextmanager
    def unfinished(self) -> Iterator[Path]:
        """Give an empty file to write to; it is removed at the end unless it was moved."""
        path = self._unfinished / secrets.token_hex(8)
        with path.open("xb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            try:
                yield path
            finally:
                path.unlink(missing_ok=True)

    @contextmanager
    def copy(self, name: str, get: Callable[[], Original]) -> Iterator[Path]:
        """Give a copy to read in the context; `get` opens the original if there is none."""
        path = self._copies / name
        while (held := _hold(path, fcntl.LOCK_SH)) is None:
            self._fetch(path, get())
        with held:
            _mark_used(held)
            yield path
            _mark_used(held)

    def take(self, path: Path, name: str) -> None:
        """Move a whole file, written elsewhere on this disk, to be a copy."""
        self.tidy(path.stat().st_size)
        os.utime(path)
        path.replace(self._copies / name)

    def drop(self, start: str) -> None:
        """Remove the copies whose names start so; those in use go when they no longer are."""
        for path in self._copies.glob(f"{start}*"):
            _remove_unused(path)

    def tidy(self, room_bytes: int = 0) -> None:
        """Remove stale files, and copies until `room_bytes` are free below the bound."""
        now = time.time()
        for path in self._unfinished.iterdir():
            if now - _times(path)[1] > SETTLED_AFTER_S:
                _remove_unused(path)
        copies = sorted((_times(path)[0], path) for path in self._copies.iterdir())
        excess = sum(_size(path) for _, path in copies) + room_bytes - self._most_bytes
        for used_at, path in copies:
            idle_s = now - used_at
            if idle_s > KEPT_FOR_S or (excess > 0 and idle_s > SETTLED_AFTER_S):
                size = _size(path)
                if _remove_unused(path):
                    excess -= size

    def _fetch(self, path: Path, original: Original) -> None:
        self.tidy(original.size)
        with self.unfinished() as temporary:
            with temporary.open("wb") as file:
                for block in original.blocks:
                    file.write(block)
                file.flush()
                os.fsync(file.fileno())
            os.utime(temporary, (time.time(), original.changed_at))
            temporary.replace(path)


def _hold(path: Path, how: int) -> BinaryIO | None:
    """Open a file and lock it; None where there is none, or no longer once it is locked."""
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(file, how)
        if os.fstat(file.fileno()).st_nlink:
            return file
    except BaseException:
        file.close()
        raise
    file.close()
    return None


def _remove_unused(path: Path) -> bool:
    try:
        held = _hold(path, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    if held is not None:
        with held:
            path.unlink(missing_ok=True)
    return True


def _mark_used(file: BinaryIO) -> None:
    # The time of the last access is set by hand: many volumes don't keep it.
    os.utime(file.fileno(), (time.time(), os.fstat(file.fileno()).st_mtime))


def _times(path: Path) -> tuple[float, float]:
    """Return when a file was last used and changed; long ago where it is gone."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return 0.0, 0.0
    return found.st_atime, found.st_mtime


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
