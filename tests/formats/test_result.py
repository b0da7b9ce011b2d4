"""A result is read as the service keeps it, whatever its length."""

from itertools import islice

import numpy as np
import pytest

from formats.by_track import ByTrack
from formats.result import Result
from pipeline.objects import rle
from pipeline.values import Action
from tests.formats.results import EVERY, FRAMES, sample


def test_a_result_is_read_back() -> None:
    made = sample()
    result = made.result
    assert (result.name, result.model) == ("my dög.final", "small 2026.11.1")
    for _ in range(2):  # it can be read more than once
        frames = list(result.frames())
        assert [frame.index for frame in frames] == list(range(0, EVERY * FRAMES, EVERY))
        for frame in frames:
            masks = made.masks[frame.index]
            assert [found.track for found in frame.objects] == list(masks)
            for found in frame.objects:
                assert found.mask is not None
                np.testing.assert_array_equal(rle.decode(found.mask), masks[found.track])


def test_a_result_without_masks_has_none() -> None:
    found = [found for frame in sample(with_masks=False).result.frames() for found in frame.objects]
    assert len(found) == 13
    assert all(each.mask is None for each in found)


@pytest.mark.parametrize(
    ("frame_count", "name"), [(1, "00007"), (10**5, "00007"), (10**5 + 1, "000007")]
)
def test_names_sort_as_the_frames_do(frame_count: int, name: str) -> None:
    made = sample()
    video = made.summary["video"] | {"frame_count": frame_count}
    result = Result.of(made.summary | {"video": video}, "a.mp4", lambda: [])
    assert result.frame_name(7) == name


def test_objects_are_regrouped_by_track() -> None:
    made = sample()
    with ByTrack() as by_track:
        list(by_track.passing(made.result.frames()))
        assert by_track.frame_count == FRAMES
        second = list(by_track.sightings(2))
        assert [sighting.position for sighting in second] == [1, 2, 5, 6, 7]
        assert [sighting.index for sighting in second] == [2, 4, 10, 12, 14]
        by_frame = {frame.index: frame for frame in made.result.frames()}
        for sighting in second:
            assert sighting.found in by_frame[sighting.index].objects
        assert list(by_track.sightings(3)) == []
        assert len(list(islice(by_track.sightings(1), 3))) == 3


def test_who_acts_is_told_and_who_does_nothing_isnt() -> None:
    made = sample()
    tracks = [
        track | {"actions": [{"label": label, "score": 0.5}, {"label": "walk", "score": 0.2}]}
        for track, label in zip(made.summary["tracks"], ("run", "none"), strict=False)
    ]
    result = Result.of(made.summary | {"tracks": tracks}, "a.mp4", lambda: [])
    assert result.acting() == {1: Action("run", 0.5)}
    unsure = [
        track | {"actions": [{"label": "run", "score": score}]}
        for track, score in zip(made.summary["tracks"], (0.4, 0.39), strict=False)
    ]
    acting = Result.of(made.summary | {"tracks": unsure}, "a.mp4", lambda: []).acting()
    assert acting == {1: Action("run", 0.4)}
    without = [
        {name: value for name, value in track.items() if name != "actions"} for track in tracks
    ]
    assert Result.of(made.summary | {"tracks": without}, "a.mp4", lambda: []).acting() == {}
