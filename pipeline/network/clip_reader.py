"""The clips of a video as the model sees them, with what moves in them, parted at cuts."""

from collections import deque
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import chain, pairwise

import numpy as np
from numpy.typing import NDArray

from pipeline.network.clips import clip_frames
from pipeline.network.cuts import REACH, CutFinder
from pipeline.network.motion import Motion, MotionEstimator
from pipeline.network.preprocess import Pictures
from pipeline.values import Timed

Read = Callable[[Sequence[int]], Generator[Pictures, None, None]]
"""Reads some frames of the video, by their indices, in order."""

# Between two frames wanted that are further apart, cuts are looked for in as many frames before the
# second one: to find all would take decoding a video of which little is wanted.
SEARCH = 30


@dataclass(frozen=True)
class Clip:
    """L pictures of one shot, which repeat its ends; its `frames` start at the picture `first`."""

    frames: range
    first: int
    pictures: list[Pictures]
    motion: list[Motion] | None

    @property
    def own(self) -> slice:
        return slice(self.first, self.first + len(self.frames))


class ClipReader:
    """Reads clips of L frames, and finds the cuts in them and before each frame wanted."""

    def __init__(self, length: int, *, moving: bool, timed: Timed) -> None:
        self._length = length
        self._moving = moving
        self._timed = timed
        self._estimator = MotionEstimator()
        self.cuts = CutFinder()

    def read(
        self, read: Read, count: int, starts: Sequence[int], wanted: range
    ) -> Generator[list[Clip], None, None]:
        """Yield the clips of a video of `count` frames at rising starts, parted at cuts."""
        clips = [clip_frames(start, count, self._length) for start in starts]
        places = _places(clips, wanted, count)
        order = sorted(
            set(
                chain(*(_around(clip, count) for clip in clips), *(_near(p, count) for p in places))
            )
        )
        unread, unknown = deque(order), deque(places)
        held: dict[int, Pictures] = {}
        motion: dict[int, Motion] = {}
        with closing(read(order)) as pictures:
            for frames in clips:
                around = _around(frames, count)
                held = {index: held[index] for index in around if index in held}
                with self._timed("decode"):
                    while unread and unread[0] < around.stop:
                        index, picture = unread.popleft(), next(pictures)
                        if index in around:
                            held[index] = picture
                        self.cuts.add(index, picture[0])
                        while unknown and _near(unknown[0], count)[-1] <= index:
                            self.cuts.look(unknown.popleft())
                motion = {index: motion[index] for index in frames if index in motion}
                self._estimate(frames, held, motion)
                yield self._parted(frames, held, motion)

    def _estimate(
        self, frames: range, held: Mapping[int, Pictures], motion: dict[int, Motion]
    ) -> None:
        if not self._moving:
            return
        with self._timed("motion"):
            for index in (index for index in frames if index not in motion):
                before = None if index in self.cuts else _first(held, index - 1)
                after = None if index + 1 in self.cuts else _first(held, index + 1)
                motion[index] = self._estimator.estimate(before, held[index][0], after)

    def _parted(
        self, frames: range, held: Mapping[int, Pictures], motion: Mapping[int, Motion]
    ) -> list[Clip]:
        borders = [frames.start, *(f for f in frames[1:] if f in self.cuts), frames.stop]
        parts = []
        for start, stop in pairwise(borders):
            order = [min(max(frames.start + at, start), stop - 1) for at in range(self._length)]
            moving = [motion[index] for index in order] if self._moving else None
            pictures = [held[index] for index in order]
            parts.append(Clip(range(start, stop), start - frames.start, pictures, moving))
        return parts


def before(index: int, step: int) -> range:
    """Return the frames up to a wanted one, from the wanted one before it on, that may be cuts.

    >>> before(20, step=1), before(20, step=5), before(200, step=100)
    (range(20, 21), range(16, 21), range(171, 201))
    """
    return range(index - min(step, SEARCH) + 1, index + 1)


def _places(clips: Iterable[range], wanted: range, count: int) -> list[int]:
    """Return the frames, rising, of which has to be known whether a shot begins with them."""
    inside = chain.from_iterable(range(clip.start, clip.stop + 1) for clip in clips)
    between = chain.from_iterable(before(index, wanted.step) for index in wanted)
    return sorted({index for index in chain(inside, between) if 0 < index < count})


def _around(clip: range, count: int) -> range:
    """Return the frames that a clip's cuts and motion are told by."""
    return range(max(0, clip.start - REACH), min(count, clip.stop + REACH))


def _near(place: int, count: int) -> range:
    return range(max(0, place - REACH), min(count, place + REACH))


def _first(held: Mapping[int, Pictures], index: int) -> NDArray[np.uint8] | None:
    return held[index][0] if index in held else None
