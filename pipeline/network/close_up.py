"""The close-up: the part of a picture around what was found in it, at its own resolution."""

from dataclasses import dataclass
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.network.preprocess import Fit, fit, to_network, to_source
from pipeline.network.spec import ModelSpec
from pipeline.objects.postprocess import primary

Number = TypeVar("Number", np.uint8, np.float32)

DETAIL = 2.0
"""Size of the picture that close-ups are cut out of, over the network's."""

SCALE = 1.25
"""Size of a close-up's picture, over the network's; 1.5 gains no more."""

# The box around the object is enlarged so much, and is no less of the picture's sides than that.
_MARGIN = 1.6
_LEAST_SHARE = 0.5
# What the close-up counts beside the whole picture, and the share of its sides over which it fades.
_SHARE = 0.7
_FADE = 0.06


@dataclass(frozen=True)
class CloseUp:
    """Where a close-up lies, in pixels of the detailed picture (height, width) without padding."""

    left: int
    top: int
    to: Fit
    picture: tuple[int, int]

    def cut(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Cut the part out of a detailed picture (H, W, 3) uint8, as the network's picture."""
        part = picture[self.top : self.top + self.to.height, self.left : self.left + self.to.width]
        return to_network(part, self.to)

    def cut_map(self, values: NDArray[Number]) -> NDArray[Number]:
        """Cut the part out of a map (h, w) or (h, w, C), at half the size of the padded picture."""
        height, width = values.shape[:2]
        # Pixels of `values` in one of the result, along x and y.
        across = 2 * self.to.width / self.to.scaled_width * width / self.picture[1]
        down = 2 * self.to.height / self.to.scaled_height * height / self.picture[0]
        first_x = self.left * width / self.picture[1] + across / 2 - 0.5
        first_y = self.top * height / self.picture[0] + down / 2 - 0.5
        size = (self.to.padded_width // 2, self.to.padded_height // 2)
        part = cv2.warpAffine(
            values,
            np.array([[across, 0, first_x], [0, down, first_y]]),
            size,
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )
        return np.asarray(part, values.dtype)

    def paste(self, closer: NDArray[np.float32], whole: NDArray[np.float32]) -> NDArray[np.float32]:
        """Average the close-up's probabilities, padded, with the detailed picture's (H, W)."""
        height, width = self.to.height, self.to.width
        columns = _ramp(width, self.left > 0, self.left + width < self.picture[1])
        rows = _ramp(height, self.top > 0, self.top + height < self.picture[0])
        share = np.float32(_SHARE) * np.minimum(rows[:, None], columns[None, :])
        pasted = whole.copy()
        place = pasted[self.top : self.top + height, self.left : self.left + width]
        place += share * (to_source(closer, self.to) - place)
        return pasted


def close_up(probability: NDArray[np.float32], detail: Fit, spec: ModelSpec) -> CloseUp | None:
    """Choose the part around a clip's primary object; None for no object, or a whole picture."""
    found = np.any([primary(frame >= 0.5) for frame in probability], axis=0)
    left, top, width, height = cv2.boundingRect(found.view(np.uint8))
    if not width:
        return None
    columns = _part(left, width, found.shape[1], detail.scaled_width)
    rows = _part(top, height, found.shape[0], detail.scaled_height)
    if len(columns) == detail.scaled_width and len(rows) == detail.scaled_height:
        return None
    return CloseUp(
        columns.start,
        rows.start,
        fit(len(rows), len(columns), spec, scale=SCALE),
        (detail.scaled_height, detail.scaled_width),
    )


def _part(first: int, length: int, side: int, detailed: int) -> range:
    wanted = min(1.0, max(_MARGIN * length / side, _LEAST_SHARE))
    middle = (first + length / 2) / side
    start = min(max(0.0, middle - wanted / 2), 1 - wanted)
    return range(round(start * detailed), round((start + wanted) * detailed))


def _ramp(length: int, fades_in: bool, fades_out: bool) -> NDArray[np.float32]:
    """Return the close-up's share along a side: 1 but for the edges inside the picture."""
    reach = max(1.0, _FADE * length)
    places = np.arange(length, dtype=np.float32) + np.float32(0.5)
    ramp = np.ones(length, np.float32)
    if fades_in:
        ramp = np.minimum(ramp, places / np.float32(reach))
    if fades_out:
        ramp = np.minimum(ramp, places[::-1] / np.float32(reach))
    return ramp
