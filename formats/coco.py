"""COCO JSON: a list of images, and a list of the objects on them.

Source: https://cocodataset.org/#format-data; `track_id`, `video_id`, `frame_index` and `videos`
are those of TAO (https://github.com/TAO-Dataset/tao).
"""

from collections.abc import Iterator
from typing import Any

from formats.result import Result, ResultFrame
from formats.text import array, categories, dump


def coco(result: Result) -> Iterator[str]:
    """Write a result as COCO JSON, in pieces; ids count from 1, as pycocotools takes 0 for none."""
    video = {"id": 1, "name": result.name, "width": result.width, "height": result.height}
    yield f'{{"info":{dump({"description": result.description})},"licenses":[],'
    yield f'"videos":{dump([video])},"categories":{dump(categories(result.categories))},"images":'
    yield from array(_image(result, frame) for frame in result.frames())
    yield ',"annotations":'
    yield from array(_annotations(result))
    yield "}\n"


def _image(result: Result, frame: ResultFrame) -> dict[str, Any]:
    return {
        "id": frame.index + 1,
        "video_id": 1,
        "frame_index": frame.index,
        "time_s": frame.time_s,
        "file_name": f"{result.frame_name(frame.index)}.jpg",
        "width": result.width,
        "height": result.height,
    }


def _annotations(result: Result) -> Iterator[dict[str, Any]]:
    acting = result.acting()
    number = 0
    for frame in result.frames():
        for found in frame.objects:
            number += 1
            annotation: dict[str, Any] = {
                "id": number,
                "image_id": frame.index + 1,
                "video_id": 1,
                "track_id": found.track,
                "category_id": result.categories.index(result.category_of(found.track)) + 1,
                "score": found.score,
                "bbox": list(found.box),
                "area": found.area,
                "iscrowd": 0,
            }
            if action := acting.get(found.track):
                annotation["attributes"] = {"action": action.label}
            if found.mask is not None:
                annotation["segmentation"] = {
                    "size": [found.mask.height, found.mask.width],
                    "counts": found.mask.counts,
                }
            yield annotation
