"""The result of a job, in the format that the client asks for."""

from functools import partial
from typing import Annotated, Literal

import anyio.to_thread
from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from formats.catalogue import TEXT_FORMATS, TextFormat
from formats.result import Result
from jobs.errors import JobHasNoResult, JobNotFinished, JobNotFound
from jobs.values import Job
from service import examples, schemas
from service.callers import Shared
from service.errors import InvalidRequest, JobCanceled, JobFailed, NoMasks, NotAcceptable
from service.negotiation import attachment, media_type
from service.problems import problem_answers
from service.results import (
    followed,
    json_blocks,
    ndjson_blocks,
    require_result,
    text_blocks,
)
from service.schemas_formats import Coco, LabelStudioTask, Ytvis
from service.state import Queue

JSON = "application/json"
NDJSON = "application/x-ndjson"
XML = "application/xml"

Format = Literal["json", "ndjson", "coco", "ytvis", "cvat", "labelstudio"]

router = APIRouter(tags=["jobs"])


class Wanted(BaseModel):
    """How the result is to be written."""

    model_config = ConfigDict(extra="forbid")

    format: Annotated[
        Format | None,
        Field(description="See docs/formats.md. Without it `Accept` chooses between json, ndjson."),
    ] = None


@router.get(
    "/jobs/{job_id}/result",
    summary="Get the result of a job",
    response_description="The whole result, or its frames a line each, also while the job runs.",
    responses={
        200: {
            "model": schemas.Result | Coco | Ytvis | list[LabelStudioTask],
            "content": {
                JSON: {"examples": examples.RESULTS},
                NDJSON: {
                    "schema": {"$ref": "#/components/schemas/FrameBody"},
                    "example": examples.FRAME,
                },
                XML: {"schema": {"type": "string"}, "example": examples.CVAT},
            },
        },
        **problem_answers(
            JobNotFound,
            NotAcceptable,
            JobNotFinished,
            JobHasNoResult,
            JobFailed,
            JobCanceled,
            NoMasks,
            InvalidRequest,
        ),
    },
)
async def get_result(
    job_id: str, wanted: Annotated[Wanted, Query()], request: Request, shared: Shared
) -> Response:
    """`format` chooses, or without it `Accept`: the whole result as JSON, or one frame a line.

    NDJSON may be asked for while the job is queued or runs: frames come as they are done. If it
    then fails or is canceled, the last line is `{"problem": {...}}`.
    """
    queue = shared.queue
    chosen = wanted.format or _accepted(request)
    job = await anyio.to_thread.run_sync(queue.get, job_id)
    require_result(job)
    headers = {"Vary": "Accept"}
    if chosen == "ndjson":
        frames = await anyio.to_thread.run_sync(partial(queue.frames, job_id, follow=True))
        if job.state.final:
            return StreamingResponse(ndjson_blocks(frames), 200, headers, NDJSON)
        return StreamingResponse(followed(queue, job_id, frames), 200, headers, NDJSON)
    if chosen == "json":
        header = await anyio.to_thread.run_sync(queue.result_header, job_id)
        frames = await anyio.to_thread.run_sync(queue.frames, job_id)
        return StreamingResponse(json_blocks(header, frames), 200, headers, JSON)
    return await _as_text(queue, job, chosen, TEXT_FORMATS[chosen])


def _accepted(request: Request) -> Format:
    accepted = media_type(request.headers.get("accept"), [JSON, NDJSON])
    return "json" if accepted == JSON else "ndjson"


async def _as_text(queue: Queue, job: Job, name: str, chosen: TextFormat) -> Response:
    if chosen.needs_masks and job.request.masks == "none":
        raise NoMasks(
            f"Got format={name} for a job with masks=none, wanted one with masks=rle, or a format "
            "that needs none."
        )
    header = await anyio.to_thread.run_sync(queue.result_header, job.id)
    result = Result.of(header, job.request.filename, partial(queue.frames, job.id))
    headers = {"Content-Disposition": attachment(result.name + chosen.ending)}
    return StreamingResponse(text_blocks(chosen.write(result)), 200, headers, chosen.media_type)
