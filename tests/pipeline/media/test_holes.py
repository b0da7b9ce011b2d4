"""A frame in the middle that can't be decoded: what follows it is shown as players show it."""

from pathlib import Path

import numpy as np
import pytest

from pipeline.errors import BrokenVideo
from pipeline.media.decode import decode, scan
from pipeline.values import VideoLimits
from tests.videos import index_of, picture, with_hole, write_video

LIMITS = VideoLimits(max_pixels=1920 * 1080, max_frames=1000, max_duration_s=60)
FRAMES = 60
X26 = "keyint=10:min-keyint=10:scenecut=0:b-adapt=0"
CLOSED = {"x265-params": f"{X26}:open-gop=0:bframes=0:log-level=none"}
FORMATS = {
    "closed.mp4": ("libx265", CLOSED),
    "hevc.mp4": ("libx265", {"x265-params": f"{X26}:open-gop=1:bframes=3:log-level=none"}),
    "hevc.ts": ("libx265", {"x265-params": f"{X26}:open-gop=1:bframes=3:log-level=none"}),
    "h264.mp4": ("libx264", {"x264-params": f"{X26}:open-gop=1:bframes=3"}),
    "h264.ts": ("libx264", {"x264-params": f"{X26}:open-gop=1:bframes=3"}),
    "refresh.ts": ("libx264", {"x264-params": "intra-refresh=1:keyint=10"}),
    "mpeg2.ts": ("mpeg2video", {"g": "10", "bf": "2"}),
}


def write(path: Path, *holes: int) -> Path:
    codec, options = FORMATS[path.name]
    pictures = [picture(index) for index in range(FRAMES)]
    return with_hole(write_video(path, pictures, codec=codec, options=options), *holes)


def test_only_the_frame_without_a_picture_is_repeated(tmp_path: Path) -> None:
    path = write(tmp_path / "closed.mp4", 20)
    frames = list(decode(path, scan(path, LIMITS), range(FRAMES)))
    assert [frame.index for frame in frames] == list(range(FRAMES))
    assert [frame.index for frame in frames if frame.fault == "repeated"] == [20]
    shown = {frame.index: index_of(frame.pixels) for frame in frames if frame.index // 10 != 2}
    assert all(number == index for index, number in shown.items())


@pytest.mark.parametrize("holes", [(), (20,), (24,), (20, 24), (21, 22)], ids=str)
@pytest.mark.parametrize("name", FORMATS)
def test_each_range_shows_what_decoding_from_the_start_shows(
    tmp_path: Path, name: str, holes: tuple[int, ...]
) -> None:
    path = write(tmp_path / name, *holes)
    video = scan(path, LIMITS)
    whole = list(decode(path, video, range(video.info.frame_count)))
    assert [index_of(frame.pixels) for frame in whole[-8:]] == list(range(FRAMES - 8, FRAMES))
    for start in range(1, len(whole) - 2, 3):
        part = range(start, start + 3)
        for frame, index in zip(decode(path, video, part), part, strict=True):
            assert frame.fault == whole[index].fault
            np.testing.assert_array_equal(frame.pixels, whole[index].pixels)


def test_a_video_that_shows_nothing_whole_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "closed.mp4", *range(0, FRAMES, 10))
    with pytest.raises(BrokenVideo, match="No frame of the hevc video can be decoded"):
        scan(path, LIMITS)


def test_a_video_that_shows_little_whole_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "closed.mp4", *range(10, FRAMES, 10))
    with pytest.raises(BrokenVideo, match="10 of its 60 frames can be decoded"):
        scan(path, LIMITS)


def test_avi_that_lost_chunks_shows_in_each_range_what_the_whole_shows(tmp_path: Path) -> None:
    pictures = [picture(index) for index in range(FRAMES)]
    options = {"g": "12", "bf": "2"}
    path = write_video(tmp_path / "clip.avi", pictures, codec="mpeg4", options=options)
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 300] = bytes(300)
    path.write_bytes(content)
    video = scan(path, LIMITS)
    whole = list(decode(path, video, range(video.info.frame_count)))
    shown = [index_of(frame.pixels) for frame in whole]
    assert shown[-10:] == list(range(FRAMES - 10, FRAMES))
    assert len(whole) < FRAMES
    for start in range(0, len(whole) - 3, 5):
        part = decode(path, video, range(start, start + 3))
        assert [index_of(frame.pixels) for frame in part] == shown[start : start + 3]
