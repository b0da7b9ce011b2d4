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
    """How a frame lies in the network's picture: scaled, then padded right and below.

    Attributes:
        height: of the source frame, pixels.
        width: of the source frame, pixels.
        scaled_height: of the picture inside the padding.
        scaled_width: of the picture inside the padding.
        padded_height: of what the network sees.
        padded_width: of what the network sees.
    """

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
    """Choose the network's picture size for a frame, so that the network sees square pixels.

    Args:
        height: of the source frame, pixels.
        width: of the source frame, pixels.
        spec: gives the wanted short side, the longest side allowed and the multiple.
        pixel_aspect: width of a source pixel over its height.
        scale: of the picture, over the size that the spec wants.

    >>> spec = ModelSpec(name="", version="", clip_length=8, short_side=256, long_side=512,
    ...     multiple=32, licence="", data="", measured={}, git_revision="")
    >>> to = fit(480, 854, spec)
    >>> (to.scaled_height, to.scaled_width), (to.padded_height, to.padded_width)
    ((256, 455), (256, 480))
    """
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
    """Scale and pad a frame (H, W, 3) uint8 RGB to the network's picture.

    The padding repeats the edge, so that the border is no edge of its own.

    Returns:
        (padded_height, padded_width, 3) uint8, RGB.

    Raises:
        ValueError: the frame isn't of the size that `to` was made for.
    """
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
    """Scale and pad a frame (H, W, 3) uint8 RGB for each size."""
    return tuple(to_network(frame, to) for to in fits)


def to_source(probability: NDArray[np.float32], of: Fit) -> NDArray[np.float32]:
    """Bring a probability map (padded_height, padded_width) float32 back to the source frame.

    Returns:
        (H, W) float32.
    """
    inside = probability[: of.scaled_height, : of.scaled_width]
    restored = cv2.resize(inside, (of.width, of.height), interpolation=cv2.INTER_LINEAR)
    return restored.astype(np.float32, copy=False)
