"""Files made of a finished result when they are first asked for, and kept with the job."""

import errno
import json
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

from formats.catalogue import FILE_FORMATS
from formats.footage import Footage
from formats.result import Result
from jobs.errors import JobNotFound
from jobs.store import JobStore
from pipeline.decode import load_scan
from pipeline.sandbox import Sandbox


class Renderings:
    """The results of jobs as files, such as videos, in the formats of `FILE_FORMATS`.

    Every method blocks. What is made of a job is gone when the job is deleted.

    Args:
        store: the files of jobs.
        decode_timeout_s: how long decoding may bring no frame.
    """

    def __init__(self, store: JobStore, decode_timeout_s: float = 120.0) -> None:
        self._store = store
        self._decode_timeout_s = decode_timeout_s

    def find(self, job_id: str, name: str) -> Path | None:
        """Return the file that was made in a format; None where there is none."""
        path = self._store.rendering(job_id, name)
        return path if path.exists() else None

    def render(self, job_id: str, name: str, filename: str) -> None:
        """Make the file in a format, in place of one that may be there.

        It takes long and a core: run it in a process of its own. One that is killed leaves a file
        behind; `discard` it.

        Args:
            job_id: of a job that succeeded.
            name: of the format.
            filename: as the client named the video.

        Raises:
            JobNotFound: the job was deleted, maybe meanwhile.
            VideoError: the video can't be decoded.
            OSError: the file can't be written, with the errno ENOSPC where the disk is full.
        """
        store = self._store
        try:
            header = json.loads(store.header(job_id).read_text("utf-8"))
            result = Result.of(header, filename, partial(self._lines, job_id))
            video = load_scan(store.scan(job_id))
            with (
                closing(Sandbox(stall_s=self._decode_timeout_s)) as sandbox,
                store.writing(store.rendering(job_id, name)) as path,
            ):
                footage = Footage(store.upload(job_id), video, sandbox.decode, sandbox.listen)
                FILE_FORMATS[name].write(result, footage, path)
        except FileNotFoundError as error:
            raise JobNotFound(f"Job {job_id!r} was deleted.") from error
        except OSError as error:  # PyAV's own can't be passed to another process
            raise OSError(error.errno or errno.EIO, error.strerror) from error

    def discard(self, job_id: str, name: str) -> None:
        """Remove what was left of renderings in a format that were killed."""
        path = self._store.rendering(job_id, name)
        for unfinished in path.parent.glob(f".*.{path.name}"):
            unfinished.unlink(missing_ok=True)

    def _lines(self, job_id: str) -> Iterator[str]:
        segment = 0
        while (path := self._store.frames(job_id, segment)).exists():
            with path.open(encoding="utf-8") as lines:
                yield from lines
            segment += 1
