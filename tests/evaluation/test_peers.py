"""Region similarity and contour accuracy beside packages that others maintain.

They ask for opencv-python, which overwrites opencv-python-headless: requirements/peers.txt installs
them without it.
"""

import importlib
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pycocotools import mask as coco

from evaluation.contour import contour_accuracy
from evaluation.region import region_similarity
from evaluation.statistics import sequence_statistics
from tests.evaluation.masks import smooth_masks

Masks = NDArray[np.bool_]


@pytest.fixture
def masks() -> tuple[Masks, Masks]:
    """Predicted and true masks that agree less and less."""
    truth = smooth_masks(7, 21)
    predicted = truth ^ (smooth_masks(8, 21, part=0.2) & (np.arange(21) > 6)[:, None, None])
    predicted[-1] = False
    return predicted, truth


def ours(predicted: Masks, truth: Masks) -> tuple[list[float], list[float]]:
    pairs = list(zip(predicted, truth, strict=True))
    return [region_similarity(*p) for p in pairs], [contour_accuracy(*p) for p in pairs]


def test_agrees_with_vos_benchmark(masks: tuple[Masks, Masks]) -> None:
    module: Any = importlib.import_module("vos_benchmark.evaluator")
    predicted, truth = masks
    evaluator = module.Evaluator()
    for pair in zip(predicted, truth, strict=True):
        evaluator.feed_frame(*(mask.astype(np.uint8) for mask in pair))
    regions, contours = ours(predicted, truth)
    assert regions == pytest.approx(evaluator.object_iou[1], abs=1e-12)
    assert contours == pytest.approx(evaluator.boundary_f[1], abs=1e-12)


def test_agrees_with_trackeval(masks: tuple[Masks, Masks]) -> None:
    module: Any = importlib.import_module("trackeval.metrics.j_and_f")
    predicted, truth = masks
    encoded = [
        [[coco.encode(np.asfortranarray(mask, dtype=np.uint8))] for mask in part]
        for part in (truth, predicted)
    ]
    identities = [np.array([0])] * len(truth)
    expected = module.JAndF().eval_sequence(
        {
            "num_timesteps": len(truth),
            "num_gt_ids": 1,
            "num_tracker_ids": 1,
            "gt_ids": identities,
            "tracker_ids": identities,
            "gt_dets": encoded[0],
            "tracker_dets": encoded[1],
        }
    )
    for name, values in zip("JF", ours(predicted, truth), strict=True):
        statistics = sequence_statistics(values)
        assert statistics.mean == pytest.approx(expected[f"{name}-Mean"], abs=1e-12)
        assert statistics.recall == pytest.approx(expected[f"{name}-Recall"], abs=1e-12)
        assert statistics.decay == pytest.approx(expected[f"{name}-Decay"], abs=1e-12)
