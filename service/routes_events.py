"""The events of a job as they happen, as a stream that can be resumed."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

import anyio
import anyio.to_thread
from fastapi import APIRouter, Depends, Header, Response
from fastapi.responses import StreamingResponse
from fastapi.sse import EventSourceResponse, format_sse_event

from jobs.errors import JobNotFound
from service import examples
from service.callers import Shared
from service.errors import InvalidRequest
from service.events import FramesBody, Position, ProgressBody, deleted, news
from service.problems import problem_answers
from service.watch import Watched

HEARTBEAT_S = 15.0

router = APIRouter(tags=["jobs"])


def _event(*names: str, data: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["event", "id", "data"],
        "properties": {
            "event": {"enum": list(names)},
            "id": {"type": "string", "description": "For `Last-Event-ID`."},
            "data": {
                "type": "string",
                "contentMediaType": "application/json",
                "contentSchema": data,
            },
        },
    }


EVENTS = {
    "oneOf": [
        _event("progress", data=ProgressBody.model_json_schema()),
        _event("frames", data=FramesBody.model_json_schema()),
        _event("succeeded", "failed", "canceled", data={"$ref": "#/components/schemas/JobBody"}),
        _event("deleted", data={"$ref": "#/components/schemas/Problem"}),
    ]
}


async def _listen(job_id: str, shared: Shared) -> AsyncIterator[Watched]:
    """Listen to a job until the answer is over, however that ends."""
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
                    "itemSchema": EVENTS,
                    "example": examples.EVENTS,
                }
            }
        },
        204: {"description": "The last event was received already: don't ask again."},
        **problem_answers(JobNotFound, InvalidRequest),
    },
)
async def get_events(
    job_id: str,
    watched: Annotated[Watched, Depends(_listen)],
    last_event_id: Annotated[
        str | None, Header(description="The id of the last event that was received.")
    ] = None,
) -> Response:
    """Server-sent events: `progress`, `frames`, and a last one named for how the job ended.

    Events tell how the job stands; what came and went between two looks isn't told. `frames` says
    which lines of the NDJSON result can be read now. A stream that is resumed with `Last-Event-ID`
    repeats nothing and misses nothing. Comments keep the connection alive.
    """
    told = Position.parse(last_event_id)
    if told.over:
        return Response(status_code=204)
    return EventSourceResponse(stream(job_id, watched, told))


async def stream(
    job_id: str, watched: Watched, told: Position, heartbeat_s: float = HEARTBEAT_S
) -> AsyncIterator[bytes]:
    """Yield the events of a job as they are sent, to the last one.

    Args:
        job_id: of the job.
        watched: the job.
        told: what the client knows.
        heartbeat_s: after how long without an event a comment is sent.
    """
    while True:
        job = watched.job
        events = [deleted(job_id, told)] if job is None else news(job, told)
        for event, told_then in events:
            yield format_sse_event(
                event=event.name, id=event.id, data_str=event.data.model_dump_json()
            )
            told = told_then
        if told.over:
            return
        # The client may have been slow to take in what is old by now.
        if watched.job is job:
            with anyio.move_on_after(heartbeat_s) as heartbeat:
                await watched.changed()
            if heartbeat.cancelled_caught:
                yield format_sse_event(comment="alive")
