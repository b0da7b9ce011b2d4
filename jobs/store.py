"""The files of jobs: one folder a job, each file written whole or not at all."""

import os
import re
import secrets
import shutil
import time
from collections.abc import Container, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_ID = re.compile(r"[0-9a-f]{32}")


class JobStore:
    """Where the files of jobs live, under one folder.

    uploads/ID                 a file while it is being received
    jobs/ID/upload             the video as it was received
    jobs/ID/scan.json          what it is and when its frames are shown
    jobs/ID/parts/NNNNNN       objects of a segment, not linked yet
    jobs/ID/trackers/NNNNNN    the tracker after a segment
    jobs/ID/frames/NNNNNN      the result of a segment, a line a frame
    jobs/ID/header.json        the rest of the result; there only when it is complete
    jobs/ID/rendered.FORMAT    the result in a format that takes long to make
    trash/                     folders being removed

    The folders of a job are made once, when it is submitted, and no write makes them again: a
    worker that still writes into a deleted job gets a FileNotFoundError.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        for name in ("uploads", "jobs", "trash"):
            (root / name).mkdir(parents=True, exist_ok=True)

    @staticmethod
    def new_id() -> str:
        """Draw an id that can't be guessed: 32 hexadecimal digits."""
        return secrets.token_hex(16)

    def incoming(self, job_id: str) -> Path:
        """Return the path to receive an upload at; `discard` it if it comes to nothing."""
        return self.root / "uploads" / _checked(job_id)

    def discard(self, job_id: str) -> None:
        """Remove an upload that was not adopted; nothing happens if there is none."""
        self.incoming(job_id).unlink(missing_ok=True)

    def adopt(self, job_id: str) -> None:
        """Make the job's folder and move its upload there.

        Raises:
            FileNotFoundError: nothing was received under this id.
            FileExistsError: the job has a folder already.
        """
        incoming = self.incoming(job_id)
        _flush(incoming)
        folder = self._folder(job_id)
        folder.mkdir()
        for name in ("parts", "trackers", "frames"):
            (folder / name).mkdir()
        incoming.replace(self.upload(job_id))
        _flush(folder)
        _flush(folder.parent)

    def upload(self, job_id: str) -> Path:
        """Return the path of the video as it was received."""
        return self._folder(job_id) / "upload"

    def scan(self, job_id: str) -> Path:
        """Return the path of the video's scan."""
        return self._folder(job_id) / "scan.json"

    def part(self, job_id: str, segment: int) -> Path:
        """Return the path of a segment's objects before they are linked."""
        return self._folder(job_id) / "parts" / f"{segment:06d}"

    def tracker(self, job_id: str, segment: int) -> Path:
        """Return the path of the tracker's state after a segment."""
        return self._folder(job_id) / "trackers" / f"{segment:06d}"

    def frames(self, job_id: str, segment: int) -> Path:
        """Return the path of a segment's result, one JSON line a frame."""
        return self._folder(job_id) / "frames" / f"{segment:06d}"

    def header(self, job_id: str) -> Path:
        """Return the path of the result without its frames."""
        return self._folder(job_id) / "header.json"

    def rendering(self, job_id: str, name: str) -> Path:
        """Return the path of the result in a format."""
        return self._folder(job_id) / f"rendered.{name}"

    @contextmanager
    def writing(self, path: Path) -> Iterator[Path]:
        """Give a path to write to, and put the file at `path` once it is whole and on the disk.

        Raises:
            FileNotFoundError: the job was deleted.
        """
        temporary = path.with_name(f".{secrets.token_hex(4)}.{path.name}")
        try:
            yield temporary
            _flush(temporary)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
        _flush(path.parent)

    def remove_scaffolding(self, job_id: str) -> None:
        """Remove what only the making of the result needed, and what a killed worker left."""
        folder = self._folder(job_id)
        for name in ("parts", "trackers"):
            for file in (folder / name).iterdir():
                file.unlink(missing_ok=True)
        for file in (folder / "frames").glob(".*"):
            file.unlink(missing_ok=True)

    def delete(self, job_id: str) -> None:
        """Remove all files of a job; nothing happens if there are none."""
        trash = self.root / "trash" / f"{job_id}.{secrets.token_hex(4)}"
        try:
            # First out of the way in one move, so that a worker still writing fails at once and
            # can't put a file into a folder that is half removed.
            self._folder(job_id).rename(trash)
        except FileNotFoundError:
            return
        shutil.rmtree(trash, ignore_errors=True)

    def size(self, job_id: str | None = None) -> int:
        """Return how many bytes of disk a job's files take, or those of all jobs."""
        folder = self.root / "jobs" if job_id is None else self._folder(job_id)
        return sum(_blocks(file) for file in folder.rglob("*"))

    def sweep(self, known: Container[str], older_than_s: float) -> None:
        """Remove what killed processes left: what belongs to no job, and unfinished renderings.

        Args:
            known: ids of the jobs there are.
            older_than_s: spare what changed within this many seconds.
        """
        before = time.time() - older_than_s
        for upload in (self.root / "uploads").iterdir():
            if upload.stat().st_mtime < before:
                upload.unlink(missing_ok=True)
        for folder in (self.root / "jobs").iterdir():
            if folder.name not in known and folder.stat().st_mtime < before:
                self.delete(folder.name)
            for unfinished in folder.glob(".*"):  # of a rendering whose process was killed
                with suppress(FileNotFoundError):
                    if unfinished.stat().st_mtime < before:
                        unfinished.unlink()
        for folder in (self.root / "trash").iterdir():
            shutil.rmtree(folder, ignore_errors=True)

    def _folder(self, job_id: str) -> Path:
        return self.root / "jobs" / _checked(job_id)


def _blocks(path: Path) -> int:
    try:
        return path.lstat().st_blocks * 512
    except FileNotFoundError:  # deleted meanwhile
        return 0


def _checked(job_id: str) -> str:
    """Return the id if it can be part of a path."""
    if not _ID.fullmatch(job_id):
        raise ValueError(f"Got the job id {job_id!r}, wanted 32 hexadecimal digits.")
    return job_id


def _flush(path: Path) -> None:
    """Wait until a file, or a folder's list of names, is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
