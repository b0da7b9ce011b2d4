"""A job as the service tells of it, and the problem that may have ended it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from rotograph.results import Video

State = Literal["queued", "running", "succeeded", "failed", "canceled"]


@dataclass(frozen=True)
class Problem:
    """What went wrong, as RFC 9457 has it; the address `type` explains it."""

    type: str
    title: str
    status: int
    detail: str
    job_id: str | None = None
    request_id: str | None = None

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> "Problem":
        return cls(
            type=body["type"],
            title=body["title"],
            status=body["status"],
            detail=body["detail"],
            job_id=body.get("job_id"),
            request_id=body.get("request_id"),
        )

    @property
    def slug(self) -> str:
        """The last part of the type, which never changes, such as `bad-url`."""
        return self.type.rpartition("/")[2]


@dataclass(frozen=True)
class Job:
    """A job; with `copied_from` it got a copy of that job's result."""

    id: str
    state: State
    frames_done: int
    frames_total: int
    filename: str
    video: Video
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    problem: Problem | None = None
    copied_from: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> "Job":
        return cls(
            id=body["id"],
            state=body["state"],
            frames_done=body["progress"]["frames_done"],
            frames_total=body["progress"]["frames_total"],
            filename=body["request"]["filename"],
            video=Video.from_json(body["video"]),
            created_at=datetime.fromisoformat(body["created_at"]),
            started_at=_time(body["started_at"]),
            finished_at=_time(body["finished_at"]),
            problem=None if body["problem"] is None else Problem.from_json(body["problem"]),
            copied_from=body.get("copied_from"),
            labels=body["request"].get("labels", {}),
        )

    @property
    def final(self) -> bool:
        """Whether it succeeded, failed or was canceled."""
        return self.state in {"succeeded", "failed", "canceled"}


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
