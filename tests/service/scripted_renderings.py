"""Renderings that are slow, hang, crash or fail; in a module that their processes load quickly."""

import errno
import os
import time
from dataclasses import dataclass
from pathlib import Path

from jobs.renderings import Renderings
from pipeline.errors import BrokenVideo


@dataclass
class ScriptedRenderings(Renderings):
    """Renders in the process that it is sent to, as the name of the job's video says.

    The folder holds the files, a log with a line a rendering, and the last one's process id.
    """

    folder: Path

    def path(self, job_id: str, name: str) -> Path:
        return self.folder / f"{job_id}.{name}"

    def find(self, job_id: str, name: str) -> Path | None:
        path = self.path(job_id, name)
        return path if path.exists() else None

    def render(self, job_id: str, name: str, filename: str) -> None:
        (self.folder / "pid").write_text(str(os.getpid()))
        with (self.folder / "log").open("a") as log:
            log.write(f"{job_id} {name}\n")
        path = self.path(job_id, name)
        unfinished = path.with_name(f".{path.name}")
        unfinished.write_bytes(bytes(range(100)))
        match filename:
            case "slow.mp4":
                while not (self.folder / "go").exists():
                    time.sleep(0.01)
            case "hanging.mp4":
                time.sleep(600)
            case "crashing.mp4":
                os._exit(1)
            case "broken.mp4":
                raise BrokenVideo("Nothing can be decoded.")
            case "huge.mp4":
                raise OSError(errno.ENOSPC, "No space left on device")
            case "odd.mp4":
                raise ZeroDivisionError
        unfinished.replace(path)

    def discard(self, job_id: str, name: str) -> None:
        (self.folder / f".{job_id}.{name}").unlink(missing_ok=True)

    def log(self) -> list[str]:
        """Return the renderings that were begun."""
        log = self.folder / "log"
        return log.read_text().splitlines() if log.exists() else []
