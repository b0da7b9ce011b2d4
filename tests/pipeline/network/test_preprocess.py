"""What the network sees is the whole frame, undistorted, and goes back where it came from."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.network.preprocess import Fit, fit, to_network, to_source
from tests.tiny_model import SPEC

sides = st.integers(1, 700)
aspects = st.fractions(Fraction(1, 3), 3, max_denominator=50)


@given(sides, sides, aspects)
def test_the_picture_keeps_to_the_spec(height: int, width: int, aspect: Fraction) -> None:
    to = fit(height, width, SPEC, aspect)
    assert to.padded_height % 32 == to.padded_width % 32 == 0
    assert 0 <= to.padded_height - to.scaled_height < 32
    assert 0 <= to.padded_width - to.scaled_width < 32
    shorter, longer = sorted((to.scaled_height, to.scaled_width))
    assert shorter <= 64
    assert longer <= 128
    assert shorter == 64 or longer == 128


@given(st.integers(100, 700), st.integers(100, 700), aspects)
def test_the_network_sees_square_pixels(height: int, width: int, aspect: Fraction) -> None:
    to = fit(height, width, SPEC, aspect)
    shown = width * aspect / height
    # Each side is rounded to whole pixels.
    assert (to.scaled_width - 1) / (to.scaled_height + 1) < shown
    assert shown < (to.scaled_width + 1) / (to.scaled_height - 1)


@settings(max_examples=40)
@given(sides, sides, aspects)
def test_a_frame_becomes_the_picture_and_back(height: int, width: int, aspect: Fraction) -> None:
    to = fit(height, width, SPEC, aspect)
    picture = to_network(np.full((height, width, 3), (10, 120, 250), np.uint8), to)
    assert picture.shape == (to.padded_height, to.padded_width, 3)
    assert (picture == (10, 120, 250)).all()
    restored = to_source(np.full(picture.shape[:2], 0.25, np.float32), to)
    assert restored.shape == (height, width)
    np.testing.assert_allclose(restored, 0.25, rtol=1e-6)


@settings(max_examples=40)
@given(st.integers(40, 400), st.integers(40, 400), aspects)
def test_a_smooth_picture_comes_back_where_it_was(
    height: int, width: int, aspect: Fraction
) -> None:
    """Half a pixel of shift, or padding that isn't cut off, would show in a ramp."""
    to = fit(height, width, SPEC, aspect)
    rows = (np.arange(height) + 0.5) / height
    columns = (np.arange(width) + 0.5) / width
    for ramp in (np.repeat(rows[:, None], width, 1), np.repeat(columns[None], height, 0)):
        frame = np.repeat(np.round(255 * ramp).astype(np.uint8)[..., None], 3, 2)
        seen = (to_network(frame, to)[..., 0] / 255).astype(np.float32)
        restored = to_source(seen, to)
        # Outer pixels lie half a network pixel outside of all samples: not interpolated.
        pixel = 1 / min(to.scaled_height, to.scaled_width)
        inside = np.abs(ramp - 0.5) < 0.5 - pixel
        assert np.abs(restored - ramp)[inside].max() < 0.25 * pixel + 1 / 255


def test_padding_repeats_the_edge() -> None:
    to = Fit(64, 70, 64, 70, 64, 96)
    frame = np.random.default_rng(0).integers(0, 255, (64, 70, 3), np.uint8)
    picture = to_network(frame, to)
    np.testing.assert_array_equal(picture[:, :70], frame)
    np.testing.assert_array_equal(picture[:, 70:], np.repeat(frame[:, -1:], 26, 1))


def test_a_frame_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match=r"must be \(20, 10, 3\), got \(10, 20, 3\)"):
        to_network(np.zeros((10, 20, 3), np.uint8), fit(20, 10, SPEC))
