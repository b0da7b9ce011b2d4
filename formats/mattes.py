"""Mattes: for each track a sequence of grey pictures, white where the object is."""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from formats.archive import write_archive
from formats.footage import Footage
from formats.result import Result
from pipeline.objects import rle


def mattes(result: Result, footage: Footage, to: Path) -> None:  # noqa: ARG001 - needs no pictures
    """Write a grey PNG a frame from each track's first to its last, black where it isn't seen."""
    write_archive(_members(result), to)


def _members(result: Result) -> Iterator[tuple[str, bytes]]:
    nothing = np.zeros((result.height, result.width), np.uint8)
    coming = sorted(result.tracks, key=lambda track: track.start, reverse=True)
    running = []
    for frame in result.frames():
        while coming and coming[-1].start <= frame.index:
            running.append(coming.pop())
        running = [track for track in running if frame.index < track.stop]
        masks = {found.track: found.mask for found in frame.objects}
        for track in running:
            mask = masks.get(track.id)
            picture = nothing if mask is None else 255 * rle.decode(mask).astype(np.uint8)
            _, encoded = cv2.imencode(".png", picture)
            name = f"{result.name}/track{track.id}/{result.frame_name(frame.index)}.png"
            yield name, encoded.tobytes()
