"""Files made of a finished result when they are first asked for, and kept with the job."""

import ctypes
import errno
import json
import os
import resource
import signal
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

from formats.catalogue import FILE_FORMATS
from formats.footage import Footage
from formats.result import Result
from jobs.errors import JobNotFound
from jobs.store import JobStore
from pipeline.media.sandbox import Sandbox
from pipeline.media.scan_file import load_scan

MEMORY_BYTES = 4 * 2**30
_PR_SET_PDEATHSIG = 1
_NICENESS = 10  # jobs and requests go first


class Renderings:
    """The results of jobs in `FILE_FORMATS`, gone with their job; every method blocks."""

    def __init__(self, store: JobStore, decode_timeout_s: float = 120.0) -> None:
        self._store = store
        self._decode_timeout_s = decode_timeout_s

    def find(self, job_id: str, name: str) -> Path | None:
        """Return the finished file, to be opened soon; None if there is none."""
        return self._store.find(self._store.rendering(job_id, name))

    def render(self, job_id: str, name: str, filename: str) -> None:
        """Make the file in a format, in place of one that may be there.

        It takes long and a core: run it in a process of its own; one that is killed leaves a file
        to `discard`. Raises JobNotFound, VideoError, StoreAway, or OSError, with ENOSPC where the
        disk is full.
        """
        store = self._store
        try:
            summary = json.loads(store.read(store.summary(job_id)))
            result = Result.of(summary, filename, partial(self._lines, job_id))
            with (
                store.local(store.scan(job_id)) as scan,
                closing(Sandbox(stall_s=self._decode_timeout_s)) as sandbox,
                store.local(store.upload(job_id)) as upload,
                store.writing(store.rendering(job_id, name)) as path,
            ):
                footage = Footage(upload, load_scan(scan), sandbox.decode, sandbox.listen)
                FILE_FORMATS[name].write(result, footage, path)
        except FileNotFoundError as error:
            raise JobNotFound(f"Job {job_id!r} was deleted.") from error
        except OSError as error:  # PyAV's own can't be passed to another process
            raise OSError(error.errno or errno.EIO, error.strerror) from error

    def discard(self, job_id: str, name: str) -> None:
        """Remove what killed renderings in a format left."""
        self._store.abandon(self._store.rendering(job_id, name))

    def _lines(self, job_id: str) -> Iterator[str]:
        segment = 0
        while self._store.exists(file := self._store.frames(job_id, segment)):
            with self._store.open(file) as lines:
                yield from lines
            segment += 1


def render_confined(renderings: Renderings, job_id: str, name: str, filename: str) -> None:
    """Render in a process for this alone: low priority, `MEMORY_BYTES`, ending with its parent."""
    # Where the API is killed nobody else would end this, nor bound how long it takes.
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    os.setpriority(os.PRIO_PROCESS, 0, _NICENESS)
    renderings.render(job_id, name, filename)
