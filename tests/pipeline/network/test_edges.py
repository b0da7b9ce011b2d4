"""Probabilities move to the picture's edges, and stay where there are none."""

import numpy as np
import pytest

from pipeline.network.edges import follow_edges


def test_a_blurred_outline_is_drawn_to_the_edge() -> None:
    picture = np.full((40, 60, 3), 40, np.uint8)
    picture[:, 30:] = 200
    row = np.clip((np.arange(60) - 24.5) / 12, 0, 1).astype(np.float32)
    probability = np.tile(row, (40, 1))
    assert np.argmax(probability[20] >= 0.5) == 31
    fitted = follow_edges(probability, picture)
    assert np.argmax(fitted[20] >= 0.5) == 30
    # The step lies where the picture has it.
    assert np.argmax(np.diff(fitted[20])) == 29
    assert fitted.dtype == np.float32


def test_nothing_changes_where_all_is_alike() -> None:
    picture = np.random.default_rng(1).integers(0, 256, (40, 60, 3), np.uint8)
    for value in (0.0, 0.3, 1.0):
        even = np.full((40, 60), value, np.float32)
        assert follow_edges(even, picture) == pytest.approx(even, abs=1e-5)
    ramp = np.tile(np.linspace(0, 1, 60, dtype=np.float32), (40, 1))
    smoothed = follow_edges(ramp, np.full((40, 60, 3), 90, np.uint8))
    assert smoothed[:, 5:-5] == pytest.approx(ramp[:, 5:-5], abs=1e-5)
