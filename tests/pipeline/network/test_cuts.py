"""Cuts are told from flashes, pans and changes in part of the picture, by a few frames alone."""

from collections.abc import Sequence

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.network.cuts import REACH, CutFinder
from tests.videos import textured

Picture = NDArray[np.uint8]
HERE, THERE = (textured(seed, 144, 256) for seed in (1, 2))
BLACK = np.zeros_like(HERE)


def cuts(pictures: Sequence[Picture]) -> list[int]:
    """Find the cuts of a whole video, fed as it is read."""
    finder = CutFinder()
    for index, picture in enumerate(pictures):
        finder.add(index, picture)
        if index >= REACH:
            finder.look(index - REACH + 1)
    for index in range(max(1, len(pictures) - REACH + 1), len(pictures)):
        finder.look(index)
    return [index for index in range(len(pictures)) if index in finder]


def moved(picture: Picture, across: float) -> Picture:
    matrix = np.array([[1.0, 0, across], [0, 1, 0]])
    size = (picture.shape[1], picture.shape[0])
    return np.asarray(
        cv2.warpAffine(picture, matrix, size, borderMode=cv2.BORDER_REFLECT_101), np.uint8
    )


def lit(picture: Picture, by: float) -> Picture:
    return np.asarray(np.clip(picture * by, 0, 255), np.uint8)


@pytest.mark.parametrize("at", [1, 2, 5, 10, 19])
def test_a_cut_is_found_where_it_is(at: int) -> None:
    assert cuts([HERE] * at + [THERE] * (20 - at)) == [at]


def test_a_cut_is_found_while_the_camera_moves() -> None:
    pan = [moved(HERE, 8 * index) for index in range(10)]
    assert cuts([*pan, *(moved(THERE, 8 * index) for index in range(10))]) == [10]


def test_letterboxes_hide_no_cut() -> None:
    bars = [np.concatenate([BLACK, picture, BLACK]) for picture in (HERE, THERE)]
    assert cuts([bars[0]] * 8 + [bars[1]] * 8) == [8]


@pytest.mark.parametrize("fade", [3, 10])
def test_a_shot_begins_where_the_picture_has_gone_black(fade: int) -> None:
    lights = [1 - step / fade for step in range(1, fade)]
    dark = [*(lit(HERE, by) for by in lights), *[BLACK] * 5, *(lit(THERE, by) for by in lights)]
    (cut,) = cuts([*[HERE] * 8, *dark, *[THERE] * 8])
    assert 8 <= cut <= 8 + fade


@pytest.mark.parametrize("dark", [1, 2])
def test_a_dropped_picture_is_no_cut(dark: int) -> None:
    assert cuts([HERE] * 8 + [BLACK] * dark + [HERE] * 8) == []


@pytest.mark.parametrize("lights", [[1.8], [1.8, 1.8], [2, 1.8, 1.6, 1.4, 1.2], [0.4] * 12])
def test_light_makes_no_cut(lights: Sequence[float]) -> None:
    assert cuts([HERE] * 8 + [lit(HERE, by) for by in lights] + [HERE] * 8) == []


def test_a_whip_pan_is_no_cut() -> None:
    wide = np.concatenate([textured(seed, 144, 256) for seed in range(4)], axis=1)
    speeds = [0, 0, 0, 0, 0, 50, 110, 140, 140, 120, 80, 20, 0, 0, 0, 0, 0]
    places = np.cumsum(speeds)
    assert cuts([wide[:, place : place + 256] for place in places]) == []


def test_what_comes_before_a_still_background_is_no_cut() -> None:
    plain = np.full_like(HERE, 90)
    shown = plain.copy()
    shown[30:110, 60:160] = HERE[30:110, 60:160]
    assert cuts([plain] * 8 + [shown] * 8) == []


def test_a_still_picture_is_one_shot() -> None:
    assert cuts([BLACK] * 9) == cuts([HERE] * 9) == cuts([np.full_like(HERE, 255)] * 9) == []
