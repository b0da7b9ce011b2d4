"""Linking objects from frame to frame, so that each keeps one id through the video."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from pipeline.objects import rle
from pipeline.objects.moving_average import ActionAverage
from pipeline.values import Action, Instances, Rle, SegmentedFrame, SegmentedObject, Track

# Objects move and change shape between frames, but one still overlaps itself by this much.
MIN_IOU = 0.3
# Seconds that an object may be hidden for and come back as itself: 8 frames at 24 or 25 a second.
MAX_HIDDEN_S = 0.35
# Actions that are told of a track.
TOP_ACTIONS = 3


@dataclass
class _Active:
    """A track that may go on.

    Attributes:
        id: of the track.
        mask: where it was seen last.
        hidden_since_s: time of the first frame since that it was not in; None if there is none.
    """

    id: int
    mask: Rle
    hidden_since_s: float | None = None


@dataclass
class _Seen:
    """What a track has been so far.

    Attributes:
        actions: the sum of each label's log-probabilities over the frames.
        recent: the same of the latest frames.
    """

    id: int
    score_sum: float
    frames: int
    start: int
    stop: int
    actions: dict[str, float] = field(default_factory=dict)
    recent: ActionAverage = field(default_factory=ActionAverage)


class Tracker:
    """Gives each object the id of the track that it overlaps most, frame after frame.

    Pairs are matched greedily, the best overlap first. Masks are held of tracks that may go on
    only, and a few numbers of each track that ended.

    Args:
        instances: with `primary` the one object of a frame is always track 1.
    """

    def __init__(self, instances: Instances) -> None:
        self._instances: Instances = instances
        self._active: list[_Active] = []
        self._seen: list[_Seen] = []

    def link(self, frame: SegmentedFrame) -> SegmentedFrame:
        """Return the frame with a track for each object; frames must come in order.

        An object's actions become those of its track's latest frames.
        """
        if self._instances == "primary":
            ids = [1] * len(frame.objects)
        else:
            ids = self._match(frame.objects, frame.time_s)
        objects = tuple(
            self._see(id_, object_, frame) for object_, id_ in zip(frame.objects, ids, strict=True)
        )
        return replace(frame, objects=objects)

    def tracks(self) -> list[Track]:
        """Return all tracks so far, by id."""
        return [
            Track(
                id=seen.id,
                score=seen.score_sum / seen.frames,
                start=seen.start,
                stop=seen.stop,
                actions=_most_probable(seen.actions, seen.frames),
            )
            for seen in self._seen
        ]

    def to_state(self) -> dict[str, Any]:
        """Return everything that `from_state` needs to go on, fit for JSON."""
        return {
            "instances": self._instances,
            "active": [asdict(active) for active in self._active],
            "seen": [asdict(seen) for seen in self._seen],
        }

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> "Tracker":
        """Restore a tracker that goes on as the one that gave `state`."""
        tracker = cls(state["instances"])
        tracker._active = [
            _Active(**(active | {"mask": Rle(**active["mask"])}))
            for active in state["active"]
            if "missed" not in active  # of a version that counted frames: those tracks have ended
        ]
        tracker._seen = [
            _Seen(**(seen | {"recent": ActionAverage(**seen.get("recent", {}))}))
            for seen in state["seen"]
        ]
        return tracker

    def _match(self, objects: tuple[SegmentedObject, ...], time_s: float) -> list[int]:
        self._active = [
            active
            for active in self._active
            if active.hidden_since_s is None or time_s - active.hidden_since_s <= MAX_HIDDEN_S
        ]
        overlaps = rle.iou(
            [active.mask for active in self._active], [object_.mask for object_ in objects]
        )
        matched: dict[int, _Active] = {}
        for pair in np.argsort(-overlaps, axis=None, kind="stable"):
            row, column = (int(place) for place in np.unravel_index(pair, overlaps.shape))
            if overlaps[row, column] < MIN_IOU:
                break
            if column not in matched and self._active[row] not in matched.values():
                matched[column] = self._active[row]
        new_id = len(self._seen)
        for column, object_ in enumerate(objects):
            if column in matched:
                matched[column].mask = object_.mask
            else:
                new_id += 1
                matched[column] = _Active(new_id, object_.mask)
                self._active.append(matched[column])
        seen = {active.id for active in matched.values()}
        for active in self._active:
            if active.id in seen:
                active.hidden_since_s = None
            elif active.hidden_since_s is None:
                active.hidden_since_s = time_s
        return [matched[column].id for column in range(len(objects))]

    def _see(self, id_: int, object_: SegmentedObject, frame: SegmentedFrame) -> SegmentedObject:
        """Add a frame's object to its track, and return it as a part of that."""
        if id_ > len(self._seen):
            self._seen.append(_Seen(id_, 0.0, 0, frame.index, frame.index + 1))
        seen = self._seen[id_ - 1]
        seen.score_sum += object_.score
        seen.frames += 1
        for label, score in object_.actions.items():
            seen.actions[label] = seen.actions.get(label, 0.0) + score
        seen.stop = frame.index + 1
        actions = seen.recent.add(object_.actions, frame.time_s)
        return replace(object_, track=id_, actions=actions)


def _most_probable(sums: Mapping[str, float], frames: int) -> tuple[Action, ...]:
    """Return the actions of a track: the softmax of the mean of its log-probabilities.

    A frame that is sure counts for more than with the mean of probabilities, and a frame that
    rules an action out does, too.
    """
    if not sums:
        return ()
    weights = {label: math.exp(total / frames) for label, total in sums.items()}
    total = sum(weights.values())
    ranked = sorted(weights, key=lambda label: -weights[label])[:TOP_ACTIONS]
    return tuple(Action(label, weights[label] / total) for label in ranked)
