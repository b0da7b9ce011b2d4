"""Intersection over union of clips: per frame, per clip, pooled, and above a threshold.

Source: Hou et al., BMVC 2019, section 4.2, whose "test sample" may be a frame or a clip.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evaluation.region import Mask, intersection_and_union


@dataclass(frozen=True)
class Overlap:
    """Pixels (T,) of both masks and of either, in each frame of a clip."""

    intersections: NDArray[np.int64]
    unions: NDArray[np.int64]

    def per_frame(self) -> NDArray[np.float64]:
        """Return (T,) float64, 0 to 1: 1 where both masks of a frame are empty."""
        empty = self.unions == 0
        return np.where(empty, 1.0, self.intersections / np.where(empty, 1, self.unions))


def clip_overlap(predicted: Iterable[Mask], truth: Iterable[Mask]) -> Overlap:
    """Compare masks (H, W) bool with the true ones; ValueError if counts or sizes differ."""
    counts = [intersection_and_union(*pair) for pair in zip(predicted, truth, strict=True)]
    if not counts:
        raise ValueError("A clip must have at least one frame, got none.")
    intersections, unions = np.array(counts, dtype=np.int64).T
    return Overlap(intersections, unions)


def mean_frame_iou(clips: Sequence[Overlap]) -> float:
    """Average over all frames of all clips: long clips weigh more."""
    return float(_all_frames(clips).mean())


def mean_clip_iou(clips: Sequence[Overlap]) -> float:
    """Average each clip's frames, then the clips: all clips weigh the same."""
    _require_clips(clips)
    return float(np.mean([clip.per_frame().mean() for clip in clips]))


def overall_iou(clips: Sequence[Overlap]) -> float:
    """Divide all intersections by all unions: large objects weigh more."""
    _require_clips(clips)
    union = sum(int(clip.unions.sum()) for clip in clips)
    return sum(int(clip.intersections.sum()) for clip in clips) / union if union else 1.0


def precision_at(clips: Sequence[Overlap], threshold: float) -> float:
    """Return the part of all frames whose intersection over union is above a threshold."""
    return float(np.mean(_all_frames(clips) > threshold))


def _all_frames(clips: Sequence[Overlap]) -> NDArray[np.float64]:
    _require_clips(clips)
    return np.concatenate([clip.per_frame() for clip in clips])


def _require_clips(clips: Sequence[Overlap]) -> None:
    if not clips:
        raise ValueError("There must be at least one clip, got none.")
