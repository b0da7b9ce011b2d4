"""Temporal stability T: how much the contour of a mask changes beyond a smooth motion.

Lower is better. It looks at predictions only.

Source: Perazzi et al., "A Benchmark Dataset and Evaluation Methodology for Video Object
Segmentation", CVPR 2016, section 4.1, with the details of the official code.
"""

import math
from collections.abc import Iterable
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from evaluation.matching import matched_cost
from evaluation.polygons import longest_contour
from evaluation.region import Mask
from evaluation.shape_context import matching_costs, shape_contexts

# The official code brings T to the range of the other measures so.
SCALE = 5


def pair_costs(masks: Iterable[Mask]) -> NDArray[np.float64]:
    """Measure the change of shape between each frame and the next.

    Args:
        masks: T of (H, W) bool, in order.

    Returns:
        (T - 1,) float64, 0 to 1; nan where one of the two masks has no contour.
    """
    contours = map(_describe, masks)
    return np.array([_change(before, after) for before, after in pairwise(contours)], np.float64)


def temporal_stability(costs: ArrayLike) -> float:
    """Sum up a sequence's changes of shape.

    Args:
        costs: (T - 1,) float64 as `pair_costs` returns them.

    Returns:
        5 times the mean; nan if there is no pair with two contours.
    """
    values = np.asarray(costs, dtype=np.float64)
    known = values[~np.isnan(values)]
    return SCALE * float(known.mean()) if len(known) else math.nan


def _describe(mask: Mask) -> NDArray[np.float64] | None:
    contour = longest_contour(mask)
    return None if contour is None else shape_contexts(contour)


def _change(before: NDArray[np.float64] | None, after: NDArray[np.float64] | None) -> float:
    if before is None or after is None:
        return math.nan
    return matched_cost(matching_costs(before, after))
