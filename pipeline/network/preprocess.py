"""Frame to network picture and back: scaling, padding and their exact inverse."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.network.spec import ModelSpec
from pipeline.values import Fault

Pictures = tuple[NDArray[np.uint8], ...]
"""One frame in each size that the network sees it in."""

Scaled = tuple[Pictures, Fault | None]
"""A decoded frame, and what is wrong with it, as `Frame.fault`."""


@dataclass(frozen=True)
class Fit:
    """How a frame lies in the network's picture: scaled, then padded right and below; pixels."""

    height: int
    width: int
    scaled_height: int
    scaled_width: int
    padded_height: int
    padded_width: int


def fit(
    height: int,
    width: int,
    spec: ModelSpec,
    pixel_aspect: Fraction = Fraction(1),
    scale: float = 1.0,
) -> Fit:
    """Choose a picture of square pixels for a frame, `scale` times as large as the spec's."""
    shown_width = width * float(pixel_aspect)
    factor = scale * min(
        spec.short_side / min(height, shown_width), spec.long_side / max(height, shown_width)
    )
    scaled_height = max(1, round(height * factor))
    scaled_width = max(1, round(shown_width * factor))
    return Fit(
        height,
        width,
        scaled_height,
        scaled_width,
        -(-scaled_height // spec.multiple) * spec.multiple,
        -(-scaled_width // spec.multiple) * spec.multiple,
    )


def to_network(frame: NDArray[np.uint8], to: Fit) -> NDArray[np.uint8]:
    """Scale and pad a frame (H, W, 3) by repeating edges; ValueError if `to` is of another size."""
    if frame.shape != (to.height, to.width, 3):
        raise ValueError(f"The frame must be {(to.height, to.width, 3)}, got {frame.shape}.")
    # Enlarging by areas would repeat pixels, on either axis.
    shrinking = to.scaled_height <= to.height and to.scaled_width <= to.width
    scaled = cv2.resize(
        frame,
        (to.scaled_width, to.scaled_height),
        interpolation=cv2.INTER_AREA if shrinking else cv2.INTER_LINEAR,
    )
    padded = cv2.copyMakeBorder(
        scaled,
        0,
        to.padded_height - to.scaled_height,
        0,
        to.padded_width - to.scaled_width,
        cv2.BORDER_REPLICATE,
    )
    return padded.astype(np.uint8, copy=False)


def to_pictures(frame: NDArray[np.uint8], fits: Sequence[Fit]) -> Pictures:
    return tuple(to_network(frame, to) for to in fits)


def to_source(probability: NDArray[np.float32], of: Fit) -> NDArray[np.float32]:
    """Bring a probability map (padded_height, padded_width) float32 back to the frame's (H, W)."""
    inside = probability[: of.scaled_height, : of.scaled_width]
    restored = cv2.resize(inside, (of.width, of.height), interpolation=cv2.INTER_LINEAR)
    return restored.astype(np.float32, copy=False)
