"""Objects keep their ids within a shot, what flickers is left out, and it survives a restart."""

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.objects import rle
from pipeline.objects.association import COVERED_S
from pipeline.objects.membership import CLEAR_S
from pipeline.objects.tracks import Tracker, link_all
from pipeline.values import Instances, SegmentedFrame, SegmentedObject, Shot

FPS = 25


def _object(x: int, y: int, side: int = 20, score: float = 0.8) -> SegmentedObject:
    mask = np.zeros((100, 200), bool)
    mask[y : y + side, x : x + side] = True
    encoded = rle.encode(mask)
    return SegmentedObject(mask=encoded, box=rle.box(encoded), area=rle.area(encoded), score=score)


def _one(*objects: SegmentedObject) -> SegmentedObject:
    """Return the component that some objects are together."""
    mask = rle.union([one.mask for one in objects])
    return SegmentedObject(mask=mask, box=rle.box(mask), area=rle.area(mask), score=0.8)


def _frames(objects: Iterable[Sequence[SegmentedObject]], fps: int = FPS) -> list[SegmentedFrame]:
    """Return frames, each with its objects, largest first."""
    ordered = (tuple(sorted(of, key=lambda one: -one.area)) for of in objects)
    return [SegmentedFrame(index, index / fps, of) for index, of in enumerate(ordered)]


def _ids(frame: SegmentedFrame) -> list[int | None]:
    return [object_.track for object_ in frame.objects]


def _linked(frames: Iterable[SegmentedFrame], tracker: Tracker) -> list[list[int | None]]:
    return [_ids(frame) for frame in link_all(frames, tracker)]


def _crossing(index: int) -> SegmentedFrame:
    """Two objects that pass above and below each other; the larger one, listed first, changes."""
    right = _object(5 * index, 10, side=20 + index % 2)
    left = _object(150 - 5 * index, 50, side=21 - index % 2)
    objects = (right, left) if index % 2 else (left, right)
    return SegmentedFrame(index, index / FPS, objects)


def test_moving_objects_keep_their_ids() -> None:
    tracker = Tracker("components")
    ids = _linked(map(_crossing, range(30)), tracker)
    assert ids == [[2, 1] if index % 2 else [1, 2] for index in range(30)]
    assert [(t.id, t.start, t.stop) for t in tracker.tracks()] == [(1, 0, 30), (2, 0, 30)]


def test_a_newcomer_gets_the_next_id_and_the_best_overlap_wins() -> None:
    frames = _frames([[_object(10, 10)], [_object(30, 10), _object(11, 10)]])
    assert _linked(frames, Tracker("components", min_track_s=0))[1] == [2, 1]


def test_a_fast_object_is_looked_for_where_it_goes() -> None:
    # After the first frames it moves by its whole width from frame to frame.
    places = [0, 8, 20, 40, 60, 80, 100, 120, 140]
    tracker = Tracker("components")
    assert _linked(_frames([_object(x, 10)] for x in places), tracker) == [[1]] * len(places)


@pytest.mark.parametrize(
    ("fps", "gap", "id_"),
    [
        (25, 0, 1),
        (25, 8, 1),
        (25, 26, 1),
        (25, 27, 2),
        (50, 50, 1),
        (1, 0, 1),
        (1, 1, 1),
        (1, 3, 2),
    ],
)
def test_a_hidden_object_comes_back_as_itself_for_a_while(fps: int, gap: int, id_: int) -> None:
    tracker = Tracker("components", min_track_s=0)
    first, last = _object(10, 10, score=0.5), _object(12, 10, score=0.7)
    ids = _linked(_frames([[first], *[[]] * gap, [last]], fps), tracker)
    assert ids == [[1], *[[]] * gap, [id_]]
    if id_ == 1:
        (track,) = tracker.tracks()
        assert (track.start, track.stop) == (0, 2 + gap)
        assert track.lost == (((1, 1 + gap),) if gap else ())
        assert track.score == pytest.approx(0.6)


@pytest.mark.parametrize(("covered_s", "same"), [(2.9, True), (3.1, False)])
def test_an_object_behind_another_is_waited_for_longer(covered_s: float, same: bool) -> None:
    small, other = _object(100, 40), _object(90, 30, side=45)
    frames = _frames([*[[small]] * 9, *[[other]] * round(covered_s * FPS), *[[small]] * 9])
    ids = _linked(frames, Tracker("components"))
    assert (ids[0] == ids[-1]) is same


@pytest.mark.parametrize("instances", get_args(Instances))
def test_what_flickers_is_left_out(instances: Instances) -> None:
    seen = [bool(index in {3, 4, 10} or 20 <= index < 40) for index in range(45)]
    tracker = Tracker(instances, min_track_s=0.2)
    ids = _linked(_frames([_object(10, 10)] if s else [] for s in seen), tracker)
    assert ids == [[1] if 20 <= index < 40 else [] for index in range(45)]
    everything = Tracker(instances, min_track_s=0)
    ids = _linked(_frames([_object(10, 10)] if s else [] for s in seen), everything)
    assert [bool(of) for of in ids] == seen


def test_what_is_hardly_seen_begins_no_track() -> None:
    scores = [0.6] * 10 + [0.9] * 10 + [0.6] * 10
    frames = _frames([_object(10, 10, score=score)] for score in scores)
    ids = _linked(frames, Tracker("components"))
    assert ids[:5] == [[]] * 5
    assert ids[10:] == [[1]] * 20
    assert _linked(frames, Tracker("components", threshold=0.1)) == [[1]] * 30


@pytest.mark.parametrize("instances", get_args(Instances))
@pytest.mark.parametrize(("count", "fps"), [(1, 25), (3, 25), (3, 1), (2, 60)])
def test_nothing_of_a_shorter_video_is_lost(instances: Instances, count: int, fps: int) -> None:
    frames = _frames([[_object(10, 10)]] * count, fps)
    assert _linked(frames, Tracker(instances)) == [[1]] * count


def test_sparse_frames_stand_for_the_time_up_to_the_next() -> None:
    frames = _frames([[], [_object(10, 10)], [], [_object(90, 10)]], fps=1)
    assert _linked(frames, Tracker("components")) == [[], [1], [], [2]]


@pytest.mark.parametrize("instances", get_args(Instances))
def test_a_cut_ends_tracks(instances: Instances) -> None:
    frames = _frames([[_object(10, 10)]] * 30)
    frames[12] = replace(frames[12], cuts=(11, 12))
    frames[0] = replace(frames[0], cuts=(0,))
    tracker = Tracker(instances)
    linked = list(link_all(frames, tracker))
    assert [_ids(frame) for frame in linked] == [[1]] * 12 + [[2]] * 18
    assert [frame.index for frame in linked if frame.cuts] == [12]
    assert tracker.shots() == [Shot(0, 11), Shot(11, 12), Shot(12, 30)]
    assert [(t.start, t.stop) for t in tracker.tracks()] == [(0, 12), (12, 30)]


_WHOLE = _object(50, 20, side=40)
_HALF, _PIECE = _object(50, 20, side=30), _object(81, 30, side=9)


def test_what_splits_off_is_a_part_until_it_has_been_apart() -> None:
    frames = _frames([[_WHOLE]] * 10 + [[_HALF, _PIECE]] * 50)
    linked = list(link_all(frames, Tracker("components")))
    assert [_ids(frame) for frame in linked[:22]] == [[1]] * 22
    assert linked[20].objects[0].area == _HALF.area + _PIECE.area
    assert _ids(linked[-1]) == [1, 2]


@pytest.mark.parametrize(("side", "apart_after"), [(22, 6), (10, 13)])
def test_what_splits_off_and_goes_away_is_apart_sooner(side: int, apart_after: int) -> None:
    """With a gap as wide as itself, or after half a second if it is small."""
    whole, rest = _object(50, 20, side=60), _object(50, 20, side=40)
    split = [[rest, _object(91 + 4 * index, 20, side)] for index in range(20)]
    ids = _linked(_frames([[whole]] * 10 + split), Tracker("components"))
    assert ids == [[1]] * (10 + apart_after) + [[1, 2]] * (20 - apart_after)


def test_what_outlives_the_rest_goes_on_as_the_whole() -> None:
    frames = _frames([[_WHOLE]] * 10 + [[_HALF, _PIECE]] * 5 + [[_PIECE]] * 40)
    assert _linked(frames, Tracker("components")) == [[1]] * 55


@pytest.mark.parametrize("instances", get_args(Instances))
def test_what_was_apart_stays_so_when_it_touches(instances: Instances) -> None:
    """Two come from either side, stand together for a second, and part."""
    ways = [*range(40), *[40] * 25, *range(39, -1, -1)]
    pairs = [(_object(10 + way, 10, side=30), _object(120 - way, 10)) for way in ways]
    found = [pair if way < 40 else [_one(*pair)] for way, pair in zip(ways, pairs, strict=True)]
    linked = list(link_all(_frames(found), Tracker(instances)))
    # The smaller one is a bystander of the other.
    wanted = [pair[:1] if instances == "primary" else pair for pair in pairs]
    assert [[one.box for one in frame.objects] for frame in linked] == [
        [one.box for one in pair] for pair in wanted
    ]
    assert {tuple(_ids(frame)) for frame in linked} == {(1,) if instances == "primary" else (1, 2)}


@pytest.mark.parametrize(("apart_s", "side"), [(0.2, 20), (1.0, 14)])
def test_what_was_hardly_apart_or_is_small_is_one(apart_s: float, side: int) -> None:
    pair = (_object(50, 10, side=30), _object(80, 10, side=side))
    frames = _frames([pair] * round(apart_s * FPS) + [[_one(*pair)]] * 20)
    last = list(link_all(frames, Tracker("components")))[-1]
    assert [one.box for one in last.objects] == [(50, 10, 30 + side, 30)]


def test_a_bystander_does_not_come_and_go() -> None:
    """Its share goes beyond one half and back all the time."""
    object_, bystander = _object(20, 20, side=40), [_object(120, 20, side=s) for s in (25, 31)]
    frames = _frames([object_, bystander[index // 5 % 2]] for index in range(200))
    widths = {frame.objects[0].box[2] for frame in link_all(frames, Tracker("primary"))}
    assert widths == {40}
    frames = _frames([object_, bystander[1 - index // 5 % 2]] for index in range(200))
    assert all(frame.objects[0].box[2] > 100 for frame in link_all(frames, Tracker("primary")))


def test_a_bystander_that_grows_belongs_to_it_in_the_end() -> None:
    frames = _frames(
        [_object(20, 20, side=40), _object(120, 20, side=min(38, 20 + max(0, index - 90)))]
        for index in range(220)
    )
    wide = [frame.objects[0].box[2] > 40 for frame in link_all(frames, Tracker("primary"))]
    change = wide.index(True)
    # With a side of 29 it is half as large.
    assert change == pytest.approx(99 + CLEAR_S * FPS, abs=2)
    assert wide == [False] * change + [True] * (220 - change)


def test_what_has_just_come_is_judged_soon() -> None:
    """Half of it is beyond the border for 0.4 s."""
    frames = _frames(
        [_object(20, 20, side=40), _object(120, 20, side=24 if index < 10 else 38)]
        for index in range(50)
    )
    wide = [frame.objects[0].box[2] > 40 for frame in link_all(frames, Tracker("primary"))]
    assert wide.index(True) == pytest.approx(10 + (0.4 + 0.3) * FPS, abs=2)


def test_who_is_left_is_the_object() -> None:
    large, small = _object(20, 20, side=40), _object(150, 20)
    frames = _frames([[large, small]] * 10 + [[small]] * 3 + [[large, small]] * 10 + [[small]] * 20)
    linked = list(link_all(frames, Tracker("primary")))
    # Missed for a moment, it is waited for.
    boxes = [frame.objects[0].box if frame.objects else None for frame in linked]
    assert boxes == [large.box] * 10 + [None] * 3 + [large.box] * 10 + [small.box] * 20
    assert {id_ for frame in linked for id_ in _ids(frame)} == {1}


@settings(max_examples=30)
@given(
    instances=st.sampled_from(get_args(Instances)),
    stops=st.sets(st.integers(1, 59)),
    cuts=st.sets(st.integers(1, 59), max_size=2),
    min_track_s=st.sampled_from([0.0, 0.2, 1.0]),
    seed=st.integers(0, 9),
)
def test_a_tracker_goes_on_from_its_state(
    instances: Instances, stops: set[int], cuts: set[int], min_track_s: float, seed: int
) -> None:
    random = np.random.default_rng(seed)
    objects = [
        [
            _object(5 * int(x), 40 * row, side=int(random.integers(8, 30)))
            for row, x in enumerate(random.integers(0, 30, 2))
            if random.random() < 0.8
        ]
        for _ in range(60)
    ]
    frames = [
        replace(frame, cuts=(frame.index,) if frame.index in cuts else ())
        for frame in _frames(objects)
    ]
    whole = Tracker(instances, min_track_s)
    wanted = list(link_all(frames, whole))
    parts = Tracker(instances, min_track_s)
    linked: list[SegmentedFrame] = []
    for frame in frames:
        if frame.index in stops:
            parts = Tracker.from_state(json.loads(json.dumps(parts.to_state())))
            assert parts.held == frame.index - len(linked)
        linked += parts.link(frame)
    assert linked + parts.finish() == wanted
    assert [frame.index for frame in wanted] == list(range(60))
    assert (parts.tracks(), parts.shots()) == (whole.tracks(), whole.shots())


def test_frames_are_held_no_longer_than_a_track_takes_to_begin() -> None:
    tracker = Tracker("components", min_track_s=0.2)
    for index, frame in enumerate(_frames([[_object(10, 10)]] * 20)):
        assert [linked.index for linked in tracker.link(frame)] == (
            [index - 5] if index >= 5 else []
        )


def test_the_state_forgets_masks_of_ended_tracks() -> None:
    tracker = Tracker("components", min_track_s=0)
    for index in range(500):
        objects = (_object(13 * index % 180, 37 * index % 80),)
        tracker.link(SegmentedFrame(index, index / 25, objects))
    state = tracker.to_state()
    assert len(state["association"]["followed"]) <= COVERED_S * 25 + 2
    assert len(state["seen"]) == len(tracker.tracks())


def _doing(index: int, **shares: float) -> SegmentedFrame:
    actions = {label: math.log(share) for label, share in shares.items()}
    return SegmentedFrame(index, 0, (replace(_object(10, 10), actions=actions),))


def test_a_track_tells_its_three_most_probable_actions() -> None:
    """By the geometric mean of their shares: 0.2, 0.3, 0.2 and 0.1 here, 0.8 together."""
    tracker = Tracker("primary", min_track_s=0)
    tracker.link(_doing(0, none=0.4, run=0.1, walk=0.4, jump=0.1))
    tracker = Tracker.from_state(json.loads(json.dumps(tracker.to_state())))
    tracker.link(_doing(1, none=0.1, run=0.9, walk=0.1, jump=0.1))
    (track,) = tracker.tracks()
    assert [action.label for action in track.actions] == ["run", "none", "walk"]
    assert [action.score for action in track.actions] == pytest.approx([3 / 8, 2 / 8, 2 / 8])


def test_tracks_of_a_version_that_knew_no_shots_are_kept() -> None:
    mask = {"height": 100, "width": 200, "counts": "0"}
    seen = {"id": 1, "score_sum": 1.6, "frames": 2, "start": 0, "stop": 2}
    for active in ({"id": 1, "mask": mask, "missed": 0}, {"id": 1, "mask": mask}):
        older = {"instances": "components", "active": [active], "seen": [seen]}
        tracker = Tracker.from_state(older)
        assert _linked(_frames([[_object(10, 10)]] * 9), tracker) == [[2]] * 9
        assert [(t.id, t.stop, t.actions) for t in tracker.tracks()] == [(1, 2, ()), (2, 9, ())]
