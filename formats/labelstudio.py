"""Label Studio: a task for each frame, with the objects on it as predictions.

Source: https://labelstud.io/guide/predictions and, for the run lengths of brushes, rle-pack of
https://github.com/thi-ng/umbrella, which Label Studio keeps masks in.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from formats.result import Result, ResultFrame, ResultObject
from formats.runs import run_lengths
from formats.text import array
from pipeline.objects import rle
from pipeline.values import Action

_CHANNELS = 4  # a brush is kept as RGBA
_SIZES = (3, 4, 8, 16)  # bits that the length of a run may take


def labelstudio(result: Result) -> Iterator[str]:
    """Write a result as Label Studio's tasks, in pieces: masks as brushes, or boxes."""
    acting = result.acting()
    yield from array(_task(result, frame, acting) for frame in result.frames())
    yield "\n"


def _task(result: Result, frame: ResultFrame, acting: Mapping[int, Action]) -> dict[str, Any]:
    picture = f"{result.frame_name(frame.index)}.jpg"
    scores = [found.score for found in frame.objects]
    return {
        "data": {
            "image": picture,
            "video": result.name,
            "frame_index": frame.index,
            "time_s": frame.time_s,
        },
        "predictions": [
            {
                "model_version": result.model,
                "score": round(sum(scores) / len(scores), 4) if scores else 0.0,
                "result": [_region(result, found, acting) for found in frame.objects],
            }
        ],
    }


def _region(result: Result, found: ResultObject, acting: Mapping[int, Action]) -> dict[str, Any]:
    category = result.category_of(found.track)
    meta: dict[str, Any] = {"track": found.track}
    if action := acting.get(found.track):
        meta["action"] = action.label
    region = {
        "id": f"track{found.track}",
        "to_name": "image",
        "original_width": result.width,
        "original_height": result.height,
        "image_rotation": 0,
        "score": found.score,
        "meta": meta,
    }
    if found.mask is not None:
        brush = pack(rle.decode(found.mask))
        value = {"format": "rle", "rle": brush, "brushlabels": [category]}
        return region | {"type": "brushlabels", "from_name": "mask", "value": value}
    x, y, width, height = found.box
    box = {
        "x": 100 * x / result.width,
        "y": 100 * y / result.height,
        "width": 100 * width / result.width,
        "height": 100 * height / result.height,
        "rotation": 0,
        "rectanglelabels": [category],
    }
    return region | {"type": "rectanglelabels", "from_name": "box", "value": box}


def pack(mask: NDArray[np.bool_]) -> list[int]:
    """Pack a mask (H, W) into the bytes that Label Studio keeps a brush in.

    The pixels go row by row, each as four bytes of 0 or 255. After the number of bytes, and the
    bits of a byte and of a run's length, each run is: 1, which of the sizes its length has, its
    length less 1, and the byte.
    """
    header = [f"{mask.size * _CHANNELS:032b}", f"{8 - 1:05b}"]
    header += [f"{bits - 1:04b}" for bits in _SIZES]
    runs = run_lengths(mask.ravel()) * _CHANNELS
    packed = [
        part
        for number, length in enumerate(runs.tolist())
        for part in _run(length, 255 * (number % 2))
    ]
    bits = "".join(header + packed)
    bits += "0" * (-len(bits) % 8)
    return list(int(bits, 2).to_bytes(len(bits) // 8, "big"))


def _run(length: int, byte: int) -> Iterator[str]:
    while length > 0:
        part = min(length, 2 ** _SIZES[-1])
        kind = next(kind for kind, bits in enumerate(_SIZES) if part <= 2**bits)
        yield f"1{kind:02b}{part - 1:0{_SIZES[kind]}b}{byte:08b}"
        length -= part
