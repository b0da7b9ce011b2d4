"""The formats of a result on offer, and how the OpenAPI document shows those of others."""

import json
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from formats.catalogue import FILE_FORMATS, TEXT_FORMATS
from formats.result import Result
from service import examples
from service.schemas import Segmentation

JSON = "application/json"
NDJSON = "application/x-ndjson"

FORMATS = ("json", "ndjson", *TEXT_FORMATS, *FILE_FORMATS)
if TYPE_CHECKING:
    Format = str  # mypy reads no Literal that is made at run time
else:
    Format = Literal[FORMATS]

FILES: dict[str, Any] = {
    each.media_type: {"schema": {"type": "string", "contentMediaType": each.media_type}}
    for each in FILE_FORMATS.values()
}
"""The formats that are files, as the OpenAPI document shows their content."""


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


def content() -> dict[str, Any]:
    """Describe a result in each format, with an example of those that are text."""
    result = Result.of(examples.RESULT, "dog.mp4", lambda: iter([json.dumps(examples.FRAME)]))
    written = {name: "".join(each.write(result)) for name, each in TEXT_FORMATS.items()}
    of_json = {
        name: {"summary": f"format={name}", "value": json.loads(text)}
        for name, text in written.items()
        if TEXT_FORMATS[name].media_type == JSON
    }
    of_json = {"json": {"summary": "format=json", "value": examples.RESULT}, **of_json}
    xml = {
        each.media_type: {"schema": {"type": "string"}, "example": written[name]}
        for name, each in TEXT_FORMATS.items()
        if each.media_type != JSON
    }
    frames = {"schema": {"$ref": "#/components/schemas/FrameBody"}, "example": examples.FRAME}
    return {JSON: {"examples": of_json}, NDJSON: frames, **xml, **FILES}
