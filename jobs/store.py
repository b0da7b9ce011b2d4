"""The files of jobs, each written whole or not at all, whatever keeps them."""

import re
import secrets
from abc import ABC, abstractmethod
from collections.abc import Container
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

_ID = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True)
class JobFile:
    """The name of a file, whether there is one or not."""

    job_id: str
    name: str

    def __post_init__(self) -> None:
        checked(self.job_id)

    def __str__(self) -> str:
        return f"{self.job_id}/{self.name}"


class JobStore(ABC):
    """Keeps the files of jobs: `FolderStore` in a folder, `BucketStore` in an object store.

        upload             the video as it was received
        scan.json          what it is, and when its frames are shown (`pipeline.media.scan_file`)
        parts/NNNNNN       objects of a segment, not linked yet
        parts/NNNNNN.lines how its result begins, while it is computed
        trackers/NNNNNN    the tracker after a segment
        frames/NNNNNN      the result of a segment, a line a frame
        header.json        the rest of the result; there only when it is complete
        rendered.FORMAT    the result in a format that takes long to make

    A file is there as a whole or not at all. There is a job from `adopt` to `delete`, and no write
    brings it back: a worker that still writes into a deleted job gets a FileNotFoundError. Every
    method may raise StoreAway where the store doesn't answer, or OSError of a local disk.
    """

    def __init__(self, data_dir: Path) -> None:
        self.uploads = data_dir / "uploads"
        self.uploads.mkdir(parents=True, exist_ok=True)

    @staticmethod
    def new_id() -> str:
        """Draw an id that can't be guessed: 32 hexadecimal digits."""
        return secrets.token_hex(16)

    def incoming(self, job_id: str) -> Path:
        """Return the path to receive an upload at; `discard` it if it comes to nothing."""
        return self.uploads / checked(job_id)

    def discard(self, job_id: str) -> None:
        """Remove an upload that was not adopted, if there is one."""
        self.incoming(job_id).unlink(missing_ok=True)

    @staticmethod
    def upload(job_id: str) -> JobFile:
        return JobFile(job_id, "upload")

    @staticmethod
    def scan(job_id: str) -> JobFile:
        return JobFile(job_id, "scan.json")

    @staticmethod
    def part(job_id: str, segment: int) -> JobFile:
        return JobFile(job_id, f"parts/{segment:06d}")

    @staticmethod
    def early(job_id: str, segment: int) -> JobFile:
        return JobFile(job_id, f"parts/{segment:06d}.lines")

    @staticmethod
    def tracker(job_id: str, segment: int) -> JobFile:
        return JobFile(job_id, f"trackers/{segment:06d}")

    @staticmethod
    def frames(job_id: str, segment: int) -> JobFile:
        return JobFile(job_id, f"frames/{segment:06d}")

    @staticmethod
    def summary(job_id: str) -> JobFile:
        return JobFile(job_id, "header.json")

    @staticmethod
    def rendering(job_id: str, name: str) -> JobFile:
        return JobFile(job_id, f"rendered.{name}")

    def read(self, file: JobFile) -> str:
        """Return the text of a small file; raises FileNotFoundError."""
        with self.open(file) as text:
            return text.read()

    def find(self, file: JobFile) -> Path | None:
        """Return a path to open a file at within a minute; None where there is none."""
        try:
            with self.local(file) as path:
                return path
        except FileNotFoundError:
            return None

    @abstractmethod
    def check(self) -> None:
        """Raise StoreAway if files can't be had now; quickly, since probes ask."""

    @abstractmethod
    def adopt(self, job_id: str) -> None:
        """Make a job of what lies at `incoming`; raises FileNotFoundError or FileExistsError."""

    @abstractmethod
    def exists(self, file: JobFile) -> bool:
        """Say whether there is such a file."""

    @abstractmethod
    def open(self, file: JobFile) -> TextIO:
        """Open a file to read its text as a stream; raises FileNotFoundError."""

    @abstractmethod
    def local(self, file: JobFile) -> AbstractContextManager[Path]:
        """Give a path to read at, in the context and a minute longer; raises FileNotFoundError."""

    @abstractmethod
    def writing(self, file: JobFile, patience_s: float = 0.0) -> AbstractContextManager[Path]:
        """Give a path to write to, stored at the end; raises FileNotFoundError without a job.

        If the store doesn't answer then, it is waited for up to `patience_s`.
        """

    @abstractmethod
    def abandon(self, file: JobFile) -> None:
        """Remove what a killed process of this machine left of writing a file."""

    @abstractmethod
    def remove(self, file: JobFile) -> None:
        """Remove a file, if there is one."""

    @abstractmethod
    def remove_scaffolding(self, job_id: str) -> None:
        """Remove what only the making of the result needed, and what a killed worker left."""

    @abstractmethod
    def delete(self, job_id: str) -> None:
        """Remove all files of a job, if there are any."""

    @abstractmethod
    def size(self, job_id: str | None = None) -> int:
        """Return how many bytes the files of a job, or of all jobs, take."""

    @abstractmethod
    def sweep(self, known: Container[str], older_than_s: float) -> None:
        """Remove files of no known job, and unfinished ones, that have not changed for so long."""

    @abstractmethod
    def tidy(self) -> None:
        """Remove what this machine keeps needlessly; call it now and then."""


def checked(job_id: str) -> str:
    """Return the id if it can be part of a path, else raise ValueError."""
    if not _ID.fullmatch(job_id):
        raise ValueError(f"A job id must be 32 hexadecimal digits, got {job_id!r}.")
    return job_id
