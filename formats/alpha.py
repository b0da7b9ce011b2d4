"""The objects cut out of the video: VP9 with transparency, for editors and web pages."""

from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from formats.footage import Footage
from formats.pictures import encoded, set_up
from formats.result import Result, ResultFrame
from formats.webm import MOST_PIXELS, reserve_display_size, write_display_size
from pipeline.objects import rle

_TIME_BASE = Fraction(1, 1000)  # WebM has no finer one
_OPTIONS = {
    "crf": "30",
    "b": "0",
    "deadline": "good",
    "cpu-used": "5",
    "row-mt": "1",
    "auto-alt-ref": "0",
}
_MARGIN = 8  # pixels around the objects that keep their colour, so that no edge turns dark


def alpha(result: Result, footage: Footage, to: Path) -> None:
    """Write VP9 that is opaque where an object is; raises VideoError."""
    with av.open(str(to), "w", format="webm") as container:
        info, indices = footage.video.info, result.indices()
        stream = container.add_stream("libvpx-vp9", rate=info.fps, options=_OPTIONS)
        stream.pix_fmt = "yuva420p"
        set_up(stream, info.width, info.height, info.pixel_aspect, _TIME_BASE)
        pictures = (
            (frame.index, VideoFrame.from_ndarray(cut_out(frame.pixels, found), format="rgba"))
            for frame, found in footage.with_objects(result, indices)
        )
        reserve_display_size(stream)
        for packet in encoded(stream, pictures, footage, indices):
            container.mux(packet)
    width = round(info.width * info.pixel_aspect)
    write_display_size(to, max(1, min(width, MOST_PIXELS)), info.height)


def cut_out(pixels: NDArray[np.uint8], frame: ResultFrame) -> NDArray[np.uint8]:
    """Return a frame (H, W, 3), RGB, as RGBA: opaque where an object is, black farther away."""
    height, width, _ = pixels.shape
    opacity: NDArray[np.uint8] = np.zeros((height, width), np.uint8)
    for found in frame.objects:
        assert found.mask is not None, "the result has no masks"
        opacity[rle.decode(found.mask)] = 255
    square = np.ones((2 * _MARGIN + 1, 2 * _MARGIN + 1), np.uint8)
    near = cv2.dilate(opacity, square)
    return np.dstack([cv2.bitwise_and(pixels, pixels, mask=near), opacity]).astype(np.uint8)
