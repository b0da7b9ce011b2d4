"""The masks of a frame's objects by their numbers: true ones, and those of tracks."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from dataset.values import read_numbers
from pipeline.objects import rle
from pipeline.values import Rle, SegmentedFrame

Objects = Mapping[int, Rle]
"""The masks of a frame's objects, by their numbers."""


def read(paths: Iterable[Path]) -> list[Objects]:
    """Read pictures, one a frame, whose values are the objects' numbers, 0 the background."""
    frames: list[Objects] = []
    for path in paths:
        numbers = read_numbers(path)
        frames.append({int(n): rle.encode(numbers == n) for n in np.unique(numbers) if n})
    return frames


def of_tracks(frames: Iterable[SegmentedFrame]) -> list[Objects]:
    return [{one.track: one.mask for one in f.objects if one.track is not None} for f in frames]
