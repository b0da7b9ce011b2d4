"""A result as the service keeps it, with masks that the tests know."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from formats.result import Result
from pipeline.objects import rle

HEIGHT, WIDTH = 45, 62
FRAMES = 9
EVERY = 2

ACTIONS = {1: "none", 2: "run"}

Masks = Mapping[int, Mapping[int, NDArray[np.bool_]]]


@dataclass(frozen=True)
class Sample:
    """A result, and the masks (H, W) bool that it is made of, by frame and track."""

    summary: dict[str, Any]
    lines: list[str]
    masks: Masks

    @property
    def result(self) -> Result:
        return Result.of(self.summary, "../my dög.final.mp4", lambda: iter(self.lines))


def sample(*, with_masks: bool = True) -> Sample:
    """Make every second of 18 frames: two ragged objects, one of which is away for a while."""
    random = np.random.default_rng(7)
    masks = {EVERY * n: _masks(n, random) for n in range(FRAMES)}
    lines = [json.dumps(_frame(index, objects, with_masks)) for index, objects in masks.items()]
    seen = {track: [i for i, found in masks.items() if track in found] for track in (1, 2)}
    summary = {
        "id": "4b3403665fea4d1ab4ec9a1c1cf5d2a0",
        "model": {"name": "small", "version": "2026.11.1"},
        "video": {
            "width": WIDTH,
            "height": HEIGHT,
            "frame_count": EVERY * FRAMES,
            "fps": "30000/1001",
            "duration_s": float(EVERY * FRAMES / Fraction(30000, 1001)),
            "rotation": 0,
        },
        "tracks": [
            {
                "id": track,
                "score": 0.9 - track / 10,
                "start": at[0],
                "stop": at[-1] + 1,
                "actions": [{"label": ACTIONS[track], "score": 0.7}],
            }
            for track, at in seen.items()
        ],
    }
    return Sample(summary, lines, masks)


def _masks(n: int, random: np.random.Generator) -> dict[int, NDArray[np.bool_]]:
    masks: dict[int, NDArray[np.bool_]] = {}
    if n != 3:  # nothing at all in frame 6
        first = np.zeros((HEIGHT, WIDTH), bool)
        first[3:20, 2 + n : 18 + n] = random.random((17, 16)) < 0.8
        masks[1] = first
    if n in {1, 2, 5, 6, 7}:
        second = np.zeros((HEIGHT, WIDTH), bool)
        second[HEIGHT - 12 :, WIDTH - 9 :] = True
        second[HEIGHT - 10 : HEIGHT - 6, WIDTH - 5 : WIDTH - 2] = False  # a hole
        masks[2] = second
    return masks


def _frame(index: int, masks: Mapping[int, NDArray[np.bool_]], with_masks: bool) -> dict[str, Any]:
    objects = []
    for track, mask in masks.items():
        encoded = rle.encode(mask)
        found: dict[str, Any] = {
            "track": track,
            "score": 0.75,
            "box": list(rle.box(encoded)),
            "area": int(mask.sum()),
        }
        if with_masks:
            found["segmentation"] = {"size": [HEIGHT, WIDTH], "counts": encoded.counts}
        objects.append(found)
    return {"index": index, "time_s": round(index * 1001 / 30000, 6), "objects": objects}
