"""Found objects drawn over the video, with its sound, for people to look at."""

import colorsys
from collections.abc import Mapping, Sequence
from fractions import Fraction
from heapq import merge
from pathlib import Path

import av
import cv2
import numpy as np
from av.packet import Packet
from av.stream import Stream
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from formats.footage import Footage
from formats.pictures import encoded, set_up
from formats.result import Result, ResultObject
from formats.soundtrack import soundtrack
from pipeline.objects import rle
from pipeline.values import Action

_OPACITY = 0.5
_TIME_BASE = Fraction(1, 90_000)  # whole ticks for every common frame rate, NTSC's too
# MP4 keeps how long a frame is shown only where frames are stored in the order they are shown in,
# and when the sound sets in to a millisecond unless told otherwise.
_CODEC_OPTIONS = {"crf": "20", "preset": "veryfast", "bf": "0"}
_CONTAINER_OPTIONS = {"movflags": "faststart", "movie_timescale": str(_TIME_BASE.denominator)}
_GOLDEN_RATIO = 0.618034
# As in Figure 4 of Hou et al., BMVC 2019.
_ACTING_MASK, _ACTING_BOX = (255, 0, 0), (255, 255, 0)
_FONT = cv2.FONT_HERSHEY_SIMPLEX


def colour_of(track: int) -> tuple[int, int, int]:
    """Choose a track's colour, RGB; those of successive tracks lie far apart."""
    hue = (0.33 + track * _GOLDEN_RATIO) % 1
    red, green, blue = colorsys.hsv_to_rgb(hue, 0.85, 1.0)
    return round(255 * red), round(255 * green), round(255 * blue)


def draw(
    pixels: NDArray[np.uint8],
    objects: Sequence[ResultObject],
    acting: Mapping[int, Action] | None = None,
) -> NDArray[np.uint8]:
    """Draw masks, boxes and the names of actions into a copy of a frame (H, W, 3), RGB."""
    drawn = pixels.copy()
    thickness = max(1, round(min(pixels.shape[:2]) / 240))
    for found in objects:
        action = (acting or {}).get(found.track)
        colour = colour_of(found.track) if action is None else _ACTING_MASK
        x, y, width, height = found.box
        if found.mask is not None:
            inside = (slice(y, y + height), slice(x, x + width))
            mask = rle.decode(found.mask)[inside]
            region = drawn[inside]
            tint = np.full_like(region, colour)
            blended = cv2.addWeighted(region, 1 - _OPACITY, tint, _OPACITY, 0)
            region[mask] = blended[mask]
        edge = colour if action is None else _ACTING_BOX
        cv2.rectangle(drawn, (x, y), (x + width - 1, y + height - 1), edge, thickness)
        if action is not None:
            _write_label(drawn, f"{action.label.replace('_', ' ')} {action.score:.2f}", (x, y))
    return drawn


def _write_label(drawn: NDArray[np.uint8], text: str, at: tuple[int, int]) -> None:
    """Write black on yellow above a box, or inside where there is no room above."""
    scale = max(0.4, min(drawn.shape[:2]) / 600)
    thickness = max(1, round(scale))
    (width, height), below = cv2.getTextSize(text, _FONT, scale, thickness)
    left = max(0, min(at[0], drawn.shape[1] - width))
    top = max(0, at[1] - height - below)
    corner = (left + width - 1, top + height + below - 1)
    cv2.rectangle(drawn, (left, top), corner, _ACTING_BOX, cv2.FILLED)
    cv2.putText(drawn, text, (left, top + height), _FONT, scale, (0, 0, 0), thickness, cv2.LINE_AA)


def overlay(result: Result, footage: Footage, to: Path) -> None:
    """Write H.264 in MP4, the objects drawn in, with the sound; raises VideoError."""
    video, indices, acting = footage.video, result.indices(), result.acting()
    ended = indices[-1] + indices.step >= video.info.frame_count
    stop_s = None if ended else footage.until_s(indices[-1], indices.step)
    with av.open(str(to), "w", format="mp4", options=_CONTAINER_OPTIONS) as container:
        stream = container.add_stream("libx264", rate=video.info.fps, options=_CODEC_OPTIONS)
        # 4:2:0 colour needs even sides.
        width, height = (side + side % 2 for side in (video.info.width, video.info.height))
        stream.pix_fmt = "yuv420p"
        set_up(stream, width, height, video.info.pixel_aspect, _TIME_BASE)
        sound = soundtrack(footage, container, video.time_s(indices[0]), stop_s)
        drawn = (
            (frame.index, _even(draw(frame.pixels, found.objects, acting)))
            for frame, found in footage.with_objects(result, indices)
        )
        for packet in merge(encoded(stream, drawn, footage, indices), sound, key=_time_s):
            container.mux(packet)


def _even(pixels: NDArray[np.uint8]) -> VideoFrame:
    height, width, _ = pixels.shape
    even = cv2.copyMakeBorder(pixels, *(0, height % 2, 0, width % 2), cv2.BORDER_REPLICATE)
    return VideoFrame.from_ndarray(even.astype(np.uint8, copy=False), format="rgb24")


def _time_s(packet: "Packet[Stream]") -> Fraction:
    assert packet.dts is not None
    assert packet.time_base is not None
    return packet.dts * packet.time_base
