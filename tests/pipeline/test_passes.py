"""Several looks at a clip agree on where things are, and their mean is what comes out."""

from fractions import Fraction

import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.passes import Passes
from pipeline.preprocess import to_pictures
from pipeline.values import Quality
from tests.tiny_model import SPEC

LENGTH = SPEC.clip_length


class WhiteSession:
    """Finds white things, and keeps what it was shown."""

    spec = SPEC
    device = "cpu"
    provider = "none"

    def __init__(self) -> None:
        self.seen: list[NDArray[np.uint8]] = []

    def run(self, clips: NDArray[np.uint8]) -> NDArray[np.float32]:
        self.seen.append(clips)
        return clips[..., 0].astype(np.float32) / np.float32(255)


class SizeSession(WhiteSession):
    """Is the surer the larger the picture is."""

    def run(self, clips: NDArray[np.uint8]) -> NDArray[np.float32]:
        return np.full(clips.shape[:4], 0.2 if clips.shape[2] == 64 else 0.8, np.float32)


def _find(session: WhiteSession, frame: NDArray[np.uint8], quality: Quality) -> NDArray[np.float32]:
    height, width, _ = frame.shape
    passes = Passes(session, height, width, quality=quality)
    found = passes.run([to_pictures(frame, passes.fits)] * LENGTH)
    assert len(found) == LENGTH
    return passes.restore(found[0], height, width)


def test_fast_is_what_the_model_says() -> None:
    session = WhiteSession()
    frame = np.random.default_rng(0).integers(0, 256, (64, 96, 3), np.uint8)
    found = _find(session, frame, "fast")
    assert [clips.shape for clips in session.seen] == [(1, LENGTH, 64, 96, 3)]
    np.testing.assert_array_equal(found, frame[..., 0] / np.float32(255))


def test_best_looks_at_three_sizes_each_mirrored() -> None:
    session = WhiteSession()
    frame = np.random.default_rng(0).integers(0, 256, (64, 90, 3), np.uint8)
    _find(session, frame, "best")
    sizes = [clips.shape for clips in session.seen[::2]]
    assert sizes == [(1, LENGTH, *size, 3) for size in ((64, 96), (64, 96), (96, 128))]
    for plain, mirrored in zip(session.seen[::2], session.seen[1::2], strict=True):
        np.testing.assert_array_equal(mirrored, plain[..., ::-1, :])


@pytest.mark.parametrize("shape", [(64, 90), (200, 130), (70, 40)])
def test_all_looks_see_a_thing_at_one_place(shape: tuple[int, int]) -> None:
    """A smooth picture comes back as it is: a shift in one of the looks would smear it."""
    height, width = shape
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    blob = np.exp(-(((rows / height - 0.6) / 0.2) ** 2) - (((columns / width - 0.3) / 0.15) ** 2))
    frame = np.repeat(np.round(255 * blob).astype(np.uint8)[..., np.newaxis], 3, 2)
    found = _find(WhiteSession(), frame, "best")
    assert np.abs(found - blob).max() < 0.03


def test_best_is_the_mean_of_what_was_found() -> None:
    found = _find(SizeSession(), np.zeros((64, 64, 3), np.uint8), "best")
    # 48 pixels lie in a picture of 64, 64 fill it, and 80 lie in one of 96.
    np.testing.assert_allclose(found, (0.2 + 0.2 + 0.8) / 3, rtol=1e-5)


def test_masks_may_be_of_another_size() -> None:
    passes = Passes(WhiteSession(), 64, 96, Fraction(1), "best")
    found = passes.run([to_pictures(np.full((64, 96, 3), 51, np.uint8), passes.fits)] * LENGTH)
    restored = passes.restore(found[0], 192, 288)
    assert restored.shape == (192, 288)
    np.testing.assert_allclose(restored, 0.2, rtol=1e-5)
