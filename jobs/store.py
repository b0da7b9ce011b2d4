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
    brings it back: a worker that still writes into a deleted job gets a FileNotFoundError.

    Every method may raise StoreAway where the store doesn't answer, or OSError of a local disk.
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
        """Remove an upload that was not adopted; nothing happens if there is none."""
        self.incoming(job_id).unlink(missing_ok=True)

    @staticmethod
    def upload(job_id: str) -> JobFile:
        """Name the video as it was received."""
        return JobFile(job_id, "upload")

    @staticmethod
    def scan(job_id: str) -> JobFile:
        """Name the file of the video's scan."""
        return JobFile(job_id, "scan.json")

    @staticmethod
    def part(job_id: str, segment: int) -> JobFile:
        """Name a segment's objects before they are linked."""
        return JobFile(job_id, f"parts/{segment:06d}")

    @staticmethod
    def early(job_id: str, segment: int) -> JobFile:
        """Name how a segment's result begins while it is computed."""
        return JobFile(job_id, f"parts/{segment:06d}.lines")

    @staticmethod
    def tracker(job_id: str, segment: int) -> JobFile:
        """Name the tracker's state after a segment."""
        return JobFile(job_id, f"trackers/{segment:06d}")

    @staticmethod
    def frames(job_id: str, segment: int) -> JobFile:
        """Name a segment's result, one JSON line a frame."""
        return JobFile(job_id, f"frames/{segment:06d}")

    @staticmethod
    def summary(job_id: str) -> JobFile:
        """Name the result without its frames."""
        return JobFile(job_id, "header.json")

    @staticmethod
    def rendering(job_id: str, name: str) -> JobFile:
        """Name the result in a format."""
        return JobFile(job_id, f"rendered.{name}")

    def read(self, file: JobFile) -> str:
        """Return the text of a small file. Raises FileNotFoundError: there is none."""
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
        """Say by StoreAway that files can't be had now; quickly, since probes ask."""

    @abstractmethod
    def adopt(self, job_id: str) -> None:
        """Make a job of the upload that lies at `incoming`, which is gone then.

        Raises:
            FileNotFoundError: nothing was received under this id.
            FileExistsError: there is such a job already.
        """

    @abstractmethod
    def exists(self, file: JobFile) -> bool:
        """Say whether there is such a file."""

    @abstractmethod
    def open(self, file: JobFile) -> TextIO:
        """Open a file to read its text, which is never whole in memory; close it.

        Raises:
            FileNotFoundError: there is none.
        """

    @abstractmethod
    def local(self, file: JobFile) -> AbstractContextManager[Path]:
        """Give a path to read a file at while the context lasts, and a minute longer.

        Raises:
            FileNotFoundError: there is none.
        """

    @abstractmethod
    def writing(self, file: JobFile, patience_s: float = 0.0) -> AbstractContextManager[Path]:
        """Give a path to write to, and keep what it holds at the end as the file.

        Args:
            patience_s: how long to wait with what was written for a store that doesn't answer.

        Raises:
            FileNotFoundError: there is no such job, or no longer.
        """

    @abstractmethod
    def abandon(self, file: JobFile) -> None:
        """Remove what a killed process of this machine left of writing a file."""

    @abstractmethod
    def remove(self, file: JobFile) -> None:
        """Remove a file; nothing happens if there is none."""

    @abstractmethod
    def remove_scaffolding(self, job_id: str) -> None:
        """Remove what only the making of the result needed, and what a killed worker left."""

    @abstractmethod
    def delete(self, job_id: str) -> None:
        """Remove all files of a job; nothing happens if there are none."""

    @abstractmethod
    def size(self, job_id: str | None = None) -> int:
        """Return how many bytes a job's files take, or those of all jobs."""

    @abstractmethod
    def sweep(self, known: Container[str], older_than_s: float) -> None:
        """Remove what killed processes left: what belongs to no job, and unfinished files.

        Args:
            older_than_s: spare what changed within this many seconds.
        """

    @abstractmethod
    def tidy(self) -> None:
        """Remove what this machine keeps needlessly; call it now and then."""


def checked(job_id: str) -> str:
    """Return the id if it can be part of a path. Raises ValueError: it can't."""
    if not _ID.fullmatch(job_id):
        raise ValueError(f"A job id must be 32 hexadecimal digits, got {job_id!r}.")
    return job_id
