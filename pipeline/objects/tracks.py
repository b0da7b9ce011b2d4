"""Linking objects from frame to frame, so that each keeps one id through its shot."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import TypeAdapter

from pipeline.objects import rle
from pipeline.objects.association import Association
from pipeline.objects.membership import Membership
from pipeline.objects.moving_average import ActionAverage
from pipeline.values import Action, Instances, SegmentedFrame, SegmentedObject, Shot, Track

MIN_TRACK_S = 0.2
# Share of as many seconds that a track is seen in when it begins.
MOST = 0.8
# Where between the threshold and 1 the mean score has to be for a track to begin, not to go on.
SURE = 0.5
# Actions that are told of a track.
TOP_ACTIONS = 3
# Times are floating-point numbers.
_TOLERANCE_S = 1e-6


@dataclass
class _Seen:
    """What a track has been so far, with its gaps and sums of its actions' log-probabilities."""

    id: int
    score_sum: float
    frames: int
    start: int
    stop: int
    lost: list[tuple[int, int]] = field(default_factory=list)
    actions: dict[str, float] = field(default_factory=dict)
    recent: ActionAverage = field(default_factory=ActionAverage)


@dataclass
class _Held:
    """A frame that waits for those after it, with the keys of its objects."""

    frame: SegmentedFrame
    keys: list[int]

    def parts(self) -> dict[int, SegmentedObject]:
        return dict(zip(self.keys, self.frame.objects, strict=True))


@dataclass
class _State:
    """All that a tracker goes on from.

    `shots` are the first frame of each, `first` is the first one given of this shot, and `step` how
    far the last two are apart. `ids` are by the objects' keys, for `primary` by 0.
    """

    instances: Instances
    min_track_s: float = MIN_TRACK_S
    threshold: float = 0.5
    seen: list[_Seen] = field(default_factory=list)
    shots: list[int] = field(default_factory=list)
    first: int = 0
    step: int = 1
    step_s: float = 0.0
    last: int = -1
    last_s: float = 0.0
    association: Association = field(default_factory=Association)
    membership: Membership = field(default_factory=Membership)
    ids: dict[int, int] = field(default_factory=dict)
    held: list[_Held] = field(default_factory=list)


_STATE = TypeAdapter(_State)
_OBJECT = 0


class Tracker:
    """Gives each object the id of its track, frame after frame.

    A frame is held until those of the next `min_track_s` are there: an object has to be in nearly
    all of them, and surely, for a track to begin, but for shots that are shorter. With 0 everything
    is kept. What comes out depends on the frames alone, not on how they come. `threshold` is what
    the masks were made with.
    """

    def __init__(
        self, instances: Instances, min_track_s: float = MIN_TRACK_S, threshold: float = 0.5
    ) -> None:
        self._state = _State(instances, min_track_s, threshold)

    def link(self, frame: SegmentedFrame) -> list[SegmentedFrame]:
        """Take the next frame, and return those that can be told now, with tracks.

        An object's actions become those of its track's latest frames.
        """
        state, linked = self._state, []
        if not state.shots:
            state.shots, state.first = [frame.index], frame.index
            frame = replace(frame, cuts=())
        else:
            state.step, state.step_s = frame.index - state.last, frame.time_s - state.last_s
        if frame.cuts:
            linked = self.finish()
            state.shots += frame.cuts
            state.first = frame.index
            state.association, state.membership, state.ids = Association(), Membership(), {}
        state.last, state.last_s = frame.index, frame.time_s
        matched = state.association.match(frame.objects, frame.time_s)
        state.held.append(_hold(frame, matched))
        while state.held and self._after(state.held[0], frame.time_s):
            linked.append(self._release(ended=False))
        return linked

    def finish(self) -> list[SegmentedFrame]:
        """Return the frames that are held, since no other ones of their shot follow."""
        return [self._release(ended=True) for _ in range(len(self._state.held))]

    def tracks(self) -> list[Track]:
        return [
            Track(
                id=seen.id,
                score=seen.score_sum / seen.frames,
                start=seen.start,
                stop=seen.stop,
                lost=tuple(seen.lost),
                actions=_most_probable(seen.actions, seen.frames),
            )
            for seen in self._state.seen
        ]

    def shots(self) -> list[Shot]:
        starts = self._state.shots
        stops = [*starts[1:], self._state.last + 1]
        return [Shot(start, stop) for start, stop in zip(starts, stops, strict=False)]

    @property
    def held(self) -> int:
        return len(self._state.held)

    def to_state(self) -> dict[str, Any]:
        """Return everything that `from_state` needs to go on, fit for JSON."""
        state: dict[str, Any] = _STATE.dump_python(self._state, mode="json")
        return state

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> "Tracker":
        """Restore a tracker that goes on as the one that gave `state`.

        That of an older version gives its tracks, which end there.
        """
        restored = _STATE.validate_python(state)
        tracker = cls(restored.instances)
        tracker._state = restored
        return tracker

    def _after(self, held: _Held, time_s: float) -> bool:
        return time_s - held.frame.time_s >= self._state.min_track_s - _TOLERANCE_S

    def _release(self, *, ended: bool) -> SegmentedFrame:
        """Link the first frame held, by those that follow it."""
        state = self._state
        held, *following = state.held
        window = [held, *(one for one in following if not self._after(held, one.frame.time_s))]
        # The last frame lasts as long as the one before it.
        whole = not ended or self._after(held, state.last_s + state.step_s)
        if state.instances == "primary":
            others = [one.parts() for one in following]
            chosen = state.membership.choose(held.parts(), held.frame.time_s, others)
            found = {_OBJECT: _joined(chosen)} if chosen else {}
        else:
            found = held.parts()
        objects = []
        for key, object_ in found.items():
            if key not in state.ids:
                if not self._begins(key, window, whole=whole):
                    continue
                state.ids[key] = len(state.seen) + 1
            objects.append(self._see(state.ids[key], object_, held.frame))
        state.held.pop(0)
        return replace(held.frame, objects=tuple(objects))

    def _begins(self, key: int, window: Sequence[_Held], *, whole: bool) -> bool:
        """Tell whether a track begins with an object of the window's first frame."""
        if not whole and window[0].frame.index != self._state.first:
            return False
        if self._state.instances == "primary":
            return sum(bool(one.keys) for one in window) >= MOST * len(window)
        if self._state.min_track_s == 0:
            return True
        sure = self._state.threshold + SURE * (1 - self._state.threshold)
        scores = [one.parts()[key].score for one in window if key in one.keys]
        return len(scores) >= MOST * len(window) and sum(scores) >= sure * len(scores)

    def _see(self, id_: int, object_: SegmentedObject, frame: SegmentedFrame) -> SegmentedObject:
        if id_ > len(self._state.seen):
            self._state.seen.append(_Seen(id_, 0.0, 0, frame.index, frame.index + 1))
        seen = self._state.seen[id_ - 1]
        expected = seen.stop - 1 + self._state.step
        if seen.frames and frame.index > expected:
            seen.lost.append((expected, frame.index))
        seen.score_sum += object_.score
        seen.frames += 1
        for label, score in object_.actions.items():
            seen.actions[label] = seen.actions.get(label, 0.0) + score
        seen.stop = frame.index + 1
        actions = seen.recent.add(object_.actions, frame.time_s)
        return replace(object_, track=id_, actions=actions)


def link_all(frames: Iterable[SegmentedFrame], tracker: Tracker) -> Iterator[SegmentedFrame]:
    for frame in frames:
        yield from tracker.link(frame)
    yield from tracker.finish()


def _hold(frame: SegmentedFrame, matched: Iterable[tuple[int, SegmentedObject]]) -> _Held:
    """Return a frame with one object for each key, largest first."""
    parts: dict[int, list[SegmentedObject]] = {}
    for key, object_ in matched:
        parts.setdefault(key, []).append(object_)
    found = sorted(((key, _joined(of)) for key, of in parts.items()), key=lambda one: -one[1].area)
    return _Held(replace(frame, objects=tuple(one for _, one in found)), [key for key, _ in found])


def _joined(parts: Sequence[SegmentedObject]) -> SegmentedObject:
    """Make one object of its parts, largest first; what it does is what the largest does."""
    if len(parts) == 1:
        return parts[0]
    mask, area = rle.union([part.mask for part in parts]), sum(part.area for part in parts)
    score = sum(part.score * part.area for part in parts) / area
    return replace(parts[0], mask=mask, box=rle.box(mask), area=area, score=min(1.0, score))


def _most_probable(sums: Mapping[str, float], frames: int) -> tuple[Action, ...]:
    """Return the softmax of the mean log-probabilities: frames that are sure count for more."""
    if not sums:
        return ()
    weights = {label: math.exp(total / frames) for label, total in sums.items()}
    total = sum(weights.values())
    ranked = sorted(weights, key=lambda label: -weights[label])[:TOP_ACTIONS]
    return tuple(Action(label, weights[label] / total) for label in ranked)
