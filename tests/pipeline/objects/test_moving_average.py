"""An object's action of the moment, worked out by hand, and in a tracker."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from pipeline.objects import rle
from pipeline.objects.association import HIDDEN_S
from pipeline.objects.moving_average import HALF_LIFE_S, ActionAverage
from pipeline.objects.tracks import Tracker
from pipeline.values import SegmentedFrame, SegmentedObject


def logs(**shares: float) -> dict[str, float]:
    return {label: math.log(share) for label, share in shares.items()}


def shares(scores: dict[str, float]) -> dict[str, float]:
    return {label: math.exp(score) for label, score in scores.items()}


def test_one_frame_is_told_as_it_is() -> None:
    assert shares(ActionAverage().add(logs(run=0.7, walk=0.3), 3.0)) == pytest.approx(
        {"run": 0.7, "walk": 0.3}
    )


@pytest.mark.parametrize("half_lives", [0, 1, 2])
def test_earlier_frames_fade_with_the_time_that_passes(half_lives: int) -> None:
    recent = ActionAverage()
    recent.add(logs(run=0.8, walk=0.2), 7.0)
    found = shares(recent.add(logs(run=0.5, walk=0.5), 7.0 + half_lives * HALF_LIFE_S))
    kept = 0.5**half_lives
    run = (0.8**kept * 0.5) ** (1 / (1 + kept))
    walk = (0.2**kept * 0.5) ** (1 / (1 + kept))
    assert found == pytest.approx({"run": run / (run + walk), "walk": walk / (run + walk)})


def test_a_new_action_is_told_after_a_while_and_one_odd_frame_isnt() -> None:
    recent = ActionAverage()
    for index in range(40):
        recent.add(logs(run=0.9, jump=0.1), index / 25)
    odd = shares(recent.add(logs(run=0.1, jump=0.9), 40 / 25))
    assert odd["run"] > 0.8
    for index in range(41, 71):
        changed = shares(recent.add(logs(run=0.1, jump=0.9), index / 25))
    assert changed["jump"] > 0.7


def test_nothing_told_changes_nothing() -> None:
    recent = ActionAverage()
    assert recent.add({}, 0.0) == {}
    recent.add(logs(run=0.7, walk=0.3), 1.0)
    before = replace(recent)
    assert recent.add({}, 2.0) == {}
    assert recent == before


def _doing(x: int, **actions: float) -> SegmentedObject:
    mask = np.zeros((60, 200), bool)
    mask[10:40, x : x + 30] = True
    of = rle.encode(mask)
    return SegmentedObject(
        mask=of, box=rle.box(of), area=rle.area(of), score=0.9, actions=logs(**actions)
    )


def test_each_track_has_its_own_and_a_lost_one_begins_anew() -> None:
    tracker = Tracker("components", min_track_s=0)
    runs, walks = {"run": 0.9, "walk": 0.1}, {"run": 0.1, "walk": 0.9}
    for index in range(3):
        objects = (_doing(10, **runs), _doing(150, **walks))
        tracker.link(SegmentedFrame(index, index / 25, objects))
        tracker = Tracker.from_state(json.loads(json.dumps(tracker.to_state())))
    unsure = {"run": 0.5, "walk": 0.5}
    (linked,) = tracker.link(
        SegmentedFrame(3, 3 / 25, (_doing(150, **unsure), _doing(10, **unsure)))
    )
    assert [(o.track, o.action.label if o.action else None) for o in linked.objects] == [
        (2, "walk"),
        (1, "run"),
    ]
    tracker.link(SegmentedFrame(4, 4 / 25))
    late_s = 4 / 25 + HIDDEN_S + 0.01
    tracker.link(SegmentedFrame(4, late_s))
    (back,) = tracker.link(SegmentedFrame(5, late_s, (_doing(10, run=0.45, walk=0.55),)))
    assert back.objects[0].track == 3
    assert back.objects[0].action is not None
    assert back.objects[0].action.label == "walk"
