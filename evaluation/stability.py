"""Temporal stability T: how much a mask's contour changes beyond a smooth motion; less is better.

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
    """Measure how shapes change from mask to mask, 0 to 1; nan where one has no contour."""
    contours = map(_describe, masks)
    return np.array([_change(before, after) for before, after in pairwise(contours)], np.float64)


def temporal_stability(costs: ArrayLike) -> float:
    """Return 5 times the mean of `pair_costs`; nan if no pair has two contours."""
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
