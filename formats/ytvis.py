"""YouTube-VIS JSON: a video, and for each track its mask in every frame or null.

Source: https://youtube-vos.org/dataset/vis/ (the file of annotations, whose run lengths aren't
compressed; those of results are); `score` is that of its results.
"""

from collections.abc import Callable, Iterator
from typing import Any

from formats.by_track import ByTrack, Sighting
from formats.result import Result, ResultObject
from formats.runs import run_lengths
from formats.text import array, categories, dump
from pipeline.objects import rle


def ytvis(result: Result) -> Iterator[str]:
    """Write a result with masks as YouTube-VIS JSON, in pieces; annotations have track ids."""
    acting = result.acting()
    with ByTrack() as by_track:
        yield f'{{"info":{dump({"description": result.description})},"licenses":[],'
        yield f'"categories":{dump(categories(result.categories))},'
        yield f'"videos":[{{"id":1,"width":{result.width},"height":{result.height},"file_names":'
        yield from array(_file_names(result, by_track))
        length = by_track.frame_count
        yield f',"length":{length}}}],"annotations":['
        for number, track in enumerate(result.tracks):
            annotation: dict[str, Any] = {
                "id": track.id,
                "video_id": 1,
                "category_id": result.categories.index(result.category_of(track.id)) + 1,
                "score": track.score,
                "iscrowd": 0,
                "width": result.width,
                "height": result.height,
                "length": length,
            }
            if action := acting.get(track.id):
                annotation["attributes"] = {"action": action.label}
            yield ("," if number else "") + dump(annotation).removesuffix("}")
            for name, value_of in _LISTS.items():
                yield f',"{name}":'
                yield from array(_in_every_frame(by_track.sightings(track.id), length, value_of))
            yield "}"
        yield "]}\n"


def _file_names(result: Result, by_track: ByTrack) -> Iterator[str]:
    for frame in by_track.passing(result.frames()):
        yield f"{result.name}/{result.frame_name(frame.index)}.jpg"


def _in_every_frame(
    sightings: Iterator[Sighting], length: int, value_of: Callable[[ResultObject], Any]
) -> Iterator[Any]:
    """Yield a value of the object in each frame of the video, None where it isn't seen."""
    sighting = next(sightings, None)
    for position in range(length):
        if sighting is not None and sighting.position == position:
            yield value_of(sighting.found)
            sighting = next(sightings, None)
        else:
            yield None


def _segmentation(found: ResultObject) -> dict[str, Any]:
    assert found.mask is not None, "the result has no masks"
    counts = run_lengths(rle.decode(found.mask).ravel(order="F"))
    return {"size": [found.mask.height, found.mask.width], "counts": counts.tolist()}


_LISTS: dict[str, Callable[[ResultObject], Any]] = {
    "segmentations": _segmentation,
    "bboxes": lambda found: list(found.box),
    "areas": lambda found: found.area,
}
