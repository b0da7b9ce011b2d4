"""POST /segment: receive a video, make it a job, and wait a little for its result."""

import time
from typing import Any

import anyio
import anyio.to_thread
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse

from jobs.errors import BadUrl, IdempotencyConflict, QueueFull, StoreAway, TooManyJobs
from jobs.values import Job, JobState
from pipeline.errors import (
    BrokenVideo,
    DecoderFailed,
    NotAVideo,
    NoVideoStream,
    SelectionError,
    VideoTooLarge,
)
from service import examples
from service.callers import CALLER_ERRORS, Shared
from service.errors import (
    DownloadTooSlow,
    InvalidRequest,
    JobCanceled,
    MalformedBody,
    StorageFull,
    Unreachable,
    UnsupportedBody,
    UploadTooLarge,
    UploadTooSlow,
    WrongAnswer,
)
from service.intake import accept
from service.negotiation import Preference, preference
from service.options import Options
from service.problems import RETRY_AFTER_S, problem_answers, problem_response
from service.results import json_blocks, require_result
from service.schemas import JobBody, Result, failure_problem
from service.state import Queue
from service.upload import MULTIPART
from service.url_body import JSON

FIRST_POLL_S = 0.05
LONGEST_POLL_S = 0.25

router = APIRouter(tags=["segment"])


def _request_body() -> dict[str, Any]:
    """Describe both bodies for the OpenAPI document: FastAPI can't see them, since we read them."""
    file = {
        "type": "string",
        "contentMediaType": "application/octet-stream",
        "description": "The video.",
    }
    url = {
        "type": "string",
        "format": "uri",
        "pattern": "^https?://",
        "maxLength": 2000,
        "description": "Where the video is: an address of https that everybody can reach.",
    }
    return {
        "required": True,
        "content": {
            MULTIPART: {"schema": _object("file", file), "examples": examples.FORMS},
            JSON: {"schema": _object("url", url), "examples": examples.URL_BODIES},
        },
    }


def _object(required: str, described: dict[str, Any]) -> dict[str, Any]:
    options = Options.model_json_schema()["properties"]
    return {
        "type": "object",
        "required": [required],
        "properties": {required: described, **options},
        "additionalProperties": False,
    }


@router.post(
    "/segment",
    summary="Find, cut out and follow the objects of a video",
    response_description="The result, ready within the wait.",
    responses={
        200: {
            "model": Result,
            "content": {"application/json": {"example": examples.RESULT}},
            "headers": examples.ANSWER_HEADERS,
        },
        202: {
            "model": JobBody,
            "description": "The job goes on; look at Location.",
            "content": {"application/json": {"example": examples.RUNNING_JOB}},
            "headers": examples.ANSWER_HEADERS | examples.RETRY_HEADER,
        },
        **problem_answers(
            MalformedBody,
            UploadTooSlow,
            Unreachable,
            WrongAnswer,
            DownloadTooSlow,
            JobCanceled,
            UploadTooLarge,
            VideoTooLarge,
            UnsupportedBody,
            InvalidRequest,
            NotAVideo,
            NoVideoStream,
            BrokenVideo,
            DecoderFailed,
            SelectionError,
            StorageFull,
            *CALLER_ERRORS,
            IdempotencyConflict,
            QueueFull,
            TooManyJobs,
            BadUrl,
            StoreAway,
        ),
    },
    openapi_extra={
        "requestBody": _request_body(),
        "parameters": [examples.PREFER, examples.IDEMPOTENCY_KEY, examples.CACHE_CONTROL],
    },
)
async def segment(request: Request, shared: Shared) -> Response:
    """Upload a video as the part `file` of a form, with options as text parts in any order.

    Or name it as the `url` of a JSON object, beside the same options: then the service fetches it.
    Every video becomes a job, also where the answer is the result itself: the client may leave
    at any time, and the job goes on.
    """
    settings = shared.settings
    prefer = preference(request.headers.getlist("prefer"), settings.wait_s, settings.max_wait_s)
    job = await accept(request, shared)
    job = await _wait(request, shared.queue, job, prefer.wait_s)
    return await _answer(request, shared.queue, job, prefer)


async def _wait(request: Request, queue: Queue, job: Job, wait_s: float) -> Job:
    """Look at a job until it is final, the time is over, or its client has left."""
    deadline = time.monotonic() + wait_s
    poll_s = FIRST_POLL_S
    while not job.state.final and (left_s := deadline - time.monotonic()) > 0:
        if await request.is_disconnected():
            break
        await anyio.sleep(min(poll_s, left_s))
        poll_s = min(poll_s * 1.5, LONGEST_POLL_S)
        job = await anyio.to_thread.run_sync(queue.get, job.id)
    return job


async def _answer(request: Request, queue: Queue, job: Job, prefer: Preference) -> Response:
    headers = {"Location": f"/jobs/{job.id}"}
    if prefer.applied:
        headers["Preference-Applied"] = prefer.applied
    if problem := failure_problem(job):
        told = problem.model_copy(update={"request_id": request.state.request_id})
        request.state.problem = problem.type.rsplit("/", 1)[-1]
        return problem_response(told, headers)
    require_result(job)
    if job.state is JobState.SUCCEEDED:
        header = await anyio.to_thread.run_sync(queue.result_header, job.id)
        frames = await anyio.to_thread.run_sync(queue.frames, job.id)
        return StreamingResponse(json_blocks(header, frames), 200, headers, "application/json")
    headers["Retry-After"] = str(RETRY_AFTER_S)
    return JSONResponse(JobBody.of(job).model_dump(mode="json"), 202, headers)
