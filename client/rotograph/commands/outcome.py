"""What became of a video or a job, in words, as JSON, and as an exit status."""

import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rotograph import Job, NotFoundError, ProblemError, RotographError

DONE, FAILED, WRONG, REFUSED, INTERRUPTED = 0, 1, 2, 3, 130
EXIT_STATUS = """exit status:
  0    all that was asked for is there
  1    a job failed or was canceled, or a result couldn't be written
  2    the command line is wrong, or a file is there already; nothing was sent or written
  3    the service can't be reached, or refuses
  130  interrupted
of several, the highest"""


@dataclass
class Outcome:
    """What became of a video, by its path or URL, or of a job, by its id."""

    source: str
    job: Job | None = None
    files: list[Path] = field(default_factory=list)
    error: RotographError | OSError | None = None

    @property
    def status(self) -> int:
        if self.error is None:
            return DONE
        if isinstance(self.error, NotFoundError):
            return REFUSED
        if isinstance(self.error, ProblemError) and self.error.job_id is not None:
            return FAILED
        return FAILED if isinstance(self.error, OSError) else REFUSED

    def body(self) -> dict[str, Any]:
        kind = self.error.type if isinstance(self.error, ProblemError) else None
        return {
            "source": self.source,
            "id": self.job.id if self.job else getattr(self.error, "job_id", None),
            "frames": self.job.frames_done if self.job and self.job.final else None,
            "copied_from": self.job and self.job.copied_from,
            "files": [str(file) for file in self.files],
            "error": self.error and {"type": kind, "detail": str(self.error)},
        }


def job_body(job: Job) -> dict[str, Any]:
    problem = job.problem and {"type": job.problem.type, "detail": job.problem.detail}
    return {
        "id": job.id,
        "state": job.state,
        "frames_done": job.frames_done,
        "frames_total": job.frames_total,
        "filename": job.filename,
        "created_at": job.created_at.isoformat(),
        "copied_from": job.copied_from,
        "labels": dict(job.labels),
        "problem": problem,
    }


def show_job(job: Job, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(job_body(job)), flush=True)
        return
    created = f"{job.created_at:%Y-%m-%d %H:%M:%S}"
    done = f"{job.frames_done}/{job.frames_total}"
    why = f"  {job.problem.detail}" if job.problem else ""
    print(f"{job.id}  {job.state:9}  {done:>13}  {created}  {job.filename}{why}", flush=True)


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
