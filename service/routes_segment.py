"""POST /segment: receive a video, make it a job, and wait a little for its result."""

import hashlib
import json
import time
from dataclasses import asdict
from typing import Any

import anyio
import anyio.to_thread
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse

from jobs.addresses import AddressGuard
from jobs.errors import BadUrl, IdempotencyConflict, QueueFull, TooManyJobs
from jobs.values import Idempotency, Job, JobRequest, JobState
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
    Fault,
    InvalidRequest,
    JobCanceled,
    MalformedForm,
    NotMultipart,
    StorageFull,
    UploadTooLarge,
    UploadTooSlow,
)
from service.negotiation import Preference, preference
from service.options import WANTED, Options, parse_options
from service.problems import RETRY_AFTER_S, problem_answers, problem_response
from service.results import json_blocks, require_result
from service.schemas import JobBody, Result, failure_problem
from service.settings import Settings
from service.state import Queue, Services
from service.upload import Form, UploadLimits, receive_form

FIRST_POLL_S = 0.05
LONGEST_POLL_S = 0.25

router = APIRouter(tags=["segment"])


def _request_body() -> dict[str, Any]:
    """Describe the form for the OpenAPI document: FastAPI can't see it, since we read it."""
    options = Options.model_json_schema()["properties"]
    file = {
        "type": "string",
        "contentMediaType": "application/octet-stream",
        "description": "The video.",
    }
    schema = {
        "type": "object",
        "required": ["file"],
        "properties": {"file": file, **options},
        "additionalProperties": False,
    }
    return {
        "required": True,
        "content": {"multipart/form-data": {"schema": schema, "examples": examples.FORMS}},
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
            MalformedForm,
            UploadTooSlow,
            JobCanceled,
            UploadTooLarge,
            VideoTooLarge,
            NotMultipart,
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
        ),
    },
    openapi_extra={
        "requestBody": _request_body(),
        "parameters": [examples.PREFER, examples.IDEMPOTENCY_KEY],
    },
)
async def segment(request: Request, shared: Shared) -> Response:
    """Upload a video as the part `file` of a form, with options as text parts in any order.

    Every upload becomes a job, also where the answer is the result itself: the client may leave
    at any time, and the job goes on.
    """
    settings = shared.settings
    prefer = preference(request.headers.getlist("prefer"), settings.wait_s, settings.max_wait_s)
    job = await _accept(request, shared)
    job = await _wait(request, shared.queue, job, prefer.wait_s)
    return await _answer(request, shared.queue, job, prefer)


async def _accept(request: Request, shared: Services) -> Job:
    """Receive the upload, look at it, and queue it; leave nothing behind if that fails."""
    if request.query_params:
        name, got = request.query_params.multi_items()[0]
        raise InvalidRequest([Fault(name[:100], got[:100], "options as parts of the form")])
    key = _idempotency_key(request)
    settings, uploads = shared.settings, shared.uploads
    limits = UploadLimits(settings.max_upload_mib * 2**20, settings.upload_idle_timeout_s)
    await anyio.to_thread.run_sync(shared.queue.check_room)
    job_id = uploads.new_id()
    upload = uploads.incoming(job_id)
    try:
        form = await receive_form(request, upload, list(WANTED), limits)
        asked = parse_options(form.values).to_request(form.filename)
        _check_callback(settings, asked.callback_url)
        idempotency = None if key is None else Idempotency(key, _fingerprint(form, asked))
        if idempotency is not None:
            job = await anyio.to_thread.run_sync(shared.queue.repeated, idempotency)
            if job is not None:
                return job
        video = await shared.scanner.scan(upload)
        submit = shared.queue.submit
        return await anyio.to_thread.run_sync(submit, job_id, asked, video, idempotency)
    finally:
        # Nothing to do for a job: its upload has been moved.
        uploads.discard(job_id)


def _idempotency_key(request: Request) -> str | None:
    keys = request.headers.getlist("idempotency-key")
    if not keys:
        return None
    if len(keys) > 1 or not (0 < len(keys[0]) <= 255 and keys[0].isprintable()):
        wanted = "one key of 1 to 255 printable characters"
        raise InvalidRequest([Fault("Idempotency-Key", ", ".join(keys)[:100], wanted)])
    return keys[0]


def _fingerprint(form: Form, asked: JobRequest) -> str:
    whole = json.dumps([form.sha256, asdict(asked)], sort_keys=True)
    return hashlib.sha256(whole.encode()).hexdigest()


def _check_callback(settings: Settings, url: str | None) -> None:
    if url is None:
        return
    if settings.webhooks is None:
        wanted = "none, since this service has no SEGMENT_WEBHOOK_SECRET"
        raise InvalidRequest([Fault("callback_url", url[:100], wanted)])
    AddressGuard(settings.outbound_allow).check(url)


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
        return problem_response(told, headers)
    require_result(job)
    if job.state is JobState.SUCCEEDED:
        header = await anyio.to_thread.run_sync(queue.result_header, job.id)
        frames = await anyio.to_thread.run_sync(queue.frames, job.id)
        return StreamingResponse(json_blocks(header, frames), 200, headers, "application/json")
    headers["Retry-After"] = str(RETRY_AFTER_S)
    return JSONResponse(JobBody.of(job).model_dump(mode="json"), 202, headers)
