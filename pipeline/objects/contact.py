"""Parting what has come to touch: each keeps the pixels nearest to where it was just before."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from pipeline.objects import rle
from pipeline.values import Rle, SegmentedObject

# What is left of an object is hidden behind the others if it is this small beside what it was.
_HIDDEN = 0.2


def part(object_: SegmentedObject, were: Sequence[Rle]) -> list[SegmentedObject]:
    """Part a component into pieces by the masks that they had; largest first, hidden ones none."""
    x, y, width, height = object_.box
    inside = (slice(y, y + height), slice(x, x + width))
    foreground = rle.decode(object_.mask)[inside]
    distances = np.stack([rle.distances(rle.decode(mask)[inside]) for mask in were])
    places = list(range(len(were)))
    while True:
        nearest = distances[places].argmin(axis=0)
        left = [int(np.count_nonzero(foreground & (nearest == at))) for at in range(len(places))]
        hidden = [
            at for at, place in enumerate(places) if left[at] <= _HIDDEN * rle.area(were[place])
        ]
        if not hidden or len(places) == 1:
            break
        places.pop(min(hidden, key=lambda at: left[at]))
    pieces = [_piece(object_, foreground & (nearest == at)) for at in range(len(places))]
    return sorted(pieces, key=lambda piece: -piece.area)


def _piece(object_: SegmentedObject, inside: NDArray[np.bool_]) -> SegmentedObject:
    x, y, width, height = object_.box
    whole = np.zeros((object_.mask.height, object_.mask.width), np.bool_)
    whole[y : y + height, x : x + width] = inside
    mask = rle.encode(whole, slice(x, x + width))
    return replace(object_, mask=mask, box=rle.box(mask), area=rle.area(mask))
