"""POST /segment: make a video a job, and wait a little for its result."""

import hashlib
import json
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import anyio.to_thread
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse

from jobs.addresses import AddressGuard
from jobs.errors import StoreAway
from jobs.values import Idempotency, Job, JobRequest, JobState
from service import examples, schemas
from service.bodies import (
    JSON,
    MULTIPART,
    OPTIONS,
    RAW,
    parse_options,
    receive_form,
    receive_url_body,
    receive_video,
    to_request,
)
from service.dependencies import Services, Shared
from service.errors import (
    BODY,
    CALLER,
    QUEUE,
    URL,
    VIDEO,
    Fault,
    InvalidRequest,
    JobCanceled,
    UnsupportedBody,
)
from service.negotiation import Preference
from service.problems import problem_answers, problem_response
from service.receiving import UploadLimits, filename_of
from service.results import json_blocks, require_result
from service.schemas import Result, failure_problem
from service.settings import Settings

RETRY_AFTER_S = 1

router = APIRouter(tags=["segment"])


def _content(name: str, shown: dict[str, Any]) -> dict[str, Any]:
    return {"schema": {"$ref": f"#/components/schemas/{name}"}, "examples": shown}


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
            "model": schemas.Job,
            "description": "The job goes on; look at Location.",
            "content": {"application/json": {"example": examples.RUNNING_JOB}},
            "headers": examples.ANSWER_HEADERS | examples.RETRY_HEADER,
        },
        **problem_answers(BODY, URL, VIDEO, QUEUE, CALLER, {JobCanceled, StoreAway}),
    },
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                MULTIPART: _content("VideoForm", examples.FORMS),
                JSON: _content("VideoUrl", examples.URL_BODIES),
                RAW: {"schema": {"type": "string", "format": "binary"}},
            },
        },
        "parameters": [
            examples.VIDEO_OPTIONS,
            examples.PREFER,
            examples.IDEMPOTENCY_KEY,
            examples.CACHE_CONTROL,
        ],
    },
)
async def segment_video(request: Request, shared: Shared) -> Response:
    """Upload a video as the part `file` of a form, with options as text parts in any order.

    Or name it as the `url` of a JSON object, beside the same options: then the service fetches it.
    Or send it as the body itself, with options as query parameters.
    Every video becomes a job, also where the answer is the result itself: the client may leave
    at any time, and the job goes on.
    """
    prefer = shared.preference(request, shared.settings.wait_s)
    job = await accept(request, shared)
    job = await shared.wait(request, job, prefer.wait_s)
    return await _answer(request, shared, job, prefer)


async def _answer(request: Request, shared: Services, job: Job, prefer: Preference) -> Response:
    queue, links = shared.queue, shared.links
    headers = {"Location": links.job(job.id), **prefer.headers}
    if problem := failure_problem(job, links):
        answered = problem.model_copy(update={"request_id": request.state.request_id})
        request.state.problem = problem.type.rsplit("/", 1)[-1]
        return problem_response(answered, headers)
    require_result(job)
    if job.state is JobState.SUCCEEDED:
        summary = await anyio.to_thread.run_sync(queue.result_summary, job.id)
        frames = await anyio.to_thread.run_sync(queue.frames, job.id)
        return StreamingResponse(json_blocks(summary, frames), 200, headers, "application/json")
    headers["Retry-After"] = str(RETRY_AFTER_S)
    return JSONResponse(schemas.Job.of(job, links).model_dump(mode="json"), 202, headers)


@dataclass(frozen=True)
class Asked:
    """What a request asks for: a video to fetch from `url`, or one received, with its hash."""

    request: JobRequest
    sha256: str | None = None
    url: str | None = None


async def accept(request: Request, shared: Services) -> Job:
    """Make a request a job; leave nothing behind if that fails."""
    if request.query_params and not _media_type(request).startswith("video/"):
        name, got = request.query_params.multi_items()[0]
        raise InvalidRequest(Fault(name[:100], got[:100], "given in the body"))
    key = _idempotency_key(request)
    uploads, queue, span = shared.uploads, shared.queue, shared.tracer.start_as_current_span
    await anyio.to_thread.run_sync(queue.check_room)
    job_id = uploads.new_id()
    upload = uploads.incoming(job_id)
    try:
        with span("receive"):
            asked = await _asked(request, upload, shared.settings)
        _check_callback(shared.settings, asked.request.callback_url)
        idempotency = None if key is None else Idempotency(key, _fingerprint(asked))
        if idempotency is not None:
            job = await anyio.to_thread.run_sync(queue.repeated, idempotency)
            if job is not None:
                return job
        sha256 = asked.sha256
        if asked.url is not None:
            with span("fetch"):
                sha256 = await shared.downloader.download(
                    asked.url, upload, request.is_disconnected
                )
        with span("scan"):
            video = await shared.scanner.scan(upload)
        submit = partial(
            queue.submit,
            idempotency=idempotency,
            sha256=sha256,
            fresh=_wants_fresh(request),
            request_id=request.state.request_id,
        )
        return await anyio.to_thread.run_sync(submit, job_id, asked.request, video)
    finally:
        # Nothing to do for a job: its upload has been moved.
        uploads.discard(job_id)


async def _asked(request: Request, upload: Path, settings: Settings) -> Asked:
    limits = UploadLimits(settings.max_upload_bytes, settings.upload_idle_timeout_s)
    match _media_type(request):
        case kind if kind == MULTIPART or kind.startswith("video/"):
            if kind == MULTIPART:
                form = await receive_form(request, upload, OPTIONS, limits)
            else:
                form = await receive_video(request, upload, limits)
            chosen = parse_options(form.values)
            return Asked(to_request(chosen, form.filename), sha256=form.sha256)
        case kind if kind == JSON:
            body = await receive_url_body(request, settings.upload_idle_timeout_s)
            chosen = parse_options(body.values, strict=True)
            return Asked(to_request(chosen, filename_of(body.url)), url=body.url)
        case _:
            received = request.headers.get("content-type", "")
            raise UnsupportedBody(
                f"Content-Type must be {MULTIPART} with the video in the part `file`, {JSON} with "
                f"its address as `url`, or {RAW}, got {received[:100] or 'none'}."
            )


def _media_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _idempotency_key(request: Request) -> str | None:
    keys = request.headers.getlist("idempotency-key")
    if not keys:
        return None
    if len(keys) > 1 or not (0 < len(keys[0]) <= 255 and keys[0].isprintable()):
        wanted = "one key of 1 to 255 printable characters"
        raise InvalidRequest(Fault("Idempotency-Key", ", ".join(keys)[:100], wanted))
    return keys[0]


def _wants_fresh(request: Request) -> bool:
    given = ",".join(request.headers.getlist("cache-control")).lower().split(",")
    return "no-cache" in {directive.strip() for directive in given}


def _fingerprint(asked: Asked) -> str:
    # Without what an older version didn't know, so that requests may be repeated over an upgrade.
    request = {name: value for name, value in asdict(asked.request).items() if value != {}}
    whole = json.dumps([asked.url or asked.sha256, request], sort_keys=True)
    return hashlib.sha256(whole.encode()).hexdigest()


def _check_callback(settings: Settings, url: str | None) -> None:
    if url is None:
        return
    if settings.webhooks is None:
        wanted = "left out, since this service has no ROTOGRAPH_WEBHOOK_SECRET"
        raise InvalidRequest(Fault("callback_url", url[:100], wanted))
    AddressGuard(settings.outbound_allow).check(url)
