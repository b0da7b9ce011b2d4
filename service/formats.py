"""The result of a job in the formats of others: a resource each, with what its readers need."""

import json
from collections.abc import Callable, Collection, Coroutine
from functools import partial
from typing import Annotated, Any

import anyio
import anyio.to_thread
from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

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
from service.negotiation import FileAnswer, attachment
from service.problems import problem_answers
from service.results import JSON, require_result, text_blocks
from service.schemas import Segmentation

Route = Callable[[str, Request, Shared], Coroutine[Any, Any, Response]]

VIDEO_ERRORS = {InvalidRequest, BrokenVideo, DecoderFailed, StorageFull}

router = APIRouter(tags=["files"])


class Foreign(BaseModel):
    """The base of what isn't ours: fields beside those named are left to the format."""

    model_config = ConfigDict(extra="allow", frozen=True)


class Category(Foreign):
    """What an object can be."""

    id: Annotated[int, Field(ge=1)]
    name: str


class CocoImage(Foreign):
    """A frame."""

    id: Annotated[int, Field(ge=1, description="One more than the frame's index.")]
    file_name: str
    width: int
    height: int
    frame_index: Annotated[int, Field(ge=0, description="0-based frame of the source video.")]


class CocoAnnotation(Foreign):
    """An object in a frame."""

    id: Annotated[int, Field(ge=1)]
    image_id: Annotated[int, Field(ge=1)]
    category_id: Annotated[int, Field(ge=1)]
    track_id: Annotated[int, Field(ge=1)]
    bbox: Annotated[tuple[int, int, int, int], Field(description="x, y, width, height.")]
    area: int
    segmentation: Segmentation | None = None


class Coco(Foreign):
    """COCO JSON."""

    images: list[CocoImage]
    annotations: list[CocoAnnotation]
    categories: list[Category]


class YtvisSegmentation(Foreign):
    """A mask as run lengths, down the columns; the first run is of background."""

    size: Annotated[tuple[int, int], Field(description="Height, width.")]
    counts: list[int]


class YtvisVideo(Foreign):
    """A video."""

    id: Annotated[int, Field(ge=1)]
    width: int
    height: int
    length: int
    file_names: list[str]


class YtvisAnnotation(Foreign):
    """A track: each list has an entry a frame, null where it isn't seen."""

    id: Annotated[int, Field(ge=1)]
    video_id: Annotated[int, Field(ge=1)]
    category_id: Annotated[int, Field(ge=1)]
    segmentations: list[YtvisSegmentation | None]
    bboxes: list[tuple[int, int, int, int] | None]
    areas: list[int | None]


class Ytvis(Foreign):
    """YouTube-VIS JSON."""

    videos: list[YtvisVideo]
    annotations: list[YtvisAnnotation]
    categories: list[Category]


class LabelStudioData(Foreign):
    """What a task is about: a frame."""

    image: str
    frame_index: Annotated[int, Field(ge=0, description="0-based frame of the source video.")]


class LabelStudioTask(Foreign):
    """A task of Label Studio: a frame, with its objects as predictions."""

    data: LabelStudioData
    predictions: list[dict[str, object]]


MODELS = {"coco.json": Coco, "ytvis.json": Ytvis, "labelstudio.json": list[LabelStudioTask]}


def _add_routes() -> None:
    written = _examples()
    for name, text_format in TEXT_FORMATS.items():
        content = {"schema": {"type": "string"}} if name not in MODELS else {}
        answer: dict[str, Any] = {
            "content": {text_format.media_type: content | {"example": written[name]}},
            "headers": examples.PREFERENCE_HEADER,
        }
        if name in MODELS:
            answer["model"] = MODELS[name]
        answers = {200: answer, **_problems(text_format, {StoreAway})}
        _add_route(name, text_format, _text_route(name, text_format), StreamingResponse, answers)
    for name, file_format in FILE_FORMATS.items():
        tracks = set() if file_format.most_tracks is None else {TooManyTracks}
        binary = {file_format.media_type: {"schema": {"type": "string", "format": "binary"}}}
        answers = {
            200: {"content": binary, "headers": examples.PREFERENCE_HEADER},
            206: {"description": "The part that `Range` asks for.", "content": binary},
            304: {"description": "`If-None-Match` names it."},
            **_problems(file_format, tracks, RENDERING, FILE, VIDEO_ERRORS),
        }
        _add_route(name, file_format, _file_route(name, file_format), FileAnswer, answers)


def _add_route(
    name: str,
    form: TextFormat | FileFormat,
    route: Route,
    response_class: type[Response],
    answers: dict[int | str, dict[str, Any]],
) -> None:
    router.add_api_route(
        f"/jobs/{{job_id}}/files/{name}",
        route,
        name=f"get_{name.replace('.', '_')}",
        summary=form.summary,
        response_class=response_class,
        response_description="The file.",
        responses=answers,
        openapi_extra={"parameters": [examples.PREFER]},
    )


def _problems(
    form: TextFormat | FileFormat, *others: Collection[type[Exception]]
) -> dict[int | str, dict[str, Any]]:
    masks = {NoMasks} if form.needs_masks else set()
    return problem_answers(JOB, RESULT, masks, *others)


def _text_route(name: str, form: TextFormat) -> Route:
    async def get_text(job_id: str, request: Request, shared: Shared) -> Response:
        queue, prefer = shared.queue, shared.preference(request)
        job = await anyio.to_thread.run_sync(queue.get, job_id)
        job = await shared.wait(request, job, prefer.wait_s)
        _require(job, name, form)
        summary = await anyio.to_thread.run_sync(queue.result_summary, job_id)
        result = Result.of(summary, job.request.filename, partial(queue.frames, job_id))
        headers = {"Content-Disposition": attachment(f"{result.name}.{name}"), **prefer.headers}
        blocks = text_blocks(form.write(result))
        return StreamingResponse(blocks, 200, headers, form.media_type)

    return get_text


def _file_route(name: str, form: FileFormat) -> Route:
    async def get_file(job_id: str, request: Request, shared: Shared) -> Response:
        """It is made when it is first asked for, and kept with the job.

        What isn't ready within `Prefer: wait=N` seconds is a 425 with `Retry-After`: ask again.
        """
        until = anyio.current_time() + shared.preference(request, shared.settings.wait_s).wait_s
        prefer = shared.preference(request)
        job = await anyio.to_thread.run_sync(shared.queue.get, job_id)
        job = await shared.wait(request, job, prefer.wait_s)
        _require(job, name, form)
        summary = await anyio.to_thread.run_sync(shared.queue.result_summary, job_id)
        last_track = max((track["id"] for track in summary["tracks"]), default=0)
        if form.most_tracks is not None and last_track > form.most_tracks:
            raise TooManyTracks(
                f"{name} can hold {form.most_tracks} tracks, and the job has {last_track}."
            )
        left_s = max(until - anyio.current_time(), 0)
        path = await shared.renderer.file(job, name, left_s)
        kept = Result.of(summary, job.request.filename, list).name
        headers = {"Content-Disposition": attachment(f"{kept}.{name}"), **prefer.headers}
        return FileAnswer(path, 200, headers, form.media_type)

    return get_file


def _require(job: Job, name: str, form: TextFormat | FileFormat) -> None:
    require_result(job)
    if form.needs_masks and job.request.masks == "none":
        raise NoMasks(f"{name} needs a job with masks=rle, got one with masks=none.")


def _examples() -> dict[str, Any]:
    """Return an example of each text format, by name: a text, or what is in its JSON."""
    result = Result.of(examples.RESULT, "dog.mp4", lambda: iter([json.dumps(examples.FRAME)]))
    written = {name: "".join(each.write(result)) for name, each in TEXT_FORMATS.items()}
    return {
        name: json.loads(text) if TEXT_FORMATS[name].media_type == JSON else text
        for name, text in written.items()
    }


_add_routes()
