"""Average precision of boxes."""

import io
from contextlib import redirect_stdout
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from evaluation.average_precision import Detection, Truth, mean_average_precision, precision_recall
from evaluation.frame_ap import Box, box_overlap, frame_ap
from tests.evaluation.masks import golden

FRAMES = 60


def make_boxes(seed: int) -> tuple[list[Detection[Box]], list[Truth[Box]]]:
    """Draw a person or two a frame, and detections around some of them and elsewhere."""
    rng = np.random.default_rng(seed)
    truths: list[Truth[Box]] = []
    detections: list[Detection[Box]] = []
    for frame in range(FRAMES):
        for _ in range(rng.integers(1, 3)):
            x, y, width, height = rng.integers(10, 60, 4).tolist()
            label = "run" if rng.random() < 0.5 else "jump"
            truths.append(Truth(("clip", frame), label, (x, y, x + width, y + height)))
            for _ in range(rng.integers(0, 4)):
                left, top, right, bottom = (
                    np.array([x, y, x + width, y + height]) + rng.normal(0, 6, 4)
                ).tolist()
                box = (left, top, max(right, left), max(bottom, top))
                detections.append(Detection(("clip", frame), label, box, float(rng.random())))
    return detections, truths


def coco_precision(detections: list[Detection[Box]], truths: list[Truth[Box]]) -> float:
    """Evaluate boxes of one label by pycocotools: precision at 101 recalls, at IoU 0.5."""

    def row(number: int, item: Truth[Box]) -> dict[str, Any]:
        left, top, right, bottom = item.shape
        # The last pixel counts: COCO's width ends after it.
        box = [left, top, right - left + 1, bottom - top + 1]
        image = item.place[1]  # type: ignore[index]  # (video, frame)
        extent = {"bbox": box, "area": box[2] * box[3], "iscrowd": 0}
        return {"id": number, "image_id": image, "category_id": 1, **extent}

    with redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = {
            "images": [{"id": frame} for frame in range(FRAMES)],
            "annotations": [row(number, item) for number, item in enumerate(truths, start=1)],
            "categories": [{"id": 1}],
        }
        coco.createIndex()
        results = [{**row(0, item), "score": item.score} for item in detections]
        evaluation = COCOeval(coco, coco.loadRes(results), "bbox")
        evaluation.params.iouThrs = np.array([0.5])
        evaluation.evaluate()
        evaluation.accumulate()
    return float(evaluation.eval["precision"][0, :, 0, 0, -1].mean())


def at_101_recalls(precision: NDArray[np.float64], recall: NDArray[np.float64]) -> float:
    """Smooth a curve as COCO does."""
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    places = np.searchsorted(recall, np.linspace(0, 1, 101))
    return float(np.append(envelope, 0)[places].mean())


def test_the_last_pixel_counts() -> None:
    assert box_overlap((0, 0, 9, 9), (0, 0, 9, 9)) == 1
    assert box_overlap((0, 0, 9, 9), (9, 9, 18, 18)) == 1 / 199
    assert box_overlap((0, 0, 9, 9), (10, 0, 19, 9)) == 0
    assert box_overlap((0, 0, 9, 9), (0, 0, 9, 4)) == 0.5


def test_a_box_is_found_in_its_frame_only() -> None:
    box: Box = (0, 0, 9, 9)
    truths = [Truth(("clip", frame), "run", box) for frame in (1, 2)]
    found = [
        Detection(("clip", 1), "run", box, 0.5),
        Detection(("clip", 3), "run", box, 0.9),
    ]
    assert frame_ap(found, truths) == {"run": 0.5 * (0 + 0.5) / 2}


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_precision_and_recall_agree_with_pycocotools(seed: int) -> None:
    detections, truths = make_boxes(seed)
    for label in ("run", "jump"):
        found = [item for item in detections if item.label == label]
        wanted = [item for item in truths if item.label == label]
        curve = precision_recall(found, wanted, box_overlap, 0.5)
        smoothed = at_101_recalls(curve.precision[1:], curve.recall[1:])
        assert smoothed == pytest.approx(coco_precision(found, wanted), abs=1e-9)
        assert 0 < curve.area() != pytest.approx(smoothed, abs=1e-3)


def test_agrees_with_the_reference_values() -> None:
    reference = golden("frame_ap.json")
    detections = [
        Detection((video, frame), str(int(label)), tuple(box), score)
        for video, frame, label, score, *box in reference["dets"]
    ]
    truths = [
        Truth((video, frame), str(label), tuple(box))
        for video, frame, label, box in reference["gts"]
    ]
    by_label = frame_ap(detections, truths)
    # The reference keeps its curves in single precision.
    assert by_label == pytest.approx(reference["act_ap"], abs=1e-6)
    assert mean_average_precision(by_label) == pytest.approx(reference["act_map"], abs=1e-6)
