"""The events of a job: what there is to tell somebody who has been told so much already."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Annotated, NamedTuple

from pydantic import BaseModel, Field

from jobs.errors import JobNotFound
from jobs.values import Job, JobState
from service.errors import Fault, InvalidRequest
from service.problem_kinds import kind_of
from service.schemas import Body, JobBody, Problem

_ID = re.compile(r"(start|queued|running|end)-(\d{1,10})-(\d{1,10})", re.ASCII)
_STAGES = ("start", "queued", "running", "end")


class ProgressBody(Body):
    """A job is further on."""

    state: JobState
    frames_done: Annotated[int, Field(ge=0, description="Frames whose result is stored.")]
    frames_total: Annotated[int, Field(ge=0, description="Frames that were asked for.")]


class FramesBody(Body):
    """More of the result can be read."""

    start: Annotated[int, Field(ge=0, description="First line of the NDJSON result that is new.")]
    stop: Annotated[int, Field(ge=1, description="One past the last line that can be read.")]


class Event(NamedTuple):
    """One event.

    Attributes:
        name: of its kind.
        id: what a client sends as Last-Event-ID to go on after it.
        data: of it.
    """

    name: str
    id: str
    data: BaseModel


@dataclass(frozen=True)
class Position:
    """What a client was told of a job; of itself it says all that is needed to go on.

    Attributes:
        stage: the place in `_STAGES` of the state that was told last.
        frames_done: as was told last.
        frames_ready: frames, from the first, that were told to be readable.
    """

    stage: int = 0
    frames_done: int = 0
    frames_ready: int = 0

    @classmethod
    def parse(cls, event_id: str | None) -> "Position":
        """Read the id of the last event that a client got; None where it got none.

        Raises:
            InvalidRequest: it isn't one that was given out.

        >>> Position.parse("running-130-120")
        Position(stage=2, frames_done=130, frames_ready=120)
        """
        if event_id is None:
            return cls()
        match = _ID.fullmatch(event_id)
        if match is None:
            wanted = "the id of an event of this job"
            raise InvalidRequest([Fault("Last-Event-ID", event_id[:100], wanted)])
        stage, done, ready = match.groups()
        return cls(_STAGES.index(stage), int(done), int(ready))

    @property
    def over(self) -> bool:
        """Whether the last event was told."""
        return self.stage == len(_STAGES) - 1

    def __str__(self) -> str:
        """Write the id of the event that led here."""
        return f"{_STAGES[self.stage]}-{self.frames_done}-{self.frames_ready}"


def news(job: Job, told: Position) -> Iterator[tuple[Event, Position]]:
    """Yield the events that bring a client up to date, each with what it has been told then.

    Args:
        job: as it stands.
        told: what the client knows. Where it knows more than `job` says, since another process
            looked later, there is nothing to tell.
    """
    if told.over:
        return
    stage = _STAGES.index("end" if job.state.final else job.state)
    if not job.state.final and (stage, job.frames_done) > (told.stage, told.frames_done):
        told = replace(told, stage=stage, frames_done=job.frames_done)
        progress = ProgressBody(
            state=job.state, frames_done=job.frames_done, frames_total=job.frames_total
        )
        yield Event("progress", str(told), progress), told
    readable = job.state in {JobState.RUNNING, JobState.SUCCEEDED}
    if readable and job.frames_ready > told.frames_ready:
        frames = FramesBody(start=told.frames_ready, stop=job.frames_ready)
        told = replace(told, frames_ready=job.frames_ready)
        yield Event("frames", str(told), frames), told
    if job.state.final:
        told = replace(told, stage=stage, frames_done=job.frames_done)
        yield Event(job.state, str(told), JobBody.of(job)), told


def deleted(job_id: str, told: Position) -> tuple[Event, Position]:
    """Return the event that is the last one where a job was deleted."""
    problem = Problem.of(kind_of(JobNotFound), f"Job {job_id!r} was deleted.", job=job_id)
    told = replace(told, stage=len(_STAGES) - 1)
    return Event("deleted", str(told), problem), told
