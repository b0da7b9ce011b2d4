"""Found objects drawn over the video, for people to look at."""

import colorsys
from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from av.video.reformatter import ColorRange, Colorspace
from numpy.typing import NDArray

from pipeline import rle
from pipeline.values import Frame, SegmentedFrame, SegmentedObject, VideoInfo

_OPACITY = 0.5
_TIME_BASE = Fraction(1, 90_000)  # whole ticks for every common frame rate, NTSC's too
_GOLDEN_RATIO = 0.618034


def colour_of(track: int) -> tuple[int, int, int]:
    """Choose a track's colour, RGB; colours of tracks that follow each other lie far apart."""
    hue = (0.33 + track * _GOLDEN_RATIO) % 1
    red, green, blue = colorsys.hsv_to_rgb(hue, 0.85, 1.0)
    return round(255 * red), round(255 * green), round(255 * blue)


def draw(pixels: NDArray[np.uint8], objects: Sequence[SegmentedObject]) -> NDArray[np.uint8]:
    """Blend each object's mask and box into a frame (H, W, 3) uint8, RGB.

    Returns:
        A new frame (H, W, 3) uint8, RGB.
    """
    drawn = pixels.copy()
    thickness = max(1, round(min(pixels.shape[:2]) / 240))
    for object_ in objects:
        colour = colour_of(object_.track or 0)
        x, y, width, height = object_.box
        inside = (slice(y, y + height), slice(x, x + width))
        mask = rle.decode(object_.mask)[inside]
        region = drawn[inside]
        tint = np.full_like(region, colour)
        blended = cv2.addWeighted(region, 1 - _OPACITY, tint, _OPACITY, 0)
        region[mask] = blended[mask]
        cv2.rectangle(drawn, (x, y), (x + width - 1, y + height - 1), colour, thickness)
    return drawn


def write_overlay(
    frames: Iterable[Frame], segmented: Iterable[SegmentedFrame], info: VideoInfo, to: Path
) -> None:
    """Write the frames with their objects drawn as H.264 in MP4, each at its own time.

    Args:
        frames: of the video.
        segmented: the objects of the same frames.
        info: of the video.
        to: the file written, ending in `.mp4`.

    Raises:
        ValueError: the two don't hold the same frames.
    """
    with av.open(str(to), "w", options={"movflags": "faststart"}) as container:
        stream = container.add_stream(
            "libx264", rate=info.fps, options={"crf": "20", "preset": "veryfast"}
        )
        # 4:2:0 colour needs even sides.
        stream.width, stream.height = info.width + info.width % 2, info.height + info.height % 2
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = _TIME_BASE
        stream.codec_context.sample_aspect_ratio = info.pixel_aspect
        stream.codec_context.colorspace = Colorspace.ITU709
        stream.codec_context.color_range = ColorRange.MPEG
        for frame, found in zip(frames, segmented, strict=True):
            if frame.index != found.index:
                raise ValueError(f"Got objects of frame {found.index}, wanted {frame.index}'s.")
            pixels = cv2.copyMakeBorder(
                draw(frame.pixels, found.objects),
                *(0, info.height % 2, 0, info.width % 2),
                cv2.BORDER_REPLICATE,
            ).astype(np.uint8, copy=False)
            picture = av.VideoFrame.from_ndarray(pixels, format="rgb24").reformat(
                format="yuv420p",
                dst_colorspace=Colorspace.ITU709,
                dst_color_range=ColorRange.MPEG,
            )
            picture.pts, picture.time_base = round(frame.time_s / _TIME_BASE), _TIME_BASE
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
