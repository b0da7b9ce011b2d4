"""One pass over a clip, and the close-up around what it found."""

from fractions import Fraction

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.network.edges import follow_edges
from pipeline.network.predict import Predictor
from pipeline.network.preprocess import to_pictures
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
        self.cues: list[NDArray[np.uint8] | None] = []

    def run(
        self, clips: NDArray[np.uint8], cues: NDArray[np.uint8] | None = None, /
    ) -> NDArray[np.float32]:
        self.seen.append(clips)
        self.cues.append(cues)
        return clips[..., 0].astype(np.float32) / np.float32(255)


def _find(session: WhiteSession, frame: NDArray[np.uint8], quality: Quality) -> NDArray[np.float32]:
    height, width, _ = frame.shape
    predictor = Predictor(session, height, width, quality=quality)
    found = predictor.run([to_pictures(frame, predictor.fits)] * LENGTH, None)
    assert len(found) == LENGTH
    return np.asarray(predictor.restore(found[0], height, width), np.float32)


def _blob(height: int, width: int, row: float, column: float, size: float) -> NDArray[np.float32]:
    """Draw a smooth spot; its middle and size are shares of the picture's height."""
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    away = np.hypot(rows - row * height, columns - column * width) / (size * height)
    return np.asarray(np.exp(-(away**4)), np.float32)


def _grey(blob: NDArray[np.float32]) -> NDArray[np.uint8]:
    return np.repeat(np.round(255 * blob).astype(np.uint8)[..., np.newaxis], 3, 2)


def test_fast_is_what_the_model_says_drawn_to_edges() -> None:
    session = WhiteSession()
    frame = np.random.default_rng(0).integers(0, 256, (64, 96, 3), np.uint8)
    found = _find(session, frame, "fast")
    assert [clips.shape for clips in session.seen] == [(1, LENGTH, 64, 96, 3)]
    said = frame[..., 0].astype(np.float32) / np.float32(255)
    np.testing.assert_array_equal(found, follow_edges(said, frame))


@pytest.mark.parametrize("shape", [(256, 384), (300, 200), (250, 450)])
@pytest.mark.parametrize("place", [(0.3, 0.7), (0.05, 0.1), (0.9, 0.5)])
def test_close_up_sees_a_thing_where_it_is(
    shape: tuple[int, int], place: tuple[float, float]
) -> None:
    """A smooth spot comes back as it is: a close-up that is shifted would smear it."""
    session = WhiteSession()
    blob = _blob(*shape, *place, 0.12)
    found = _find(session, _grey(blob), "best")
    assert len(session.seen) == 2
    assert np.abs(found - blob).max() < 0.06


def test_close_up_shows_the_object_larger() -> None:
    session = WhiteSession()
    frame = _grey(_blob(256, 384, 0.5, 0.5, 0.1))
    _find(session, frame, "best")
    whole, close = (int((clips[0, 0, ..., 0] > 127).sum()) for clips in session.seen)
    assert close > 3 * whole


@pytest.mark.parametrize("level", [0, 255])
def test_nothing_and_everything_need_no_close_up(level: int) -> None:
    session = WhiteSession()
    found = _find(session, np.full((64, 96, 3), level, np.uint8), "best")
    assert len(session.seen) == 1
    np.testing.assert_allclose(found, level / 255, atol=1e-5)


def test_what_lies_outside_of_the_close_up_stays() -> None:
    class Forgetful(WhiteSession):
        """Finds nothing when it looks again."""

        def run(
            self, clips: NDArray[np.uint8], cues: NDArray[np.uint8] | None = None, /
        ) -> NDArray[np.float32]:
            found = super().run(clips, cues)
            return found if len(self.seen) == 1 else np.zeros_like(found)

    large, small = _blob(256, 384, 0.3, 0.2, 0.1), _blob(256, 384, 0.9, 0.95, 0.03)
    found = _find(Forgetful(), _grey(np.maximum(large, small)), "best")
    assert found[:128, :192].max() == pytest.approx(0.3, abs=0.02)  # of the first pass
    assert found[230, 365] > 0.8


def test_close_up_is_given_its_own_motion() -> None:
    session = WhiteSession()
    blob = _blob(256, 384, 0.5, 0.7, 0.1)
    predictor = Predictor(session, 256, 384, Fraction(1), "best")
    pictures = to_pictures(_grey(blob), predictor.fits)
    height, width = pictures[0].shape[:2]
    # What moves is where the object is, so the cues must match the picture in either pass.
    motion = cv2.resize(pictures[0], (width // 2, height // 2), interpolation=cv2.INTER_AREA)
    predictor.run([pictures] * LENGTH, [motion.astype(np.uint8)] * LENGTH)
    first, second = session.cues
    assert first is not None
    assert second is not None
    np.testing.assert_array_equal(first[0, 0], motion)
    close = session.seen[1][0, 0, ..., 0].astype(np.float32)
    shown = cv2.resize(close, second.shape[3:1:-1], interpolation=cv2.INTER_AREA)
    for channel in range(3):
        assert np.abs(second[0, 0, ..., channel] - shown).max() < 20


def test_masks_may_be_of_another_size() -> None:
    predictor = Predictor(WhiteSession(), 64, 96, Fraction(1), "best")
    frame = np.full((64, 96, 3), 51, np.uint8)
    found = predictor.run([to_pictures(frame, predictor.fits)] * LENGTH, None)
    restored = predictor.restore(found[0], 192, 288)
    assert restored.shape == (192, 288)
    np.testing.assert_allclose(restored, 0.2, rtol=1e-5)
