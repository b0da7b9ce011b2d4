"""The folder of a script, and the processes and files that are there after it."""

import os
import shutil
import signal
import tempfile
import time
from pathlib import Path
from typing import Self

from tests.faults.findings import Findings

_GONE_WITHIN_S = 10.0


class Traces:
    """A folder for all that a script and its processes write, removed at the end.

    Every process that it starts, and those that they start, is known by this folder: it stands in
    their environment, their command line, or is where they are.
    """

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="faults-"))
        self._temporary = self.folder / "tmp"
        self._before = os.environ.get("TMPDIR")

    def __enter__(self) -> Self:
        self._temporary.mkdir()
        for folder in (self.folder, self._temporary):
            folder.chmod(0o711)  # PostgreSQL runs as another user
        os.environ["TMPDIR"] = str(self._temporary)
        tempfile.tempdir = None  # it is read once, otherwise
        return self

    def __exit__(self, *_: object) -> None:
        for pid in self._processes():
            os.kill(pid, signal.SIGKILL)
        if self._before is None:
            del os.environ["TMPDIR"]
        else:
            os.environ["TMPDIR"] = self._before
        tempfile.tempdir = None
        shutil.rmtree(self.folder)

    def check(self, findings: Findings) -> None:
        """Hold that no process and no temporary file is left; call it when all was ended."""
        deadline = time.monotonic() + _GONE_WITHIN_S
        while (processes := self._processes()) and time.monotonic() < deadline:
            time.sleep(0.1)
        files = [path.name for path in self._temporary.iterdir()]
        told = [_command(pid) for pid in processes]
        findings.hold("processes left", told or 0, kept=not processes)
        findings.hold("temporary files left", files or 0, kept=not files)

    def _processes(self) -> list[int]:
        pids = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]
        return [pid for pid in pids if pid != os.getpid() and self._is_ours(pid)]

    def _is_ours(self, pid: int) -> bool:
        process = Path("/proc", str(pid))
        try:
            named = (process / "environ").read_bytes() + (process / "cmdline").read_bytes()
            named += str((process / "cwd").readlink()).encode()
        except OSError:  # ended, or of another user
            return False
        return str(self.folder).encode() in named


def _command(pid: int) -> str:
    try:
        return Path("/proc", str(pid), "cmdline").read_text().replace("\0", " ").strip()
    except OSError:
        return str(pid)
