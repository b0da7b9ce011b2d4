"""The formats of others as the OpenAPI document shows them: the parts that their readers need."""

import json
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from formats.catalogue import TEXT_FORMATS
from formats.result import Result
from service import examples
from service.schemas import Segmentation

JSON = "application/json"


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


def shown() -> dict[str, Any]:
    """Return an example of each format that is text, by name: a text, or what is in its JSON."""
    result = Result.of(examples.RESULT, "dog.mp4", lambda: iter([json.dumps(examples.FRAME)]))
    written = {name: "".join(each.write(result)) for name, each in TEXT_FORMATS.items()}
    return {
        name: json.loads(text) if TEXT_FORMATS[name].media_type == JSON else text
        for name, text in written.items()
    }
