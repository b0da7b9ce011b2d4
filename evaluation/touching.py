"""How often two objects that touch are told apart."""

from collections.abc import Sequence
from itertools import combinations

import cv2
import numpy as np
from scipy.optimize import linear_sum_assignment

from evaluation.numbered import Objects
from evaluation.region import Mask
from pipeline.objects import rle
from pipeline.values import Rle

# A true object is found where a track of its own overlaps it by so much.
_FOUND = 0.5
_REACH = np.ones((3, 3), np.uint8)


def separated(truth: Sequence[Objects], found: Sequence[Objects]) -> tuple[int, int]:
    """Return how many pairs of true objects that touch are told apart, and how many there are.

    Counted in each frame. Two touch where no more than a pixel lies between them; they are told
    apart where each is found, by masks of IoU 0.5 or more matched one to one.
    """
    apart = touching = 0
    for true, seen in zip(truth, found, strict=True):
        pairs = _touching(true)
        if not pairs:
            continue
        numbers = list(true)
        overlaps = rle.iou([true[number] for number in numbers], list(seen.values()))
        rows, columns = linear_sum_assignment(overlaps, maximize=True)
        alone = {numbers[row] for row in rows[overlaps[rows, columns] >= _FOUND]}
        touching += len(pairs)
        apart += sum(alone.issuperset(pair) for pair in pairs)
    return apart, touching


def _touching(objects: Objects) -> list[tuple[int, int]]:
    if len(objects) < 2:
        return []
    wider = {number: _wider(mask) for number, mask in objects.items()}
    pairs = combinations(wider, 2)
    return [(one, other) for one, other in pairs if np.any(wider[one] & wider[other])]


def _wider(mask: Rle) -> Mask:
    return np.asarray(cv2.dilate(rle.decode(mask).view(np.uint8), _REACH), np.bool_)
