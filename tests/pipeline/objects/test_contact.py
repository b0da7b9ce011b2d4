"""What touches is parted by where it was, and what is hidden gets no piece."""

import numpy as np
from numpy.typing import NDArray

from pipeline.objects import rle
from pipeline.objects.contact import part
from pipeline.values import SegmentedObject


def _mask(*boxes: tuple[int, int, int, int]) -> NDArray[np.bool_]:
    mask = np.zeros((60, 100), bool)
    for x, y, width, height in boxes:
        mask[y : y + height, x : x + width] = True
    return mask


def _object(mask: NDArray[np.bool_]) -> SegmentedObject:
    encoded = rle.encode(mask)
    return SegmentedObject(mask=encoded, box=rle.box(encoded), area=rle.area(encoded), score=0.75)


def test_each_keeps_the_pixels_nearest_to_where_it_was() -> None:
    were = [rle.encode(_mask(box)) for box in ((10, 10, 20, 30), (34, 10, 30, 30))]
    pieces = part(_object(_mask((10, 10, 54, 30))), were)
    # They have met in the middle of the gap of four columns.
    assert [piece.box for piece in pieces] == [(32, 10, 32, 30), (10, 10, 22, 30)]
    assert [piece.area for piece in pieces] == [32 * 30, 22 * 30]
    assert {piece.score for piece in pieces} == {0.75}


def test_what_another_one_hides_gets_no_piece() -> None:
    front, behind = rle.encode(_mask((10, 10, 40, 40))), rle.encode(_mask((50, 10, 40, 40)))
    whole = _object(_mask((10, 10, 46, 40)))
    assert part(whole, [front, behind]) == [whole]
    assert part(whole, [behind, front]) == [whole]
    # So does one that isn't in it at all.
    assert part(whole, [front, rle.encode(_mask((90, 0, 9, 9)))]) == [whole]
