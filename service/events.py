"""The events of a job as they happen, as a stream that can be resumed."""

import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from typing import Annotated, NamedTuple

import anyio
import anyio.to_thread
from fastapi import APIRouter, Depends, Header, Response
from fastapi.responses import StreamingResponse
from fastapi.sse import EventSourceResponse, format_sse_event
from pydantic import BaseModel, Field

from jobs.errors import JobNotFound
from jobs.values import Job, JobState
from service import examples, schemas
from service.dependencies import Shared
from service.errors import JOB, Fault, InvalidRequest, kind_of
from service.links import Links
from service.negotiation import UNBUFFERED
from service.problems import problem_answers
from service.schemas import Body, Problem
from service.watch import Stopping, Watched

HEARTBEAT_S = 15.0
RETRY_MS = 1000  # when to connect again after this process has stopped

router = APIRouter(tags=["jobs"])


_ID = re.compile(r"(start|queued|running|end)-(\d{1,10})-(\d{1,10})", re.ASCII)
_STAGES = ("start", "queued", "running", "end")


class ProgressEvent(Body):
    """A job is further on."""

    state: JobState
    frames_done: Annotated[int, Field(ge=0, description="Frames whose result is stored.")]
    frames_total: Annotated[int, Field(ge=0, description="Frames that were asked for.")]


class FramesEvent(Body):
    """More of the result can be read."""

    start: Annotated[int, Field(ge=0, description="First line of the NDJSON result that is new.")]
    stop: Annotated[int, Field(ge=1, description="One past the last line that can be read.")]


class Event(NamedTuple):
    """An event; a client sends its `id` as Last-Event-ID to go on after it."""

    name: str
    id: str
    data: BaseModel


@dataclass(frozen=True)
class Position:
    """What a client knows of a job, to resume its events; `stage` is a place in `_STAGES`."""

    stage: int = 0
    frames_done: int = 0
    frames_ready: int = 0

    @classmethod
    def parse(cls, event_id: str | None) -> "Position":
        """Read the last event's id, None where there was none; raises InvalidRequest.

        >>> Position.parse("running-130-120")
        Position(stage=2, frames_done=130, frames_ready=120)
        """
        if event_id is None:
            return cls()
        match = _ID.fullmatch(event_id)
        if match is None:
            wanted = "the id of an event of this job"
            raise InvalidRequest(Fault("Last-Event-ID", event_id[:100], wanted))
        stage, done, ready = match.groups()
        return cls(_STAGES.index(stage), int(done), int(ready))

    @property
    def over(self) -> bool:
        return self.stage == len(_STAGES) - 1

    def __str__(self) -> str:
        """Write the id of the event that led here."""
        return f"{_STAGES[self.stage]}-{self.frames_done}-{self.frames_ready}"


async def _listen(job_id: str, shared: Shared) -> AsyncIterator[Watched]:
    job = await anyio.to_thread.run_sync(shared.queue.get, job_id)
    with shared.watch.listening(job) as watched:
        yield watched


@router.get(
    "/jobs/{job_id}/events",
    summary="Follow a job",
    response_class=StreamingResponse,  # with FastAPI's own there could be no 204
    response_description="The events, until the last one.",
    responses={
        200: {
            "content": {
                EventSourceResponse.media_type: {
                    "schema": {"description": "Events, a text: 3.1 can't describe each."},
                    "example": examples.EVENTS,
                }
            }
        },
        204: {"description": "The last event was received already: don't ask again."},
        **problem_answers(JOB, {InvalidRequest}),
    },
)
async def get_job_events(
    job_id: str,
    watched: Annotated[Watched, Depends(_listen)],
    shared: Shared,
    last_event_id: Annotated[
        str | None, Header(description="The id of the last event that was received.")
    ] = None,
) -> Response:
    """Server-sent events, whose data is JSON.

    `progress` (`ProgressEvent`), `frames` (`FramesEvent`), and a last one: `succeeded`, `failed` or
    `canceled` (`Job`), or `deleted` (`Problem`).

    Events tell how the job stands; what came and went between two looks is left out. `frames` says
    which lines of the NDJSON result can be read now. A stream that is resumed with `Last-Event-ID`
    repeats nothing and misses nothing. Comments keep the connection alive. A stream that ends
    without a last event is to be resumed: the service restarts.
    """
    known = Position.parse(last_event_id)
    if known.over:
        return Response(status_code=204)
    return EventSourceResponse(
        stream(job_id, watched, known, shared.stopping, shared.links), headers=UNBUFFERED
    )


async def stream(
    job_id: str,
    watched: Watched,
    known: Position,
    stopping: Stopping,
    links: Links,
    *,
    heartbeat_s: float = HEARTBEAT_S,
) -> AsyncIterator[bytes]:
    """Yield the events of a job as sent, to the last one, or until this process stops."""
    while True:
        job = watched.job
        events = [deleted(job_id, known, links)] if job is None else news(job, known, links)
        for event, then_known in events:
            yield format_sse_event(
                event=event.name, id=event.id, data_str=event.data.model_dump_json()
            )
            known = then_known
        if known.over:
            return
        if stopping.begun:
            yield format_sse_event(retry=RETRY_MS, comment="the service stops: connect again")
            return
        # The client may have been slow to take in what is old by now.
        if watched.job is job:
            with anyio.move_on_after(heartbeat_s) as heartbeat:
                await watched.changed()
            if heartbeat.cancelled_caught:
                yield format_sse_event(comment="alive")


def news(job: Job, known: Position, links: Links) -> Iterator[tuple[Event, Position]]:
    """Yield the events that bring a client up to date, each with what it knows then.

    There are none where it knows more than `job` says, since another process looked later.
    """
    if known.over:
        return
    stage = _STAGES.index("end" if job.state.final else job.state)
    if not job.state.final and (stage, job.frames_done) > (known.stage, known.frames_done):
        known = replace(known, stage=stage, frames_done=job.frames_done)
        progress = ProgressEvent(
            state=job.state, frames_done=job.frames_done, frames_total=job.frames_total
        )
        yield Event("progress", str(known), progress), known
    readable = job.state in {JobState.RUNNING, JobState.SUCCEEDED}
    if readable and job.frames_ready > known.frames_ready:
        frames = FramesEvent(start=known.frames_ready, stop=job.frames_ready)
        known = replace(known, frames_ready=job.frames_ready)
        yield Event("frames", str(known), frames), known
    if job.state.final:
        known = replace(known, stage=stage, frames_done=job.frames_done)
        yield Event(job.state, str(known), schemas.Job.of(job, links)), known


def deleted(job_id: str, known: Position, links: Links) -> tuple[Event, Position]:
    """Return the last event of a job that was deleted."""
    problem = Problem.of(kind_of(JobNotFound), f"Job {job_id!r} was deleted.", links, job_id=job_id)
    known = replace(known, stage=len(_STAGES) - 1)
    return Event("deleted", str(known), problem), known
