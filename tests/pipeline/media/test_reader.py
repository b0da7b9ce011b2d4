"""One reader decodes no more of a file for many requests than it must."""

import gc
import io
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from av.video.frame import VideoFrame

from pipeline.media import container, pictures
from pipeline.media.decode import scan
from pipeline.media.decoder_process import FrameSender
from pipeline.media.reader import FrameReader
from pipeline.network.preprocess import fit
from pipeline.values import VideoLimits
from tests.tiny_model import SPEC
from tests.videos import index_of, picture, write_video

LIMITS = VideoLimits(max_pixels=10**6, max_frames=1000, max_duration_s=100)
FRAMES = 240


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[VideoFrame]:
    """Note all pictures that are decoded."""
    found: list[VideoFrame] = []
    read_frames: Callable[..., Iterator[VideoFrame]] = container.read_frames

    def noted(*arguments: object, **options: object) -> Iterator[VideoFrame]:
        for frame in read_frames(*arguments, **options):
            found.append(frame)
            yield frame

    monkeypatch.setattr(pictures, "read_frames", noted)
    return found


def write(path: Path, gop: int) -> Path:
    options = {"g": str(gop), "x264-params": "scenecut=0"}
    return write_video(path, [picture(n, 48, 64) for n in range(FRAMES)], options=options)


def segments(frames: int) -> list[range]:
    """Return the frames that segments of so many read: those beside them, too."""
    starts = range(0, FRAMES, frames)
    return [range(max(0, start - 9), min(start + frames + 9, FRAMES)) for start in starts]


def test_segments_in_order_share_one_decoding(tmp_path: Path, decoded: list[VideoFrame]) -> None:
    path = write(tmp_path / "one_start.mp4", gop=1000)
    video = scan(path, LIMITS)
    assert video.starts.tolist() == [0]
    with closing(FrameReader(path, video)) as reader:
        sender = FrameSender(io.BytesIO(), reader)
        for part in segments(30):
            sender.send(part, [fit(48, 64, SPEC)])
    assert len(decoded) == FRAMES


def test_segments_out_of_order_start_where_they_can(
    tmp_path: Path, decoded: list[VideoFrame]
) -> None:
    path = write(tmp_path / "many_starts.mp4", gop=12)
    with closing(FrameReader(path, scan(path, LIMITS))) as reader:
        for part in reversed(segments(40)):
            assert [index_of(frame.pixels) for frame in reader.frames(part)] == list(part)
    assert len(decoded) < 2.1 * FRAMES


def test_few_frames_far_apart_are_sought(tmp_path: Path, decoded: list[VideoFrame]) -> None:
    path = write(tmp_path / "many_starts.mp4", gop=12)
    with closing(FrameReader(path, scan(path, LIMITS))) as reader:
        for indices in ([5, 200], [20], [20, 21], [230, 239], [0]):
            frames = list(reader.frames(indices))
            assert [index_of(frame.pixels) for frame in frames] == indices
    assert len(decoded) < FRAMES
    assert np.diff([frame.pts for frame in decoded]).min() < 0


def test_pictures_are_let_go_of_without_the_garbage_collector(tmp_path: Path) -> None:
    path = write(tmp_path / "many_starts.mp4", gop=12)
    video = scan(path, LIMITS)
    gc.collect()
    gc.disable()
    try:
        with closing(FrameReader(path, video)) as reader:
            for part in reversed(segments(40)):
                for _ in reader.frames(part):
                    pass
        # Not isinstance, which asks the object: PyTorch's deprecated ones warn of that.
        held = [found for found in gc.get_objects() if type(found) is VideoFrame]
        assert len(held) < 5
    finally:
        gc.enable()
