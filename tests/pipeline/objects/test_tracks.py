"""An object keeps its id while it moves, hides and comes back; a tracker survives a restart."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from pipeline.objects import rle
from pipeline.objects.tracks import MAX_HIDDEN_S, Tracker
from pipeline.values import SegmentedFrame, SegmentedObject


def _object(x: int, y: int, side: int = 20, score: float = 0.8) -> SegmentedObject:
    mask = np.zeros((100, 200), bool)
    mask[y : y + side, x : x + side] = True
    encoded = rle.encode(mask)
    return SegmentedObject(mask=encoded, box=rle.box(encoded), area=rle.area(encoded), score=score)


def _ids(frame: SegmentedFrame) -> list[int | None]:
    return [object_.track for object_ in frame.objects]


def _crossing(index: int) -> SegmentedFrame:
    """Two objects that pass above and below each other; the larger one, listed first, changes."""
    right = _object(5 * index, 10, side=20 + index % 2)
    left = _object(150 - 5 * index, 50, side=21 - index % 2)
    objects = (right, left) if index % 2 else (left, right)
    return SegmentedFrame(index, index / 25, objects)


def test_moving_objects_keep_their_ids() -> None:
    tracker = Tracker("components")
    for index in range(30):
        left, right = (1, 2)
        wanted = [right, left] if index % 2 else [left, right]
        assert _ids(tracker.link(_crossing(index))) == wanted
    assert [(t.id, t.start, t.stop) for t in tracker.tracks()] == [(1, 0, 30), (2, 0, 30)]


def test_a_newcomer_gets_the_next_id_and_the_best_overlap_wins() -> None:
    tracker = Tracker("components")
    tracker.link(SegmentedFrame(0, 0, (_object(10, 10),)))
    linked = tracker.link(SegmentedFrame(1, 0, (_object(18, 10), _object(11, 10))))
    assert _ids(linked) == [2, 1]


@pytest.mark.parametrize(
    ("fps", "gap", "id_"),
    [(25, 0, 1), (25, 8, 1), (25, 9, 2), (50, 17, 1), (50, 18, 2), (1, 0, 1), (1, 1, 2)],
)
def test_a_hidden_object_comes_back_as_itself_for_a_while(fps: int, gap: int, id_: int) -> None:
    tracker = Tracker("components")
    tracker.link(SegmentedFrame(0, 0, (_object(10, 10, score=0.5),)))
    for index in range(1, 1 + gap):
        assert tracker.link(SegmentedFrame(index, index / fps)).objects == ()
    last = SegmentedFrame(1 + gap, (1 + gap) / fps, (_object(12, 10, score=0.7),))
    linked = tracker.link(last)
    assert _ids(linked) == [id_]
    if id_ == 1:
        (track,) = tracker.tracks()
        assert (track.start, track.stop) == (0, 2 + gap)
        assert track.score == pytest.approx(0.6)


def test_the_primary_object_is_track_1_wherever_it_goes() -> None:
    tracker = Tracker("primary")
    frames = [
        SegmentedFrame(0, 0),
        SegmentedFrame(3, 0, (_object(0, 0),)),
        SegmentedFrame(6, 0),
        SegmentedFrame(90, 0, (_object(150, 70),)),
    ]
    assert [_ids(tracker.link(frame)) for frame in frames] == [[], [1], [], [1]]
    (track,) = tracker.tracks()
    assert (track.id, track.start, track.stop) == (1, 3, 91)


@pytest.mark.parametrize("instances", ["primary", "components"])
def test_a_tracker_goes_on_from_its_state(instances: str) -> None:
    whole = Tracker(instances)  # type: ignore[arg-type]
    parts = Tracker(instances)  # type: ignore[arg-type]
    for index in range(30):
        frame = _crossing(index)
        if instances == "primary":
            frame = SegmentedFrame(index, 0, frame.objects[:1])
        parts = Tracker.from_state(json.loads(json.dumps(parts.to_state())))
        assert parts.link(frame) == whole.link(frame)
    assert parts.tracks() == whole.tracks()


def test_the_state_forgets_masks_of_ended_tracks() -> None:
    tracker = Tracker("components")
    for index in range(500):
        objects = (_object(13 * index % 180, 37 * index % 80),)
        tracker.link(SegmentedFrame(index, index / 25, objects))
    state = tracker.to_state()
    assert len(state["active"]) <= MAX_HIDDEN_S * 25 + 2
    assert len(state["seen"]) == len(tracker.tracks())


def _doing(index: int, **shares: float) -> SegmentedFrame:
    actions = {label: math.log(share) for label, share in shares.items()}
    return SegmentedFrame(index, 0, (replace(_object(10, 10), actions=actions),))


def test_a_track_tells_its_three_most_probable_actions() -> None:
    """By the geometric mean of their shares: 0.2, 0.3, 0.2 and 0.1 here, 0.8 together."""
    tracker = Tracker("primary")
    tracker.link(_doing(0, none=0.4, run=0.1, walk=0.4, jump=0.1))
    tracker = Tracker.from_state(json.loads(json.dumps(tracker.to_state())))
    tracker.link(_doing(1, none=0.1, run=0.9, walk=0.1, jump=0.1))
    (track,) = tracker.tracks()
    assert [action.label for action in track.actions] == ["run", "none", "walk"]
    assert [action.score for action in track.actions] == pytest.approx([3 / 8, 2 / 8, 2 / 8])


def test_the_state_of_a_version_that_counted_frames_is_read() -> None:
    tracker = Tracker("components")
    tracker.link(SegmentedFrame(0, 0, (_object(10, 10),)))
    older = json.loads(json.dumps(tracker.to_state()))
    for active in older["active"]:
        del active["hidden_since_s"]
        active["missed"] = 0
    linked = Tracker.from_state(older).link(SegmentedFrame(1, 0.04, (_object(10, 10),)))
    assert _ids(linked) == [2]


def test_a_track_without_actions_tells_none() -> None:
    tracker = Tracker("primary")
    tracker.link(SegmentedFrame(0, 0, (_object(10, 10),)))
    older = tracker.to_state()
    for seen in older["seen"]:
        del seen["actions"]  # as a version before actions wrote it
    assert [track.actions for track in Tracker.from_state(older).tracks()] == [()]
