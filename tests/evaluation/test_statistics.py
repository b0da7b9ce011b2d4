"""Mean, recall and decay."""

import math

import numpy as np
import pytest

from evaluation.statistics import Statistics, data_set_statistics, sequence_statistics
from tests.evaluation.masks import golden


def test_mean_recall_and_decay() -> None:
    statistics = sequence_statistics([1.0, 0.8, 0.6, 0.5, 0.4, 0.2, 0.1, 0.0])
    assert statistics.mean == pytest.approx(0.45)
    # A half isn't above a half.
    assert statistics.recall == 3 / 8
    # Frames 1, 2.75, 4.5, 6.25 and 8 round to 1, 3, 5 (halves go up), 6 and 8.
    assert statistics.decay == pytest.approx((1.0 + 0.8 + 0.6) / 3 - (0.2 + 0.1 + 0.0) / 3)


def test_a_frame_without_a_value_is_left_out_of_the_mean_and_missed_in_the_recall() -> None:
    statistics = sequence_statistics([math.nan, 1.0, 0.0, math.nan])
    assert (statistics.mean, statistics.recall) == (0.5, 0.25)


def test_decay_of_a_long_sequence() -> None:
    # The official code keeps the edges in 8 bits, which overflow here.
    values = np.linspace(1, 0, 1201)
    assert sequence_statistics(values).decay == pytest.approx(0.75, abs=1e-3)


def test_one_frame() -> None:
    assert sequence_statistics([0.7]) == Statistics(mean=0.7, recall=1, decay=0)


def test_refuses_nothing() -> None:
    with pytest.raises(ValueError, match=r"\(0,\)"):
        sequence_statistics([])
    with pytest.raises(ValueError, match="at least one sequence"):
        data_set_statistics([])


def test_sequences_weigh_the_same() -> None:
    long, short = sequence_statistics(np.ones(90)), sequence_statistics(np.zeros(10))
    assert data_set_statistics([long, short]) == Statistics(mean=0.5, recall=0.5, decay=0)


@pytest.mark.parametrize("name", ["seq1", "seq3"])
@pytest.mark.parametrize("measure", ["J", "F"])
def test_agrees_with_the_reference_values(name: str, measure: str) -> None:
    expected = golden("davis.json")[name]
    statistics = sequence_statistics(expected[f"{measure}_frames"])
    found = [statistics.mean, statistics.recall, statistics.decay]
    assert found == pytest.approx(expected[f"{measure}16"], abs=1e-12)
