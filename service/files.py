"""The result of a job as files in other formats, each a resource of its own."""

from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

import anyio.to_thread
from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse

from formats.catalogue import FILE_FORMATS, TEXT_FORMATS, FileFormat, TextFormat
from formats.result import Result
from jobs.errors import StoreAway
from jobs.values import Job
from pipeline.errors import BrokenVideo, DecoderFailed
from service import examples
from service.dependencies import Shared
from service.errors import (
    FILE,
    JOB,
    RENDERING,
    RESULT,
    InvalidRequest,
    NoMasks,
    StorageFull,
    TooManyTracks,
)
from service.formats import Coco, LabelStudioTask, Ytvis, shown
from service.negotiation import FileAnswer, attachment, preference
from service.problems import problem_answers
from service.results import require_result, text_blocks

Route = Callable[[str, Request, Shared], Coroutine[Any, Any, Response]]

SUMMARIES = {
    "coco.json": "Get a result as COCO JSON",
    "ytvis.json": "Get a result as YouTube-VIS JSON",
    "cvat.xml": "Get a result for CVAT",
    "labelstudio.json": "Get a result as Label Studio's tasks",
    "overlay.mp4": "Get the video with the objects drawn in",
    "alpha.webm": "Get the objects cut out, with transparency",
    "davis.zip": "Get a palette PNG a frame",
    "mattes.zip": "Get a grey PNG a frame and track",
}
VIDEO_ERRORS = {InvalidRequest, BrokenVideo, DecoderFailed, StorageFull}
MODELS = {"coco.json": Coco, "ytvis.json": Ytvis, "labelstudio.json": list[LabelStudioTask]}

router = APIRouter(tags=["files"])


def _add_routes() -> None:
    written = shown()
    for name, text_format in TEXT_FORMATS.items():
        content = {"schema": {"type": "string"}} if name not in MODELS else {}
        answer: dict[str, Any] = {
            "content": {text_format.media_type: content | {"example": written[name]}}
        }
        if name in MODELS:
            answer["model"] = MODELS[name]
        masks = {NoMasks} if text_format.needs_masks else set()
        router.add_api_route(
            f"/jobs/{{job_id}}/files/{name}",
            _text_route(name, text_format),
            name=_operation(name),
            summary=SUMMARIES[name],
            response_class=StreamingResponse,
            response_description="The file.",
            responses={200: answer, **problem_answers(JOB, RESULT, masks, {StoreAway})},
        )
    for name, file_format in FILE_FORMATS.items():
        masks = {NoMasks} if file_format.needs_masks else set()
        tracks = set() if file_format.most_tracks is None else {TooManyTracks}
        binary = {file_format.media_type: {"schema": {"type": "string", "format": "binary"}}}
        router.add_api_route(
            f"/jobs/{{job_id}}/files/{name}",
            _file_route(name, file_format),
            name=_operation(name),
            summary=SUMMARIES[name],
            response_class=FileAnswer,
            response_description="The file.",
            responses={
                200: {"content": binary, "headers": examples.PREFERENCE_HEADER},
                206: {"description": "The part that `Range` asks for.", "content": binary},
                **problem_answers(JOB, RESULT, masks, tracks, RENDERING, FILE, VIDEO_ERRORS),
            },
            openapi_extra={"parameters": [examples.PREFER]},
        )


def _operation(name: str) -> str:
    return f"get_{name.replace('.', '_')}"


def _text_route(name: str, form: TextFormat) -> Route:
    async def get_text(job_id: str, request: Request, shared: Shared) -> Response:  # noqa: ARG001 - `Route`
        queue = shared.queue
        job = await anyio.to_thread.run_sync(queue.get, job_id)
        _require(job, name, form)
        summary = await anyio.to_thread.run_sync(queue.result_summary, job_id)
        result = Result.of(summary, job.request.filename, partial(queue.frames, job_id))
        headers = {"Content-Disposition": attachment(f"{result.name}.{name}")}
        blocks = text_blocks(form.write(result))
        return StreamingResponse(blocks, 200, headers, form.media_type)

    return get_text


def _file_route(name: str, form: FileFormat) -> Route:
    async def get_file(job_id: str, request: Request, shared: Shared) -> Response:
        """It is made when it is first asked for, and kept with the job.

        What isn't ready within `Prefer: wait=N` seconds is a 409 with `Retry-After`: ask again.
        """
        job = await anyio.to_thread.run_sync(shared.queue.get, job_id)
        _require(job, name, form)
        summary = await anyio.to_thread.run_sync(shared.queue.result_summary, job_id)
        last_track = max((track["id"] for track in summary["tracks"]), default=0)
        if form.most_tracks is not None and last_track > form.most_tracks:
            raise TooManyTracks(
                f"{name} can hold {form.most_tracks} tracks, and the job has {last_track}."
            )
        settings = shared.settings
        prefer = preference(request.headers.getlist("prefer"), settings.wait_s, settings.max_wait_s)
        path = await shared.renderer.file(job, name, prefer.wait_s)
        kept = Result.of(summary, job.request.filename, list).name
        headers = {"Content-Disposition": attachment(f"{kept}.{name}")}
        if prefer.applied:
            headers["Preference-Applied"] = prefer.applied
        return FileAnswer(path, 200, headers, form.media_type)

    return get_file


def _require(job: Job, name: str, form: TextFormat | FileFormat) -> None:
    require_result(job)
    if form.needs_masks and job.request.masks == "none":
        raise NoMasks(f"{name} needs a job with masks=rle, got one with masks=none.")


_add_routes()
