"""Masks for the tests of the metrics: smooth random shapes, and the golden sequences."""

import json
import os
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray


def smooth_masks(
    seed: int, count: int, size: tuple[int, int] = (90, 140), part: float = 0.25
) -> NDArray[np.bool_]:
    """Draw (count, H, W) bool: blobs that change from frame to frame, `part` of the picture."""
    rng = np.random.default_rng(seed)
    masks = []
    field = rng.standard_normal(size)
    for _ in range(count):
        field = 0.9 * field + 0.4 * rng.standard_normal(size)
        smooth = cv2.GaussianBlur(field, (0, 0), 7)
        masks.append(smooth > np.quantile(smooth, 1 - part))
    return np.stack(masks)


def golden(name: str) -> Any:
    """Read reference values from the folder that EVALUATION_GOLDEN names, or skip the test."""
    return json.loads((_golden_folder() / name).read_text())


def golden_masks(name: str) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Read a reference sequence: predicted and true masks, (T, H, W) bool each."""
    with np.load(_golden_folder() / f"{name}.npz") as arrays:
        shape = tuple(arrays["shape"])
        size = int(np.prod(shape))
        predicted, truth = (
            np.unpackbits(arrays[key])[:size].reshape(shape).astype(np.bool_)
            for key in ("pr", "gt")
        )
    return predicted, truth


def _golden_folder() -> Path:
    folder = os.environ.get("EVALUATION_GOLDEN")
    if folder is None:
        pytest.skip("EVALUATION_GOLDEN doesn't name a folder of reference values")
    return Path(folder)
