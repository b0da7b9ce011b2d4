"""Average precision of tubes."""

import pytest

from evaluation.average_precision import Detection, Truth
from evaluation.video_ap import Tube, suppress, tube_overlap, video_ap

BOX = (0.0, 0.0, 9.0, 9.0)
HALF = (0.0, 0.0, 9.0, 4.0)
TUBE = Tube(10, (BOX,) * 20)


def detected(tube: Tube, score: float, place: str = "clip", label: str = "run") -> Detection[Tube]:
    return Detection(place, label, tube, score)


def test_overlap_in_space_and_time() -> None:
    assert tube_overlap(TUBE, TUBE) == 1
    assert tube_overlap(TUBE, Tube(10, (HALF,) * 20)) == 0.5
    assert tube_overlap(TUBE, Tube(20, (BOX,) * 20)) == 10 / 30
    assert tube_overlap(Tube(20, (HALF,) * 20), TUBE) == 0.5 * 10 / 30
    assert tube_overlap(TUBE, Tube(30, (BOX,) * 20)) == 0
    assert tube_overlap(TUBE, Tube(29, (BOX,))) == pytest.approx(1 / 20)


def test_drops_what_was_found_twice() -> None:
    best, same, apart = detected(TUBE, 0.9), detected(TUBE, 0.8), detected(Tube(50, (BOX,)), 0.1)
    elsewhere, other = detected(TUBE, 0.5, place="clip2"), detected(TUBE, 0.4, label="jump")
    assert suppress([same, apart, best, elsewhere, other]) == [best, apart, elsewhere, other]


def test_average_precision_of_tubes() -> None:
    truths = [Truth("clip", "run", TUBE), Truth("clip2", "run", TUBE)]
    found = [
        detected(TUBE, 0.9),
        detected(TUBE, 0.8),
        detected(Tube(20, (BOX,) * 20), 0.7, "clip2"),
    ]
    assert video_ap(found, truths, 0.5) == {"run": 0.5}
    # At 0.2 the second is found as well; the repeated one was dropped.
    assert video_ap(found, truths, 0.2) == {"run": 1.0}
