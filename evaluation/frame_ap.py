"""Average precision of boxes: Kalogeiton et al., ICCV 2017, 5.1; Hou et al., BMVC 2019, 4.2."""

from collections.abc import Iterable

from evaluation.average_precision import Detection, Truth, average_precisions

# Left, top, right and bottom in pixels. Right and bottom are the last pixels within.
Box = tuple[float, float, float, float]


def frame_ap(
    detections: Iterable[Detection[Box]], truths: Iterable[Truth[Box]], threshold: float = 0.5
) -> dict[str, float]:
    """Measure the average precision of each action; places are (video, frame)."""
    return average_precisions(detections, truths, box_overlap, threshold)


def box_overlap(first: Box, second: Box) -> float:
    width = min(first[2], second[2]) - max(first[0], second[0]) + 1
    height = min(first[3], second[3]) - max(first[1], second[1]) + 1
    if width <= 0 or height <= 0:
        return 0.0
    return width * height / (_area(first) + _area(second) - width * height)


def _area(box: Box) -> float:
    return (box[2] - box[0] + 1) * (box[3] - box[1] + 1)
