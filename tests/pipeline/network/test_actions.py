"""Actions of objects: named in the right boxes, alike wherever a segment is cut."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.media.decode import scan
from pipeline.network.actions import ActionNamer
from pipeline.network.infer import ActionSession
from pipeline.network.motion import Motion
from pipeline.network.preprocess import fit
from pipeline.segmenter import Segmenter
from pipeline.values import Quality, SegmentedFrame, VideoLimits
from tests import tiny_model
from tests.videos import write_video

LIMITS = VideoLimits(max_pixels=10**6, max_frames=1000, max_duration_s=100)
LABELS = ("none", "green")


class GreenSession:
    """Red is foreground; an object is `green` by as much as there is green in its box.

    Features are the green of each pixel, made to differ a little from clip to clip.
    """

    spec = replace(tiny_model.SPEC, labels=LABELS)
    device = "cpu"
    provider = "none"

    def __init__(self) -> None:
        self.described = 0
        self.flows: list[NDArray[np.float32]] = []

    def run(
        self, clips: NDArray[np.uint8], _cues: NDArray[np.uint8] | None = None, /
    ) -> NDArray[np.float32]:
        return np.asarray(clips[..., 0] / np.float32(255), np.float32)

    def describe(
        self, clips: NDArray[np.uint8], _cues: NDArray[np.uint8] | None = None, /
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        self.described += 1
        green = clips[..., 1].astype(np.float32) + clips[:, :1, :1, :1, 1] / np.float32(7)
        return self.run(clips), np.asarray(green[:, :, np.newaxis], np.float32)

    def classify(
        self,
        features: NDArray[np.float32],
        boxes: NDArray[np.float32],
        flow: NDArray[np.float32],
        /,
    ) -> NDArray[np.float32]:
        height, width = features.shape[2:]
        assert boxes.dtype == np.float32
        assert flow.dtype == np.float32
        assert flow.shape == (1, height // 2, width // 2, 2)
        self.flows.append(flow[0])
        found = np.empty((*boxes.shape[:2], 2), np.float32)
        for frame, of_frame in enumerate(boxes):
            for index, (left, top, right, bottom) in enumerate(of_frame):
                rows = slice(round(top * height), round(bottom * height))
                columns = slice(round(left * width), round(right * width))
                share = features[frame, 0, rows, columns].mean() / 300
                found[frame, index] = np.log([1 - share, share])
        return found


def frame_of(index: int) -> NDArray[np.uint8]:
    """A red square that moves to the right, green besides by more and more."""
    pixels = np.zeros((64, 96, 3), np.uint8)
    pixels[20:44, 10 + 2 * index : 34 + 2 * index] = (255, 10 * index, 0)
    return pixels


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clips") / "square.mp4"
    pictures = [frame_of(index) for index in range(20)]
    return write_video(path, pictures, options={"crf": "5", "bf": "0"})


def segment(
    session: GreenSession,
    path: Path,
    indices: range = range(20),
    quality: Quality = "fast",
    *,
    actions: bool = True,
) -> list[SegmentedFrame]:
    return list(
        Segmenter(session).segment(
            path,
            scan(path, LIMITS),
            indices,
            quality=quality,
            actions=actions,
        )
    )


def test_a_session_of_both_is_known_by_its_methods() -> None:
    assert isinstance(GreenSession(), ActionSession)


def test_actions_are_told_how_fast_things_move(clip: Path) -> None:
    session = GreenSession()
    (frame,) = segment(session, clip, range(3, 4), actions=False)
    namer = ActionNamer(session, fit(64, 96, session.spec), range(3, 5), Fraction(25))
    features, own = np.ones((2, 1, 64, 96), np.float32), np.ones((32, 48, 2), np.float32)
    still = np.zeros((32, 48, 3), np.uint8)
    namer.note(3, features, [Motion(still, None, own, own), Motion(still, None, None)])
    namer.name(3, frame.objects)
    namer.name(4, frame.objects)
    known, unknown = session.flows
    np.testing.assert_array_equal(known, 25 * own)  # a pixel a frame, 25 frames a second
    np.testing.assert_array_equal(unknown, 0 * own)


def test_actions_of_a_model_without_motion_are_told_of_none(clip: Path) -> None:
    session = GreenSession()
    segment(session, clip)
    assert not np.any(session.flows)


@pytest.mark.parametrize("quality", ["fast", "best"])
def test_each_object_is_named_from_its_own_box(clip: Path, quality: Quality) -> None:
    session = GreenSession()
    frames = segment(session, clip, quality=quality)
    assert session.described == 3  # clips start at 0, 6 and 12: one pass of each
    shares = []
    for frame in frames:
        (square,) = frame.objects
        assert square.actions.keys() == set(LABELS)
        shares.append(np.exp(square.actions["green"]))
    wanted = [10 * index / 300 for index in range(20)]
    np.testing.assert_allclose(shares, wanted, atol=0.09)
    assert np.corrcoef(shares, wanted)[0, 1] > 0.99


def test_actions_are_the_same_wherever_segments_are_cut(clip: Path) -> None:
    whole = segment(GreenSession(), clip)
    for cut in (1, 7, 12):
        parts = [
            *segment(GreenSession(), clip, range(cut)),
            *segment(GreenSession(), clip, range(cut, 20)),
        ]
        assert parts == whole


def test_actions_are_the_same_whichever_frames_are_wanted(clip: Path) -> None:
    whole = segment(GreenSession(), clip)
    for indices in (range(3, 20, 2), range(1, 20, 9), range(19, 20)):
        assert segment(GreenSession(), clip, indices) == [whole[index] for index in indices]


def test_without_actions_nothing_is_described_and_masks_are_the_same(clip: Path) -> None:
    session = GreenSession()
    without = segment(session, clip, actions=False)
    assert session.described == 0
    named = segment(session, clip)
    assert [
        replace(frame, objects=tuple(replace(o, actions={}) for o in frame.objects))
        for frame in named
    ] == without
    assert all(o.action is None for frame in without for o in frame.objects)


@pytest.mark.parametrize("aspect", [Fraction(1), Fraction(2)])
def test_boxes_lie_in_the_picture_as_it_is_scaled_and_padded(
    tmp_path: Path, aspect: Fraction
) -> None:
    """Of 100x70 the network sees 64x91 padded to 64x96; pixels are twice as wide in the second."""
    pixels = np.zeros((70, 100, 3), np.uint8)
    pixels[10:60, 40:90] = (255, 200, 0)
    path = write_video(
        tmp_path / "wide.mkv", [pixels] * 8, codec="ffv1", pix_fmt="bgr0", pixel_aspect=aspect
    )
    for frame in segment(GreenSession(), path, range(8)):
        for square in frame.objects:
            # All of the box is green, and nothing beside it.
            assert np.exp(square.actions["green"]) == pytest.approx(200 / 300, rel=0.06)
