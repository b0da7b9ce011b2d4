"""The files of jobs in a folder that all processes share: one folder a job."""

import os
import secrets
import shutil
import time
from collections.abc import Container, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from jobs.errors import StoreAway
from jobs.store import JobFile, JobStore, checked


class FolderStore(JobStore):
    """Keeps the files of jobs under one folder; a job's are made at submission and never again.

    uploads/ID     a file while it is being received
    jobs/ID/...    the files of a job; those that begin with a dot are being written
    trash/         folders being removed
    """

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.root = root
        for name in ("jobs", "trash"):
            (root / name).mkdir(exist_ok=True)

    def path(self, file: JobFile) -> Path:
        return self._folder(file.job_id) / file.name

    def check(self) -> None:
        try:
            (self.root / "jobs").stat()
        except OSError as error:
            raise StoreAway("The folder of the jobs' files doesn't answer.") from error

    def adopt(self, job_id: str) -> None:
        incoming = self.incoming(job_id)
        _flush(incoming)
        folder = self._folder(job_id)
        folder.mkdir()
        for name in ("parts", "trackers", "frames"):
            (folder / name).mkdir()
        incoming.replace(self.path(self.upload(job_id)))
        _flush(folder)
        _flush(folder.parent)

    def exists(self, file: JobFile) -> bool:
        return self.path(file).exists()

    def open(self, file: JobFile) -> TextIO:
        return self.path(file).open(encoding="utf-8")

    @contextmanager
    def local(self, file: JobFile) -> Iterator[Path]:
        path = self.path(file)
        path.stat()
        yield path

    @contextmanager
    def writing(self, file: JobFile, patience_s: float = 0.0) -> Iterator[Path]:  # noqa: ARG002 - a folder is there
        path = self.path(file)
        temporary = path.with_name(f".{secrets.token_hex(4)}.{path.name}")
        try:
            yield temporary
            _flush(temporary)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
        _flush(path.parent)

    def abandon(self, file: JobFile) -> None:
        path = self.path(file)
        for unfinished in path.parent.glob(f".*.{path.name}"):
            unfinished.unlink(missing_ok=True)

    def remove(self, file: JobFile) -> None:
        self.path(file).unlink(missing_ok=True)

    def remove_scaffolding(self, job_id: str) -> None:
        folder = self._folder(job_id)
        for name in ("parts", "trackers"):
            for file in (folder / name).iterdir():
                file.unlink(missing_ok=True)
        for file in (folder / "frames").glob(".*"):
            file.unlink(missing_ok=True)

    def delete(self, job_id: str) -> None:
        trash = self.root / "trash" / f"{job_id}.{secrets.token_hex(4)}"
        try:
            # First out of the way in one move, so that a worker still writing fails at once and
            # can't put a file into a folder that is half removed.
            self._folder(job_id).rename(trash)
        except FileNotFoundError:
            return
        shutil.rmtree(trash, ignore_errors=True)

    def size(self, job_id: str | None = None) -> int:
        folder = self.root / "jobs" if job_id is None else self._folder(job_id)
        return sum(_blocks(file) for file in folder.rglob("*"))

    def sweep(self, known: Container[str], older_than_s: float) -> None:
        before = time.time() - older_than_s
        remove_older(self.uploads, before)
        for folder in (self.root / "jobs").iterdir():
            if folder.name not in known and folder.stat().st_mtime < before:
                self.delete(folder.name)
            for unfinished in folder.glob(".*"):  # of a rendering whose process was killed
                with suppress(FileNotFoundError):
                    if unfinished.stat().st_mtime < before:
                        unfinished.unlink()
        for folder in (self.root / "trash").iterdir():
            shutil.rmtree(folder, ignore_errors=True)

    def tidy(self) -> None:
        pass  # nothing is kept twice

    def _folder(self, job_id: str) -> Path:
        return self.root / "jobs" / checked(job_id)


def remove_older(folder: Path, before: float) -> None:
    """Remove the files of a folder that last changed before a time."""
    for file in folder.iterdir():
        with suppress(FileNotFoundError):
            if file.stat().st_mtime < before:
                file.unlink()


def _blocks(path: Path) -> int:
    try:
        return path.lstat().st_blocks * 512
    except FileNotFoundError:  # deleted meanwhile
        return 0


def _flush(path: Path) -> None:
    """Wait until a file, or a folder's list of names, is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
