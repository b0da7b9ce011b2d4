"""Which object of a frame is which of the frames before: by overlap, after motion, across gaps."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from pipeline.objects import rle
from pipeline.objects.contact import part
from pipeline.values import Rle, SegmentedObject

# An object overlaps itself in the next frame by this much, or its box does where it was going to.
MIN_IOU = 0.3
# Objects that are matched by their boxes alone differ in area at most so.
_LIKE_IN_AREA = 3.0
# Seconds that an object may be hidden for, and those while another one is where it should be.
HIDDEN_S = 1.0
COVERED_S = 3.0
# Seconds for which it is taken to go on as it went.
_COASTING_S = 0.3
# A new object of which so much lies in what another one was has split off from it, and is a part of
# that until both have been seen apart for so many seconds or, if it isn't small, with so much of
# its own width between them. Where the other one is gone, it goes on as that.
_INSIDE = 0.8
_APART_S = 0.5
_APART = 1.0
# Objects that have been apart for so many seconds stay so when they come to touch, of which so much
# lies in what they are then, unless one is so small beside the other.
_SETTLED_S = 0.3
_COVERED = 0.3
_SMALL = 0.25
# What the latest frame counts in how fast an object is.
_FRESH = 0.7

Box = tuple[float, float, float, float]


@dataclass
class Followed:
    """An object that may come again, with the mask and box (x, y, width, height) it had last.

    Seen last at `seen_s`, lacking since `missing_s`, apart from others since `apart_s`. `speed` is
    of its box's middle, pixels a second; `part_of` the key of what it split off from.
    """

    key: int
    mask: Rle
    box: Box
    seen_s: float
    missing_s: float | None = None
    speed: tuple[float, float] = (0.0, 0.0)
    part_of: int | None = None
    apart_s: float = 0.0

    @property
    def whole(self) -> int:
        """The key of what it is a part of, its own if of nothing."""
        return self.key if self.part_of is None else self.part_of

    def expected(self, time_s: float) -> Box:
        x, y, width, height = self.box
        across, down = self._moved(time_s)
        return x + across, y + down, width, height

    def expected_mask(self, time_s: float) -> Rle:
        return rle.shifted(self.mask, *self._moved(time_s))

    def _moved(self, time_s: float) -> tuple[float, float]:
        ahead_s = min(time_s - self.seen_s, _COASTING_S)
        return self.speed[0] * ahead_s, self.speed[1] * ahead_s

    def meet(self, object_: SegmentedObject, time_s: float) -> None:
        elapsed_s = time_s - self.seen_s
        if elapsed_s > 0:
            moved = (a - b for a, b in zip(_middle(object_.box), _middle(self.box), strict=True))
            across, down = (distance / elapsed_s for distance in moved)
            kept = 1 - _FRESH
            self.speed = (
                kept * self.speed[0] + _FRESH * across,
                kept * self.speed[1] + _FRESH * down,
            )
        if self.part_of is not None and self.missing_s is not None:
            self.apart_s = time_s
        self.mask, self.box = object_.mask, object_.box
        self.seen_s, self.missing_s = time_s, None

    def has_left(self, whole: "Followed", time_s: float) -> bool:
        """Tell whether it is one of its own by now, and no part of another one seen with it."""
        if time_s - self.apart_s >= _APART_S:
            return True
        area = rle.area(self.mask)
        if area < _SMALL * rle.area(whole.mask):
            return False
        return rle.distance(self.mask, whole.mask) >= _APART * math.sqrt(area)


@dataclass
class Association:
    """Follows the objects of one shot; holds the masks of those that may come again."""

    followed: list[Followed] = field(default_factory=list)
    keys: int = 0

    def match(
        self, found: Sequence[SegmentedObject], time_s: float
    ) -> list[tuple[int, SegmentedObject]]:
        """Return the objects of the next frame, each with its key, the same for parts of one.

        What touches now and was apart is parted. Greedily matched: masks that overlap, most first,
        then boxes that are where an object was going to. The rest get new keys.
        """
        boxes = [object_.box for object_ in found]
        self.followed = [one for one in self.followed if _may_come(one, boxes, time_s)]
        objects = [piece for object_ in found for piece in self._parted(object_, time_s)]
        scores = self._scores(objects, time_s)
        matched: dict[int, Followed] = {}
        taken: set[int] = set()
        for pair in np.argsort(-scores, axis=None, kind="stable"):
            row, column = (int(place) for place in np.unravel_index(pair, scores.shape))
            if scores[row, column] <= 0:
                break
            if column not in matched and row not in taken:
                matched[column] = self.followed[row]
                taken.add(row)
        for row, one in enumerate(self.followed):
            if row not in taken and one.missing_s is None:
                one.missing_s = time_s
        here = [self.followed[row] for row in sorted(taken)]
        for column, object_ in enumerate(objects):
            if column not in matched:
                self.keys += 1
                whole = self._whole(object_, here)
                one = Followed(self.keys, object_.mask, object_.box, time_s, part_of=whole)
                one.apart_s = time_s
                self.followed.append(one)
                matched[column] = one
        for column, object_ in enumerate(objects):
            matched[column].meet(object_, time_s)
        wholes = {one.key: one for one in matched.values() if one.part_of is None}
        for one in matched.values():
            if one.part_of in wholes and one.has_left(wholes[one.part_of], time_s):
                one.part_of = None
        return [(matched[column].whole, object_) for column, object_ in enumerate(objects)]

    def _parted(self, object_: SegmentedObject, time_s: float) -> list[SegmentedObject]:
        inside = [
            one
            for one in self.followed
            if one.part_of is None
            and one.missing_s is None
            and time_s - one.apart_s >= _SETTLED_S
            and box_iou(one.box, object_.box) > 0
            and rle.inside(one.mask, object_.mask) >= _COVERED
        ]
        largest = max((rle.area(one.mask) for one in inside), default=0)
        inside = [one for one in inside if rle.area(one.mask) >= _SMALL * largest]
        if len(inside) < 2:
            return [object_]
        stayed = [one.mask for one in inside]
        moved = [one.expected_mask(time_s) for one in inside]
        unions = [rle.union(stayed), rle.union(moved)]
        as_they_were, as_they_went = rle.iou(unions, [object_.mask])[:, 0]
        return part(object_, moved if as_they_went > as_they_were else stayed)

    def _whole(self, object_: SegmentedObject, here: Sequence[Followed]) -> int | None:
        """Return the key of what a new object has split off from, if of anything."""
        for one in here:
            if rle.inside(object_.mask, one.mask) >= _INSIDE:
                return one.whole
        return None

    def _scores(self, objects: Sequence[SegmentedObject], time_s: float) -> NDArray[np.float64]:
        """Return how well each one followed fits each object, 0 for not at all."""
        masks = rle.iou([one.mask for one in self.followed], [object_.mask for object_ in objects])
        scores = np.where(masks >= MIN_IOU, 1 + masks, 0.0)
        for row, one in enumerate(self.followed):
            expected, area = one.expected(time_s), rle.area(one.mask)
            for column, object_ in enumerate(objects):
                alike = 1 / _LIKE_IN_AREA <= object_.area / area <= _LIKE_IN_AREA
                overlap = box_iou(expected, object_.box)
                if scores[row, column] == 0 and alike and overlap >= MIN_IOU:
                    scores[row, column] = overlap
        return scores


def box_iou(one: Box, other: Box) -> float:
    shared = _shared(one, other)
    return shared / (one[2] * one[3] + other[2] * other[3] - shared)


def _may_come(one: Followed, boxes: Sequence[Box], time_s: float) -> bool:
    if one.missing_s is None:
        return True
    expected = one.expected(time_s)
    half = expected[2] * expected[3] / 2
    covered = any(_shared(expected, box) >= half for box in boxes)
    return time_s - one.missing_s <= (COVERED_S if covered else HIDDEN_S)


def _shared(one: Box, other: Box) -> float:
    width = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    height = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    return max(0.0, width) * max(0.0, height)


def _middle(box: Box) -> tuple[float, float]:
    return box[0] + box[2] / 2, box[1] + box[3] / 2
