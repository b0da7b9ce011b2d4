"""Intersection over union of clips."""

import numpy as np
import pytest
from numpy.typing import NDArray

from evaluation.overlap import (
    clip_overlap,
    mean_clip_iou,
    mean_frame_iou,
    overall_iou,
    precision_at,
)


def stripes(*widths: int) -> NDArray[np.bool_]:
    """Draw (T, 1, 10) bool: the first pixels of each frame."""
    return np.stack([np.arange(10)[None] < width for width in widths])


# Per frame: 1/2, 0 (nothing found), 1 (nothing to find); and 1.
FIRST = clip_overlap(stripes(2, 0, 0), stripes(4, 5, 0))
SECOND = clip_overlap(stripes(10), stripes(10))


def test_per_frame() -> None:
    assert FIRST.per_frame().tolist() == [0.5, 0, 1]


def test_frames_clips_and_pixels_weigh_differently() -> None:
    assert mean_frame_iou([FIRST, SECOND]) == pytest.approx(2.5 / 4)
    assert mean_clip_iou([FIRST, SECOND]) == pytest.approx((0.5 + 1) / 2)
    assert overall_iou([FIRST, SECOND]) == pytest.approx((2 + 10) / (4 + 5 + 10))


def test_precision_is_strictly_above_the_threshold() -> None:
    assert precision_at([FIRST, SECOND], 0.5) == 0.5
    assert precision_at([FIRST, SECOND], 0.4) == 0.75


def test_refuses_a_missing_frame() -> None:
    with pytest.raises(ValueError, match="longer"):
        clip_overlap(stripes(1), stripes(1, 2))


def test_refuses_nothing() -> None:
    with pytest.raises(ValueError, match="at least one frame"):
        clip_overlap([], [])
    for measure in (mean_frame_iou, mean_clip_iou, overall_iou):
        with pytest.raises(ValueError, match="at least one clip"):
            measure([])
