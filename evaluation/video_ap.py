"""Average precision of tubes, for video-mAP: Kalogeiton et al., ICCV 2017, section 5.1."""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass

from evaluation.average_precision import Detection, Truth, average_precisions
from evaluation.frame_ap import Box, box_overlap

# Of two detected tubes that overlap more, the one with the lower score goes.
SUPPRESSION = 0.3


@dataclass(frozen=True)
class Tube:
    """A box in each of consecutive frames, from `start` on."""

    start: int
    boxes: tuple[Box, ...]

    @property
    def stop(self) -> int:
        return self.start + len(self.boxes)


def video_ap(
    detections: Iterable[Detection[Tube]], truths: Iterable[Truth[Tube]], threshold: float = 0.5
) -> dict[str, float]:
    """Measure the average precision of each action, after dropping detections found twice."""
    return average_precisions(suppress(detections), truths, tube_overlap, threshold)


def suppress(detections: Iterable[Detection[Tube]]) -> list[Detection[Tube]]:
    """Keep, of tubes of one video and action that overlap, the one with the highest score."""
    kept: dict[tuple[Hashable, str], list[Detection[Tube]]] = {}
    for detection in sorted(detections, key=lambda detection: -detection.score):
        better = kept.setdefault((detection.place, detection.label), [])
        if all(tube_overlap(detection.shape, other.shape) <= SUPPRESSION for other in better):
            better.append(detection)
    return [detection for group in kept.values() for detection in group]


def tube_overlap(first: Tube, second: Tube) -> float:
    """Measure how far two tubes agree, 0 to 1.

    It is the mean overlap of the boxes in the frames of both, times the part that those are of the
    frames from the first to the last of either.
    """
    start, stop = max(first.start, second.start), min(first.stop, second.stop)
    if start >= stop:
        return 0.0
    pairs = zip(
        first.boxes[start - first.start : stop - first.start],
        second.boxes[start - second.start : stop - second.start],
        strict=True,
    )
    in_space = sum(box_overlap(*pair) for pair in pairs) / (stop - start)
    span = max(first.stop, second.stop) - min(first.start, second.start)
    return in_space * (stop - start) / span
