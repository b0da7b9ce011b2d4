"""From a request to a job: receive or fetch the video, look at it, and queue it."""

import hashlib
import json
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import anyio
import anyio.to_thread
from starlette.requests import Request

from jobs.addresses import AddressGuard
from jobs.values import Idempotency, Job, JobRequest
from service.download import filename_of
from service.errors import Fault, InvalidRequest, UnsupportedBody
from service.options import WANTED, parse_options
from service.receiving import UploadLimits
from service.settings import Settings
from service.state import Services
from service.upload import MULTIPART, receive_form
from service.url_body import JSON, receive_url_body


@dataclass(frozen=True)
class Asked:
    """What a request asks for.

    Attributes:
        request: of the job.
        sha256: of the video; None where it is to be fetched.
        url: to fetch the video from; None where the request brought it.
    """

    request: JobRequest
    sha256: str | None = None
    url: str | None = None


async def accept(request: Request, shared: Services) -> Job:
    """Make a request a job; leave nothing behind if that fails."""
    if request.query_params:
        name, got = request.query_params.multi_items()[0]
        wanted = "options in the body"
        raise InvalidRequest([Fault(name[:100], got[:100], wanted)])
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
    received = request.headers.get("content-type", "")
    match received.partition(";")[0].strip().lower():
        case kind if kind == MULTIPART:
            limits = UploadLimits(settings.max_upload_bytes, settings.upload_idle_timeout_s)
            form = await receive_form(request, upload, list(WANTED), limits)
            options = parse_options(form.values)
            return Asked(options.to_request(form.filename), sha256=form.sha256)
        case kind if kind == JSON:
            body = await receive_url_body(request, settings.upload_idle_timeout_s)
            options = parse_options(body.values, strict=True)
            return Asked(options.to_request(filename_of(body.url)), url=body.url)
        case _:
            raise UnsupportedBody(
                f"Got Content-Type {received[:100] or '(none)'}, wanted {MULTIPART} with the video "
                f"in the part `file`, or {JSON} with its address as `url`."
            )


def _idempotency_key(request: Request) -> str | None:
    keys = request.headers.getlist("idempotency-key")
    if not keys:
        return None
    if len(keys) > 1 or not (0 < len(keys[0]) <= 255 and keys[0].isprintable()):
        wanted = "one key of 1 to 255 printable characters"
        raise InvalidRequest([Fault("Idempotency-Key", ", ".join(keys)[:100], wanted)])
    return keys[0]


def _wants_fresh(request: Request) -> bool:
    given = ",".join(request.headers.getlist("cache-control")).lower().split(",")
    return "no-cache" in {directive.strip() for directive in given}


def _fingerprint(asked: Asked) -> str:
    whole = json.dumps([asked.url or asked.sha256, asdict(asked.request)], sort_keys=True)
    return hashlib.sha256(whole.encode()).hexdigest()


def _check_callback(settings: Settings, url: str | None) -> None:
    if url is None:
        return
    if settings.webhooks is None:
        wanted = "none, since this service has no SEGMENT_WEBHOOK_SECRET"
        raise InvalidRequest([Fault("callback_url", url[:100], wanted)])
    AddressGuard(settings.outbound_allow).check(url)
