"""The result of a job, in the format that the client asks for, streamed in blocks."""

import json
from collections.abc import AsyncIterator, Iterator, Mapping
from functools import partial
from typing import Annotated, Any, Literal

import anyio
import anyio.to_thread
from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic_core import PydanticCustomError

from jobs.errors import JobError, StoreAway
from jobs.values import Job, JobState
from service import examples, schemas
from service.dependencies import Services, Shared
from service.errors import (
    JOB,
    RESULT,
    Fault,
    InvalidRequest,
    JobCanceled,
    JobFailed,
    NotAcceptable,
    NotReady,
    ServiceError,
    kind_of,
)
from service.negotiation import UNBUFFERED, media_type
from service.problems import problem_answers
from service.schemas import Problem

JSON = "application/json"
NDJSON = "application/x-ndjson"
BLOCK_CHARACTERS = 2**16

router = APIRouter(tags=["jobs"])


class Wanted(BaseModel):
    """How the result is to be written."""

    model_config = ConfigDict(extra="forbid")

    format: Annotated[
        Literal["json", "ndjson"] | None,
        Field(description="Goes before `Accept`, which chooses otherwise."),
    ] = None
    start: Annotated[
        int,
        Field(ge=0, description="First line of NDJSON to send, to go on where a stream broke."),
    ] = 0

    @field_validator("format", mode="before")
    @classmethod
    def _is_no_file(cls, value: object) -> object:
        if value not in {"json", "ndjson"}:
            wanted = "json or ndjson; other formats are files, as /jobs/{job_id}/files/coco.json"
            raise PydanticCustomError("format", wanted)
        return value


@router.get(
    "/jobs/{job_id}/result",
    summary="Get the result of a job",
    response_description="The whole result, or its frames a line each, also while the job runs.",
    responses={
        200: {
            "model": schemas.Result,
            "content": {
                JSON: {"example": examples.RESULT},
                NDJSON: {"schema": {"type": "string"}, "example": examples.LINES},
            },
            "headers": examples.PREFERENCE_HEADER,
        },
        **problem_answers(JOB, RESULT, {NotAcceptable, InvalidRequest, StoreAway}),
    },
    openapi_extra={"parameters": [examples.PREFER]},
)
async def get_job_result(
    job_id: str, wanted: Annotated[Wanted, Query()], request: Request, shared: Shared
) -> Response:
    """As JSON, or as NDJSON with a frame a line, which may be asked for while the job runs.

    JSON is waited for as long as `Prefer: wait=N` says. Lines come as frames are done. Where the
    job fails or is canceled, the last line is `{"problem": {...}}`; one with the status 503 says
    that the service restarts: ask again, with `start=` what you have.
    """
    queue = shared.queue
    job = await anyio.to_thread.run_sync(queue.get, job_id)
    headers = {"Vary": "Accept"}
    if (wanted.format or _accepted(request)) == "ndjson":
        return await _lines(shared, job, wanted.start, headers)
    if wanted.start:
        raise InvalidRequest(Fault("start", str(wanted.start), "left out where all is JSON"))
    prefer = shared.preference(request)
    job = await shared.wait(request, job, prefer.wait_s)
    require_result(job)
    summary = await anyio.to_thread.run_sync(queue.result_summary, job_id)
    frames = await anyio.to_thread.run_sync(queue.frames, job_id)
    headers |= prefer.headers
    return StreamingResponse(json_blocks(summary, frames), 200, headers, JSON)


async def _lines(shared: Services, job: Job, start: int, headers: dict[str, str]) -> Response:
    if start > job.frames_total:
        wanted = f"at most the {job.frames_total} frames of the job"
        raise InvalidRequest(Fault("start", str(start), wanted))
    if not job.frames_ready:
        require_result(job)
    read = partial(shared.queue.frames, job.id, follow=True, start=start)
    frames = await anyio.to_thread.run_sync(read)
    if job.state is JobState.SUCCEEDED:
        return StreamingResponse(ndjson_blocks(frames), 200, headers, NDJSON)
    headers |= UNBUFFERED
    return StreamingResponse(followed(shared, job, frames), 200, headers, NDJSON)


def _accepted(request: Request) -> str:
    accepted = media_type(request.headers.get("accept"), [JSON, NDJSON])
    return "json" if accepted == JSON else "ndjson"


def require_result(job: Job) -> None:
    """Raise JobFailed or JobCanceled if a job has no result for that."""
    if job.failure is not None:
        raise JobFailed(f"The job failed, so that it has no result: {job.failure.message}")
    if job.state is JobState.CANCELED:
        raise JobCanceled(
            f"The job was canceled after {job.frames_done} of {job.frames_total} frames, so that "
            "it has no result."
        )


def json_blocks(summary: Mapping[str, Any], lines: Iterator[str]) -> Iterator[str]:
    r"""Yield the whole result, from its summary and frames, as one JSON object.

    >>> summary = {"id": "a"}
    >>> "".join(json_blocks(summary, iter(['{"index": 0}\n', '{"index": 1}\n'])))
    '{"id": "a", "frames": [{"index": 0},{"index": 1}]}'
    """
    head = json.dumps(summary).removesuffix("}")
    yield f'{head}{", " if summary else ""}"frames": ['
    separator = ""
    for block in _blocks(lines):
        yield separator + ",".join(line.rstrip("\n") for line in block)
        separator = ","
    yield "]}"


def ndjson_blocks(lines: Iterator[str]) -> Iterator[str]:
    for block in _blocks(lines):
        yield "".join(block)


def text_blocks(pieces: Iterator[str]) -> Iterator[str]:
    """Yield a text in blocks of a size worth sending, from pieces of any size."""
    for block in _blocks(pieces):
        yield "".join(block)


async def followed(shared: Services, job: Job, lines: Iterator[str]) -> AsyncIterator[str]:
    """Yield the frames of a job as they are done, one JSON object a line.

    A job, or a process, that ends without a result is reported by a last line `{"problem": {...}}`:
    the status has been sent by then. An empty string in `lines` says that nothing is new.
    """
    try:
        with shared.watch.listening(job) as watched:
            seen = watched.job
            while block := await anyio.to_thread.run_sync(_next_block, lines):
                if text := "".join(block):
                    yield text
                elif shared.stopping.begun:
                    raise NotReady("The service stops while the job goes on; ask again.")
                elif watched.job is seen and not watched.over:
                    await watched.changed()  # else there may be news since the lines were read
                seen = watched.job
    except (JobError, NotReady) as error:
        yield await anyio.to_thread.run_sync(_last_line, shared, job.id, error)


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


def _last_line(shared: Services, job_id: str, error: JobError | ServiceError) -> str:
    reason = error
    try:
        require_result(shared.queue.get(job_id))
    except (JobError, ServiceError) as why:
        reason = why
    problem = Problem.of(kind_of(type(reason)), str(reason), shared.links, job_id=job_id)
    return json.dumps({"problem": problem.model_dump(mode="json", exclude_none=True)}) + "\n"
