"""Average precision of scored detections."""

import pytest

from evaluation.average_precision import (
    Detection,
    Truth,
    average_precisions,
    mean_average_precision,
    precision_recall,
)


def overlap(first: float, second: float) -> float:
    """Compare two places on a line."""
    return max(0.0, 1 - abs(first - second))


def truth(place: str, shape: float, label: str = "run") -> Truth[float]:
    return Truth(place, label, shape)


def detection(place: str, shape: float, score: float, label: str = "run") -> Detection[float]:
    return Detection(place, label, shape, score)


def test_takes_detections_by_falling_score() -> None:
    found = [detection("a", 5, 0.1), detection("a", 0.5, 0.9), detection("b", 0, 0.5)]
    curve = precision_recall(found, [truth("a", 0), truth("b", 0)], overlap, 0.5)
    assert curve.precision.tolist() == [1, 1, 1, 2 / 3]
    assert curve.recall.tolist() == [0, 0.5, 1, 1]
    assert curve.area() == 1


def test_the_area_is_that_of_the_raw_curve() -> None:
    found = [detection("a", 9, 0.9), detection("a", 0, 0.8)]
    curve = precision_recall(found, [truth("a", 0), truth("b", 0)], overlap, 0.5)
    # From precision 0 to 1/2 while recall goes from 0 to 1/2; an envelope would give 1/4.
    assert curve.area() == 0.5 * 0.5 / 2


def test_a_truth_is_found_once_and_the_next_best_then() -> None:
    found = [detection("a", 0, score) for score in (0.9, 0.8, 0.7)]
    curve = precision_recall(found, [truth("a", 0.1), truth("a", 0.4)], overlap, 0.5)
    assert curve.precision.tolist() == [1, 1, 1, 2 / 3]


def test_labels_and_places_are_apart() -> None:
    found = [
        detection("a", 0, 0.9, "jump"),
        detection("b", 0, 0.8, "run"),
        detection("a", 0, 0.7, "swim"),
    ]
    truths = [truth("a", 0, "run"), truth("a", 0, "jump"), truth("a", 0, "walk")]
    by_label = average_precisions(found, truths, overlap, 0.5)
    assert by_label == {"jump": 1, "run": 0, "walk": 0}
    assert mean_average_precision(by_label) == 1 / 3


def test_refuses_nothing() -> None:
    with pytest.raises(ValueError, match="at least one truth"):
        average_precisions([detection("a", 0, 1)], [], overlap, 0.5)
    with pytest.raises(ValueError, match="at least one label"):
        mean_average_precision({})
