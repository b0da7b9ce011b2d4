"""The result of a job, in the format that the client asks for, streamed in blocks."""

import json
from collections.abc import AsyncIterator, Iterator, Mapping
from functools import partial
from typing import Annotated, Any

import anyio
import anyio.to_thread
from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from formats.catalogue import FILE_FORMATS, TEXT_FORMATS, FileFormat, TextFormat
from formats.result import Result
from jobs.errors import JobError
from jobs.values import Job, JobState
from pipeline.errors import BrokenVideo, DecoderFailed
from service import examples, formats, schemas
from service.errors import (
    FILE,
    JOB,
    RESULT,
    InvalidRequest,
    JobCanceled,
    JobFailed,
    NoMasks,
    NotReady,
    ServiceError,
    StorageFull,
    TooManyTracks,
    kind_of,
)
from service.formats import JSON, NDJSON, Coco, Format, LabelStudioTask, Ytvis
from service.keys import Shared
from service.negotiation import FileAnswer, attachment, media_type, preference
from service.ports import Queue
from service.problems import problem_answers
from service.schemas import Problem
from service.state import Services

BLOCK_CHARACTERS = 2**16

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
            "content": formats.content(),
            "headers": examples.PREFERENCE_HEADER,
        },
        206: {
            "description": "The part of a file that `Range` asks for.",
            "content": formats.FILES,
        },
        **problem_answers(
            JOB, RESULT, FILE, {InvalidRequest, BrokenVideo, DecoderFailed, StorageFull}
        ),
    },
    openapi_extra={"parameters": [examples.PREFER]},
)
async def get_result(
    job_id: str, wanted: Annotated[Wanted, Query()], request: Request, shared: Shared
) -> Response:
    """`format` chooses, or without it `Accept`: the whole result as JSON, or one frame a line.

    NDJSON may be asked for while the job is queued or runs: frames come as they are done. If it
    then fails or is canceled, the last line is `{"problem": {...}}`; one with the status 503 says
    that the service restarts: ask again.

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
        return StreamingResponse(followed(shared, job, frames), 200, headers, NDJSON)
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
        raise NoMasks(f"Format {name} needs a job with masks=rle, got one with masks=none.")


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
            f"Format {name} can hold {chosen.most_tracks} tracks, and the job has {last_track}."
        )
    settings = shared.settings
    prefer = preference(request.headers.getlist("prefer"), settings.wait_s, settings.max_wait_s)
    path = await shared.renderer.file(job, name, prefer.wait_s)
    filename = Result.of(header, job.request.filename, list).name + chosen.ending
    headers = {"Content-Disposition": attachment(filename)}
    if prefer.applied:
        headers["Preference-Applied"] = prefer.applied
    return FileAnswer(path, 200, headers, chosen.media_type)


def require_result(job: Job) -> None:
    """Raise why a job has no result, if it is failed or canceled.

    Raises:
        JobFailed: the job failed.
        JobCanceled: the job was canceled.
    """
    if job.failure is not None:
        raise JobFailed(f"The job failed, so that it has no result: {job.failure.message}")
    if job.state is JobState.CANCELED:
        raise JobCanceled(
            f"The job was canceled after {job.frames_done} of {job.frames_total} frames, so that "
            "it has no result."
        )


def json_blocks(header: Mapping[str, Any], lines: Iterator[str]) -> Iterator[str]:
    r"""Yield the whole result as one JSON object.

    Args:
        header: all of the result but its frames.
        lines: the frames, each a JSON object with its line's end.

    >>> header = {"job": "a"}
    >>> "".join(json_blocks(header, iter(['{"index": 0}\n', '{"index": 1}\n'])))
    '{"job": "a", "frames": [{"index": 0},{"index": 1}]}'
    """
    head = json.dumps(header).removesuffix("}")
    yield f'{head}{", " if header else ""}"frames": ['
    separator = ""
    for block in _blocks(lines):
        yield separator + ",".join(line.rstrip("\n") for line in block)
        separator = ","
    yield "]}"


def ndjson_blocks(lines: Iterator[str]) -> Iterator[str]:
    """Yield the result's frames, one JSON object a line."""
    for block in _blocks(lines):
        yield "".join(block)


def text_blocks(pieces: Iterator[str]) -> Iterator[str]:
    """Yield a text in blocks of a size worth sending, from pieces of any size."""
    for block in _blocks(pieces):
        yield "".join(block)


async def followed(shared: Services, job: Job, lines: Iterator[str]) -> AsyncIterator[str]:
    """Yield the frames of a job as they are done, one JSON object a line.

    A job that ends without a result is told by a last line `{"problem": {...}}`, and so is the end
    of this process: the status has been sent by then.

    Args:
        shared: what routes work with.
        job: that runs.
        lines: follows the job, each line with its end; an empty string where nothing is new.
    """
    try:
        with shared.watch.listening(job) as watched:
            seen = watched.job
            while block := await anyio.to_thread.run_sync(_next_block, lines):
                if text := "".join(block):
                    yield text
                elif shared.stopping.begun:
                    raise NotReady("The service stops while the job goes on; ask again.")
                elif watched.job is seen:  # else there may be news since the lines were read
                    await watched.changed()
                seen = watched.job
    except (JobError, NotReady) as error:
        yield await anyio.to_thread.run_sync(_last_line, shared.queue, job.id, error)


def _blocks(lines: Iterator[str]) -> Iterator[list[str]]:
    while block := _next_block(lines):
        yield block


def _next_block(lines: Iterator[str]) -> list[str]:
    """Take lines until there is nothing new; an empty list says that it is over."""
    block: list[str] = []
    size = 0
    for line in lines:
        block.append(line)
        size += len(line)
        if not line or size >= BLOCK_CHARACTERS:
            break
    return block


def _last_line(queue: Queue, job_id: str, error: JobError | ServiceError) -> str:
    reason = error
    try:
        require_result(queue.get(job_id))
    except (JobError, ServiceError) as told:
        reason = told
    problem = Problem.of(kind_of(type(reason)), str(reason), job=job_id)
    return json.dumps({"problem": problem.model_dump(mode="json", exclude_none=True)}) + "\n"
