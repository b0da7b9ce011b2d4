"""The result of a job, in the format that the client asks for."""

from functools import partial
from typing import Annotated, Literal

import anyio.to_thread
from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from formats.catalogue import FILE_FORMATS, TEXT_FORMATS, FileFormat, TextFormat
from formats.result import Result
from jobs.errors import DatabaseAway, JobHasNoResult, JobNotFinished, JobNotFound, StoreAway
from jobs.values import Job
from pipeline.errors import BrokenVideo, DecoderFailed
from service import examples, schemas
from service.callers import Shared
from service.errors import (
    BeyondTheFile,
    InvalidRequest,
    JobCanceled,
    JobFailed,
    NoMasks,
    NotAcceptable,
    NotRendered,
    RendererBusy,
    RenderingFailed,
    StorageFull,
    TooManyTracks,
)
from service.file_answer import FileAnswer
from service.negotiation import attachment, media_type, preference
from service.problems import problem_answers
from service.results import (
    followed,
    json_blocks,
    ndjson_blocks,
    require_result,
    text_blocks,
)
from service.schemas_formats import Coco, LabelStudioTask, Ytvis
from service.state import Queue, Services

JSON = "application/json"
NDJSON = "application/x-ndjson"
XML = "application/xml"

Format = Literal[
    "json",
    "ndjson",
    "coco",
    "ytvis",
    "cvat",
    "labelstudio",
    "davis",
    "overlay.mp4",
    "alpha.webm",
    "mattes.zip",
]

_FILES = {
    each.media_type: {"schema": {"type": "string", "contentMediaType": each.media_type}}
    for each in FILE_FORMATS.values()
}

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
                **_FILES,
            },
            "headers": examples.PREFERENCE_HEADER,
        },
        206: {
            "description": "The part of a file that `Range` asks for.",
            "content": _FILES,
        },
        **problem_answers(
            JobNotFound,
            NotAcceptable,
            JobNotFinished,
            JobHasNoResult,
            JobFailed,
            JobCanceled,
            NoMasks,
            TooManyTracks,
            NotRendered,
            BeyondTheFile,
            InvalidRequest,
            BrokenVideo,
            DecoderFailed,
            RenderingFailed,
            RendererBusy,
            StorageFull,
            StoreAway,
            DatabaseAway,
        ),
    },
    openapi_extra={"parameters": [examples.PREFER]},
)
async def get_result(
    job_id: str, wanted: Annotated[Wanted, Query()], request: Request, shared: Shared
) -> Response:
    """`format` chooses, or without it `Accept`: the whole result as JSON, or one frame a line.

    NDJSON may be asked for while the job is queued or runs: frames come as they are done. If it
    then fails or is canceled, the last line is `{"problem": {...}}`.

    Formats with pictures are made when they are first asked for, and kept with the job. What isn't
    ready within `Prefer: wait=N` seconds is a 409 with `Retry-After`: ask again.
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
    if chosen in TEXT_FORMATS:
        return await _as_text(queue, job, chosen, TEXT_FORMATS[chosen])
    return await _as_file(request, shared, job, chosen, FILE_FORMATS[chosen])


def _accepted(request: Request) -> Format:
    accepted = media_type(request.headers.get("accept"), [JSON, NDJSON])
    return "json" if accepted == JSON else "ndjson"


def _require_masks(job: Job, name: str) -> None:
    if job.request.masks == "none":
        raise NoMasks(
            f"Got format={name} for a job with masks=none, wanted one with masks=rle, or a format "
            "that needs none."
        )


async def _as_text(queue: Queue, job: Job, name: str, chosen: TextFormat) -> Response:
    if chosen.needs_masks:
        _require_masks(job, name)
    header = await anyio.to_thread.run_sync(queue.result_header, job.id)
    result = Result.of(header, job.request.filename, partial(queue.frames, job.id))
    headers = {"Content-Disposition": attachment(result.name + chosen.ending)}
    return StreamingResponse(text_blocks(chosen.write(result)), 200, headers, chosen.media_type)


async def _as_file(
    request: Request, shared: Services, job: Job, name: str, chosen: FileFormat
) -> Response:
    if chosen.needs_masks:
        _require_masks(job, name)
    header = await anyio.to_thread.run_sync(shared.queue.result_header, job.id)
    last_track = max((track["id"] for track in header["tracks"]), default=0)
    if chosen.most_tracks is not None and last_track > chosen.most_tracks:
        raise TooManyTracks(
            f"Got format={name} for a job with tracks up to {last_track}, wanted at most "
            f"{chosen.most_tracks}, or a format that holds more."
        )
    settings = shared.settings
    prefer = preference(request.headers.getlist("prefer"), settings.wait_s, settings.max_wait_s)
    path = await shared.renderer.file(job, name, prefer.wait_s)
    filename = Result.of(header, job.request.filename, list).name + chosen.ending
    headers = {"Content-Disposition": attachment(filename)}
    if prefer.applied:
        headers["Preference-Applied"] = prefer.applied
    return FileAnswer(path, 200, headers, chosen.media_type)
