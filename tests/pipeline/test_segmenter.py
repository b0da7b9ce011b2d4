"""The whole way: real clips in, objects out, alike however a video is cut into segments."""

import json
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from jobs.lines import from_part, to_line, to_part
from jobs.segments import segment_range
from pipeline.errors import BrokenVideo
from pipeline.media.decode import decode, scan, select
from pipeline.network.clip_reader import SEARCH
from pipeline.network.infer import load
from pipeline.objects import rle
from pipeline.segmenter import Segmenter
from pipeline.values import Quality, ScannedVideo, SegmentedFrame, VideoLimits
from tests.tiny_model import SPEC, write_model
from tests.videos import picture, square, textured, with_hole, write_damaged, write_video

LIMITS = VideoLimits(max_pixels=1920 * 1080, max_frames=1000, max_duration_s=60)
FRAMES = 50


class RedSession:
    """Finds red things; each frame of a clip a little differently, so that clips matter."""

    spec = SPEC
    device = "cpu"
    provider = "none"

    def __init__(self) -> None:
        self.runs = 0

    def run(
        self, clips: NDArray[np.uint8], _cues: NDArray[np.uint8] | None = None, /
    ) -> NDArray[np.float32]:
        self.runs += 1
        red = clips[..., 0].astype(np.float32) - clips[..., 1]
        trust = np.linspace(0.8, 1, clips.shape[1], dtype=np.float32)
        return np.clip(red / 200 * trust[:, None, None], 0, 1)


class FailingSession(RedSession):
    """Fails at the third clip."""

    def run(
        self, clips: NDArray[np.uint8], _cues: NDArray[np.uint8] | None = None, /
    ) -> NDArray[np.float32]:
        if self.runs == 2:
            raise RuntimeError("out of memory")
        return super().run(clips)


class HeldSession(RedSession):
    """Doesn't begin its third clip before it may."""

    def __init__(self) -> None:
        super().__init__()
        self.may_go_on = threading.Event()

    def run(
        self, clips: NDArray[np.uint8], _cues: NDArray[np.uint8] | None = None, /
    ) -> NDArray[np.float32]:
        if self.runs == 2:
            assert self.may_go_on.wait(60)
        return super().run(clips)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pictures = [picture(index, 96, 160) for index in range(FRAMES)]
    options = {"crf": "10", "g": "12", "bf": "2"}
    return write_video(tmp_path_factory.mktemp("clips") / "a.mp4", pictures, options=options)


@pytest.fixture(scope="module")
def video(path: Path) -> ScannedVideo:
    return scan(path, LIMITS)


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Iterator[None]:
    before = threading.active_count()
    yield
    assert threading.active_count() == before


def _covers(frame: SegmentedFrame, height: int = 96, width: int = 160) -> float:
    truth = np.zeros((height, width), bool)
    truth[square(frame.index, height, width)] = True
    (object_,) = frame.objects
    return float(rle.iou([object_.mask], [rle.encode(truth)])[0, 0])


def test_a_moving_thing_is_covered_in_every_frame(path: Path, video: ScannedVideo) -> None:
    segmenter = Segmenter(RedSession())
    frames = list(segmenter.segment(path, video, range(FRAMES)))
    assert [frame.index for frame in frames] == list(range(FRAMES))
    assert [frame.time_s for frame in frames] == pytest.approx(np.arange(FRAMES) / 25)
    assert min(_covers(frame) for frame in frames) > 0.8
    assert all(o.score > 0.7 and o.track is None for frame in frames for o in frame.objects)


@pytest.fixture(scope="module")
def whole(path: Path, video: ScannedVideo) -> Mapping[Quality, list[SegmentedFrame]]:
    """What every frame of the video gets where all are wanted."""
    segmenter = Segmenter(RedSession())
    qualities: tuple[Quality, ...] = ("fast", "best")
    return {q: list(segmenter.segment(path, video, range(FRAMES), quality=q)) for q in qualities}


@settings(max_examples=40)
@given(
    start=st.integers(0, FRAMES - 1),
    length=st.integers(1, FRAMES),
    every=st.integers(1, FRAMES + 10),
    segments=st.integers(1, 4),
    quality=st.sampled_from(["fast", "best"]),
)
@example(start=0, length=FRAMES, every=30, segments=1, quality="fast")
def test_any_frames_in_any_segments_are_those_of_the_whole(
    path: Path,
    video: ScannedVideo,
    whole: Mapping[Quality, list[SegmentedFrame]],
    *,
    start: int,
    length: int,
    every: int,
    segments: int,
    quality: Quality,
) -> None:
    end_s = video.info.duration_s if start + length >= FRAMES else video.time_s(start + length)
    indices = select(video, video.time_s(start), end_s, every)
    segmenter = Segmenter(RedSession())
    segments = min(segments, len(indices))
    found: list[SegmentedFrame] = []
    for segment in range(segments):
        part = segment_range(segment, segments, len(indices))
        found += segmenter.segment(path, video, indices[part.start : part.stop], quality=quality)
    assert found == [whole[quality][index] for index in indices]


@pytest.mark.parametrize(
    ("indices", "runs"),
    [
        (range(FRAMES), 8),  # 0, 6, ... 36 and the last
        (range(21, 22), 1),  # 18 to 25 holds it and both its neighbours
        (range(20, 21), 2),  # 12 to 19 holds the neighbour before it
        (range(3, FRAMES, 30), 2),  # 0 to 7, 30 to 37
    ],
)
def test_only_clips_that_hold_a_wanted_frame_or_its_neighbours_are_run(
    path: Path, video: ScannedVideo, indices: range, runs: int
) -> None:
    session = RedSession()
    list(Segmenter(session, stride=6).segment(path, video, indices))
    assert session.runs == runs


@pytest.mark.parametrize("count", [1, 3, 8])
def test_a_video_shorter_than_a_clip_is_one_clip(tmp_path: Path, count: int) -> None:
    session = RedSession()
    pictures = [picture(index, 96, 160) for index in range(count)]
    path = write_video(tmp_path / "short.mp4", pictures, options={"crf": "10"})
    frames = list(Segmenter(session).segment(path, scan(path, LIMITS), range(count)))
    assert [frame.index for frame in frames] == list(range(count))
    assert min(_covers(frame) for frame in frames) > 0.8
    assert session.runs == 1


def test_a_model_file_does_the_same(tmp_path: Path) -> None:
    black = [np.zeros((64, 64, 3), np.uint8) for _ in range(10)]
    for index, pixels in enumerate(black):
        pixels[20:40, 2 * index : 2 * index + 20] = (255, 0, 0)
    path = write_video(tmp_path / "a.mkv", black, codec="ffv1", pix_fmt="bgr0")
    session = load(write_model(tmp_path / "tiny.onnx"), "cpu", threads=1)
    frames = Segmenter(session).segment(path, scan(path, LIMITS), range(10))
    for index, frame in enumerate(frames):
        (object_,) = frame.objects
        assert (object_.box, object_.area) == ((2 * index, 20, 20, 20), 400)
        # Of 20 columns, 2 that enter and 2 that leave are by a quarter less sure.
        sides = 1 if index in (0, 9) else 2
        # Following edges blurs that.
        assert object_.score == pytest.approx(1 - sides * 0.1 * 0.25, abs=0.01)


class ShotSession(RedSession):
    """Refuses clips that mix shots, which differ in what is blue."""

    def run(
        self, clips: NDArray[np.uint8], _cues: NDArray[np.uint8] | None = None, /
    ) -> NDArray[np.float32]:
        blue = clips[0, ..., 2].astype(np.float32)
        assert np.abs(blue - blue[0]).mean() < 8
        return super().run(clips)


CUTS = (17, 36)


@pytest.fixture(scope="module")
def montage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a video whose shots have backgrounds of their own."""
    backgrounds = [textured(seed, 96, 160) for seed in range(3)]
    pictures = []
    for index in range(FRAMES):
        pixels = backgrounds[sum(index >= cut for cut in CUTS)].copy()
        pixels[square(index, 96, 160)] = (230, 20, 20)
        pictures.append(pixels)
    options = {"crf": "10", "g": "12", "bf": "2"}
    return write_video(tmp_path_factory.mktemp("montage") / "a.mp4", pictures, options=options)


@settings(max_examples=15)
@given(start=st.integers(0, FRAMES - 1), every=st.integers(1, FRAMES), segments=st.integers(1, 4))
@example(start=0, every=1, segments=1)
@example(start=17, every=1, segments=3)
@example(start=0, every=48, segments=1)
def test_no_clip_holds_two_shots_and_segments_tell_the_wholes_cuts(
    montage: Path, *, start: int, every: int, segments: int
) -> None:
    video = scan(montage, LIMITS)
    segmenter = Segmenter(ShotSession())
    indices = range(start, FRAMES, every)
    whole = list(segmenter.segment(montage, video, indices))
    parts: list[SegmentedFrame] = []
    for segment in range(min(segments, len(indices))):
        part = segment_range(segment, min(segments, len(indices)), len(indices))
        parts += segmenter.segment(montage, video, indices[part.start : part.stop])
    assert parts == whole
    assert [from_part(to_part(frame)) for frame in whole] == whole
    found = [cut for frame in whole for cut in frame.cuts if cut > start]
    cuts = [cut for cut in CUTS if start < cut <= indices[-1]]
    if every <= SEARCH:
        assert found == cuts
    else:  # those long before a frame that is wanted may be missed, and no others found
        assert set(found) <= set(cuts)


def test_best_quality_looks_at_each_clip_twice(path: Path, video: ScannedVideo) -> None:
    session = RedSession()
    frames = list(Segmenter(session).segment(path, video, range(13), quality="best"))
    assert session.runs == 2 * 2
    assert min(_covers(frame) for frame in frames) > 0.8


def test_frames_from_elsewhere_are_segmented_alike(path: Path, video: ScannedVideo) -> None:
    segmenter = Segmenter(RedSession())
    decoded = [frame.pixels for frame in decode(path, video, range(FRAMES))]
    found = segmenter.find(
        decoded,
        FRAMES,
        size=(96, 160),
        fps=25,
    )
    assert list(found) == list(segmenter.segment(path, video, range(FRAMES)))


def test_masks_may_be_of_another_size_than_the_frames() -> None:
    frames = Segmenter(RedSession()).find(
        map(picture, range(8)), 8, size=(64, 96), fps=25, mask_size=(192, 288)
    )
    for index, frame in enumerate(frames):
        (object_,) = frame.objects
        truth = np.zeros((192, 288), bool)
        truth[square(index, 192, 288)[0], 6 * index : 6 * index + 48] = True
        assert rle.decode(object_.mask).shape == (192, 288)
        assert rle.iou([object_.mask], [rle.encode(truth)])[0, 0] > 0.8


def test_frames_without_an_object_are_there(tmp_path: Path) -> None:
    path = write_video(tmp_path / "dark.mp4", [np.zeros((64, 64, 3), np.uint8)] * 9)
    frames = list(Segmenter(RedSession()).segment(path, scan(path, LIMITS), range(9)))
    assert [(frame.index, frame.objects) for frame in frames] == [(i, ()) for i in range(9)]


def test_closing_early_stops_the_work(path: Path, video: ScannedVideo) -> None:
    before = threading.active_count()
    session = RedSession()
    frames = Segmenter(session).segment(path, video, range(FRAMES))
    assert next(frames).index == 0
    frames.close()
    assert session.runs < 6
    assert threading.active_count() == before


def test_what_is_found_does_not_wait_for_the_next_clip(path: Path, video: ScannedVideo) -> None:
    session = HeldSession()
    frames = Segmenter(session).segment(path, video, range(24))
    # The third clip begins with frame 16, by which 15 is smoothed.
    assert [next(frames).index for _ in range(15)] == list(range(15))
    session.may_go_on.set()
    assert [frame.index for frame in frames] == list(range(15, 24))


def test_an_error_of_the_model_reaches_the_caller(path: Path, video: ScannedVideo) -> None:
    frames = Segmenter(FailingSession()).segment(path, video, range(FRAMES))
    with pytest.raises(RuntimeError, match="out of memory"):
        list(frames)


def test_an_error_of_decoding_reaches_the_caller(tmp_path: Path) -> None:
    path = write_video(
        tmp_path / "a.mov", [picture(index) for index in range(9)], codec="png", pix_fmt="rgb24"
    )
    video = scan(path, LIMITS)
    path.write_bytes(path.read_bytes().replace(b"\x89PNG", b"\x00\x00\x00\x00"))
    with pytest.raises(BrokenVideo, match="No frame of the video can be decoded"):
        list(Segmenter(RedSession()).segment(path, video, range(9)))


@pytest.mark.parametrize("indices", [range(48, 51), range(0), range(5, 1, -1)])
def test_frames_that_are_not_there_are_refused(
    path: Path, video: ScannedVideo, indices: range
) -> None:
    with pytest.raises(ValueError, match="must be a rising range within 0 to 50"):
        list(Segmenter(RedSession()).segment(path, video, indices))


def test_a_frame_that_repeats_the_one_before_is_marked(tmp_path: Path) -> None:
    damaged = write_damaged(tmp_path / "damaged.mov", range(20, 22))
    frames = list(Segmenter(RedSession()).segment(damaged, scan(damaged, LIMITS), range(40)))
    assert [frame.index for frame in frames if frame.fault == "repeated"] == [20, 21]
    assert [from_part(to_part(frame)) for frame in frames] == frames
    lines = [json.loads(to_line(frame, "none")) for frame in frames]
    assert [line["index"] for line in lines if line.get("repeated")] == [20, 21]


def test_frames_built_on_a_lost_one_are_marked(tmp_path: Path) -> None:
    pictures = [picture(index) for index in range(30)]
    options = {"g": "10", "bf": "0", "sc_threshold": "0"}
    path = with_hole(write_video(tmp_path / "clip.mp4", pictures, options=options), 12)
    frames = list(Segmenter(RedSession()).segment(path, scan(path, LIMITS), range(30)))
    assert [from_part(to_part(frame)) for frame in frames] == frames
    lines = [json.loads(to_line(frame, "none")) for frame in frames]
    assert [line["index"] for line in lines if line.get("repeated")] == [12]
    assert [line["index"] for line in lines if line.get("damaged")] == list(range(13, 20))
