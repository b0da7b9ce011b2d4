"""Probabilities drawn to edges: He, Sun and Tang, "Guided Image Filtering", TPAMI 2013."""

import cv2
import numpy as np
from numpy.typing import NDArray

# Half a window, pixels, and the variance of grey levels, 0 to 1, above which something is an edge.
_RADIUS = 2
_EDGE = np.float32(1e-3)


def follow_edges(
    probability: NDArray[np.float32], picture: NDArray[np.uint8]
) -> NDArray[np.float32]:
    """Fit probabilities (H, W) linearly to their picture (H, W, 3) by Equations 5, 6 and 8."""
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    guide = np.asarray(grey, np.float32) / np.float32(255)
    guide_mean, mean = _mean(guide), _mean(probability)
    covariance = _mean(guide * probability) - guide_mean * mean
    variance = _mean(guide * guide) - guide_mean * guide_mean
    slope = covariance / (variance + _EDGE)
    fitted = _mean(slope) * guide + _mean(mean - slope * guide_mean)
    return np.asarray(np.clip(fitted, 0, 1), np.float32)


def _mean(values: NDArray[np.floating]) -> NDArray[np.float32]:
    side = 2 * _RADIUS + 1
    return np.asarray(cv2.blur(values, (side, side), borderType=cv2.BORDER_REFLECT), np.float32)
