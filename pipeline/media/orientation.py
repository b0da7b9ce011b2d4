"""How stored pictures are turned and mirrored to be shown, as cameras note it."""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from av.sidedata.sidedata import SideDataContainer, Type
from av.video.frame import VideoFrame
from numpy.typing import NDArray

_TURNS = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}
_LEFT_TO_RIGHT = 1  # of cv2.flip


@dataclass(frozen=True)
class Orientation:
    """One of eight ways to show a picture: degrees clockwise, then mirrored left to right."""

    rotation: int = 0
    mirrored: bool = False

    @property
    def swaps_sides(self) -> bool:
        """Whether the stored height is shown as the width."""
        return self.rotation in {90, 270}

    def show(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        if self.rotation:
            pixels = cv2.rotate(pixels, _TURNS[self.rotation]).astype(np.uint8, copy=False)
        if self.mirrored:
            pixels = cv2.flip(pixels, _LEFT_TO_RIGHT).astype(np.uint8, copy=False)
        return pixels


def orientation_of(frame: VideoFrame) -> Orientation | None:
    """Read the display matrix of a decoded picture, to the nearest quarter; None without one.

    Source: libavutil's display.h: x' = a x + c y, y' = b x + d y, with y pointing down.
    """
    # Not `frame.side_data`, which the frame would keep: a cycle that holds its pixels until Python
    # happens to collect it.
    side_data = SideDataContainer(frame)  # type: ignore[call-arg]  # PyAV's stubs lack it
    if Type.DISPLAYMATRIX not in side_data:
        return None
    matrix = bytes(side_data[Type.DISPLAYMATRIX])
    a, b, _, c, d = np.frombuffer(matrix, np.int32)[:5].tolist()
    mirrored = a * d < b * c
    turned = math.degrees(math.atan2(b, -a if mirrored else a))
    return Orientation(round(turned / 90) * 90 % 360, mirrored)
