"""Pairs that touch, and whether each of the two is found."""

import numpy as np

from evaluation.touching import separated
from pipeline.objects import rle
from pipeline.values import Rle


def _columns(start: int, stop: int) -> Rle:
    mask = np.zeros((10, 60), bool)
    mask[:, start:stop] = True
    return rle.encode(mask)


def test_objects_that_touch_are_told_apart_where_each_has_a_track_of_its_own() -> None:
    pair = {1: _columns(0, 20), 2: _columns(20, 40)}
    one, half = {7: _columns(0, 40)}, {7: _columns(0, 20), 8: _columns(32, 40)}
    found = [pair, {5: pair[2], 9: pair[1]}, one, half, {}]
    assert separated([pair] * 5, found) == (2, 5)


def test_only_pairs_that_touch_count() -> None:
    left, near, far = _columns(0, 20), _columns(21, 40), _columns(42, 60)
    assert separated([{1: left, 2: near, 3: far}], [{1: left, 2: near}]) == (1, 1)
    assert separated([{1: near}, {}], [{}, {}]) == (0, 0)
