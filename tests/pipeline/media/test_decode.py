"""Frames come whole, in order and alike, from any container and wherever decoding starts."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.bitstream import BitStreamFilterContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.errors import BrokenVideo, SelectionError
from pipeline.media.decode import decode, scan, select
from pipeline.values import ScannedVideo, VideoLimits
from tests.videos import index_of, picture, write_damaged, write_video

LIMITS = VideoLimits(max_pixels=1920 * 1080, max_frames=1000, max_duration_s=60)
FRAMES = 40

OPEN_GOP = "open-gop=1:keyint=10:min-keyint=10:bframes=3:b-adapt=0:scenecut=0"
FORMATS = {
    "h264.mp4": ("libx264", "yuv420p", {"g": "10", "bf": "3"}),
    "h264_one_keyframe.mp4": ("libx264", "yuv420p", {"g": "250", "bf": "2"}),
    "h264_open_gop.mp4": ("libx264", "yuv420p", {"x264-params": OPEN_GOP}),
    "h264_open_gop.ts": ("libx264", "yuv420p", {"x264-params": OPEN_GOP}),
    "h264_intra_refresh.ts": ("libx264", "yuv420p", {"x264-params": "intra-refresh=1:keyint=10"}),
    "h264_b_frames.avi": ("libx264", "yuv420p", {"g": "10", "bf": "3"}),
    "hevc_10_bit.mp4": ("libx265", "yuv420p10le", {"x265-params": "keyint=10:log-level=none"}),
    "vp9_hidden_frames.webm": (
        "libvpx-vp9",
        "yuv420p",
        {"g": "20", "cpu-used": "4", "auto-alt-ref": "1", "lag-in-frames": "16"},
    ),
    "vp8_hidden_frames.webm": (
        "libvpx",
        "yuv420p",
        {"g": "20", "cpu-used": "4", "auto-alt-ref": "1", "lag-in-frames": "16"},
    ),
    "mpeg4.avi": ("mpeg4", "yuv420p", {"g": "10"}),
    "mpeg4_b_frames.avi": ("mpeg4", "yuv420p", {"g": "10", "bf": "2"}),
    "mpeg2.ts": ("mpeg2video", "yuv420p", {"g": "10", "bf": "2"}),
    "mpeg2.mpg": ("mpeg2video", "yuv420p", {"g": "10", "bf": "2"}),
    "mpeg2.mxf": ("mpeg2video", "yuv420p", {"g": "10"}),
    "flv1.flv": ("flv", "yuv420p", {"g": "10"}),
    "wmv2.wmv": ("wmv2", "yuv420p", {"g": "10"}),
    "prores_10_bit.mov": ("prores_ks", "yuv422p10le", {}),
    "gif.gif": ("gif", "bgr8", {}),
}


def _write(folder: Path, name: str) -> Path:
    codec, pix_fmt, options = FORMATS[name]
    pictures = [picture(index) for index in range(FRAMES)]
    return write_video(folder / name, pictures, codec=codec, pix_fmt=pix_fmt, options=options)


def _indices(path: Path, video: ScannedVideo) -> list[int]:
    return [index_of(f.pixels) for f in decode(path, video, range(video.info.frame_count))]


@pytest.mark.parametrize("name", FORMATS)
def test_each_range_holds_the_frames_of_the_whole(tmp_path: Path, name: str) -> None:
    path = _write(tmp_path, name)
    video = scan(path, LIMITS)
    whole = list(decode(path, video, range(video.info.frame_count)))
    assert [index_of(frame.pixels) for frame in whole] == list(range(FRAMES))
    assert [frame.index for frame in whole] == list(range(FRAMES))
    assert [frame.time_s for frame in whole] == pytest.approx(np.arange(FRAMES) / 25, abs=1e-3)
    assert video.info.fps == 25
    assert video.info.duration_s == pytest.approx(FRAMES / 25, abs=2e-3)
    for start in range(1, FRAMES, 3):
        for part in (range(start, min(start + 3, FRAMES)), range(start, FRAMES, 13)):
            for frame, index in zip(decode(path, video, part), part, strict=True):
                assert frame.index == index
                np.testing.assert_array_equal(frame.pixels, whole[index].pixels)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(indices=st.sets(st.integers(0, 39)).map(sorted))
def test_frames_are_exactly_those_wanted(
    tmp_path_factory: pytest.TempPathFactory, indices: list[int]
) -> None:
    path = tmp_path_factory.getbasetemp() / "ranges.mp4"
    if not path.exists():
        _write(path.parent, "h264.mp4").rename(path)
    video = scan(path, LIMITS)
    assert [index_of(f.pixels) for f in decode(path, video, indices)] == indices


@pytest.mark.parametrize("indices", [range(-1, 3), range(38, 41), range(5, 0, -1), [3, 3]])
def test_frames_that_are_not_there_or_not_in_order_are_refused(
    tmp_path: Path, indices: Sequence[int]
) -> None:
    path = _write(tmp_path, "h264.mp4")
    with pytest.raises(ValueError, match="must rise within 0 to 40"):
        list(decode(path, scan(path, LIMITS), indices))


def test_a_variable_rate_keeps_its_times(tmp_path: Path) -> None:
    times_ms = [0, 40, 120, 140, 400, 1000, 1033]
    path = write_video(
        tmp_path / "vfr.mp4", [picture(index) for index in range(7)], times_ms=times_ms
    )
    video = scan(path, LIMITS)
    assert [video.time_s(index) for index in range(7)] == [t / 1000 for t in times_ms]
    assert float(video.info.fps) == pytest.approx(6 / 1.033, rel=0.01)
    assert _indices(path, video) == list(range(7))


@pytest.mark.parametrize("ending", ["mp4", "mov", "mkv"])
@pytest.mark.parametrize("b_frames", [0, 3])
@pytest.mark.parametrize("shown", range(5, 13))
def test_a_variable_rate_ends_with_its_last_frame(
    tmp_path: Path, ending: str, b_frames: int, shown: int
) -> None:
    times_ms = [0, 40, 120, 140, 400, 1000, 1033, 1070, 1500, 1540, 1600, 1660][:shown]
    path = write_video(
        tmp_path / f"vfr.{ending}",
        [picture(index) for index in range(shown)],
        times_ms=times_ms,
        options={"bf": str(b_frames), "g": "6"},
    )
    # The encoder writes 40 ms for a last frame.
    assert scan(path, LIMITS).info.duration_s == pytest.approx(times_ms[-1] / 1000 + 0.04, abs=1e-3)


def test_a_very_slow_video_has_a_rate(tmp_path: Path) -> None:
    path = write_video(tmp_path / "slow.mkv", [picture(0)] * 3, times_ms=[0, 900, 20_000])
    assert scan(path, LIMITS).info.fps == Fraction(1, 10)


def test_ntsc_rate_is_exact(tmp_path: Path) -> None:
    pictures = [picture(index) for index in range(30)]
    for name in ("ntsc.mp4", "ntsc.mkv"):
        path = write_video(tmp_path / name, pictures, rate=Fraction(30000, 1001))
        assert scan(path, LIMITS).info.fps == Fraction(30000, 1001)


TURNING = {"g": "20", "crf": "10", "bf": "0", "sc_threshold": "0"}


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
@pytest.mark.parametrize("ending", ["mp4", "mkv"])
def test_each_orientation_is_shown_upright(
    tmp_path: Path, ending: str, rotation: int, mirrored: bool
) -> None:
    upright = [picture(index, height=96, width=128) for index in range(3)]
    stored = [
        np.rot90(pixels[:, ::-1] if mirrored else pixels, rotation // 90).copy()
        for pixels in upright
    ]
    path = write_video(
        tmp_path / f"turned.{ending}",
        stored,
        rotation=rotation,
        mirrored=mirrored,
        options={"crf": "10"},
    )
    video = scan(path, LIMITS)
    info = video.info
    assert (info.height, info.width) == (96, 128)
    assert (info.rotation, info.mirrored) == (rotation, mirrored)
    for frame, pixels in zip(decode(path, video, range(3)), upright, strict=True):
        assert np.abs(frame.pixels.astype(int) - pixels).mean() < 6


@pytest.mark.parametrize("ending", ["ts", "mkv"])
def test_an_orientation_that_changes_turns_each_picture(tmp_path: Path, ending: str) -> None:
    upright = [picture(index, height=96, width=96) for index in range(20)]
    path = tmp_path / f"turning.{ending}"
    with av.open(str(path), "w") as target:
        stream = None
        for part, turn in enumerate(("rotate=0", "rotate=90", "flip=horizontal")):
            stored = [
                pixels if part == 0 else np.rot90(pixels, -1) if part == 1 else pixels[:, ::-1]
                for pixels in upright
            ]
            own = write_video(
                tmp_path / f"{part}.{ending}", [pixels.copy() for pixels in stored], options=TURNING
            )
            with av.open(str(own)) as source:
                if stream is None:
                    stream = target.add_stream_from_template(source.streams.video[0])
                message = BitStreamFilterContext(
                    f"h264_metadata=display_orientation=insert:{turn}", source.streams.video[0]
                )
                for packet in source.demux(video=0):
                    for told in message.filter(packet if packet.size else None):
                        assert told.pts is not None
                        assert told.dts is not None
                        assert told.time_base is not None
                        told.pts += round(Fraction(20 * part, 25) / told.time_base)
                        told.dts += round(Fraction(20 * part, 25) / told.time_base)
                        told.stream = stream
                        target.mux(told)
    video = scan(path, LIMITS)
    assert video.info.frame_count == 60
    for indices in (range(60), range(45, 50)):
        for frame in decode(path, video, indices):
            difference = np.abs(frame.pixels.astype(int) - upright[frame.index % 20])
            assert difference.mean() < 6, frame.index


def test_pixel_aspect_is_turned_with_the_picture(tmp_path: Path) -> None:
    pictures = [picture(0)] * 2
    for rotation, aspect in ((0, Fraction(4, 3)), (90, Fraction(3, 4))):
        path = write_video(
            tmp_path / f"{rotation}.mp4", pictures, rotation=rotation, pixel_aspect=Fraction(4, 3)
        )
        assert scan(path, LIMITS).info.pixel_aspect == aspect


def test_odd_sizes_keep_every_pixel(tmp_path: Path) -> None:
    pictures = [picture(index, height=61, width=95) for index in range(3)]
    path = write_video(tmp_path / "odd.mkv", pictures, codec="ffv1", pix_fmt="yuv444p")
    video = scan(path, LIMITS)
    assert (video.info.height, video.info.width) == (61, 95)
    for frame, pixels in zip(decode(path, video, range(3)), pictures, strict=True):
        np.testing.assert_allclose(frame.pixels, pixels, atol=3)
        assert frame.pixels.flags.c_contiguous


TRANSPARENT: dict[str, tuple[str, str, dict[str, str]]] = {
    "png.mov": ("png", "rgba", {}),
    "prores.mov": ("prores_ks", "yuva444p10le", {"profile": "4444"}),
    "vp8.webm": ("libvpx", "yuva420p", {"auto-alt-ref": "0", "crf": "4", "b": "2M", "g": "8"}),
    "vp9.webm": ("libvpx-vp9", "yuva420p", {"auto-alt-ref": "0", "crf": "4", "g": "8"}),
    "vp9.mkv": ("libvpx-vp9", "yuva420p", {"auto-alt-ref": "0", "crf": "4", "g": "8"}),
}


@pytest.mark.parametrize("name", TRANSPARENT)
def test_transparent_pixels_are_seen_over_black(tmp_path: Path, name: str) -> None:
    opaque = [picture(index) for index in range(FRAMES)]
    opacity = np.zeros((*opaque[0].shape[:2], 1), np.uint8)
    opacity[:, 20:60], opacity[:, 60:] = 128, 255
    pictures = [np.dstack([pixels, opacity]) for pixels in opaque]
    codec, pix_fmt, options = TRANSPARENT[name]
    path = write_video(
        tmp_path / name, pictures, codec=codec, pix_fmt=pix_fmt, options=options, mirrored=True
    )
    video = scan(path, LIMITS)
    assert (video.info.frame_count, video.info.mirrored) == (FRAMES, True)
    for indices in (range(FRAMES), range(29, 32)):
        for frame in decode(path, video, indices):
            seen = (opaque[frame.index] * (opacity / 255))[:, ::-1]
            assert np.abs(frame.pixels - seen).mean() < 6
            assert not frame.pixels[:, -18:].any()


@pytest.mark.parametrize("start", [0, 15, 20])
def test_a_damaged_frame_shows_the_one_before(tmp_path: Path, start: int) -> None:
    path = write_damaged(tmp_path / "damaged.mov", range(20, 21))
    video = scan(path, LIMITS)
    shown = list(decode(path, video, range(start, 40)))
    wanted = [19 if index == 20 else index for index in range(start, 40)]
    assert [index_of(frame.pixels) for frame in shown] == wanted
    assert [frame.index for frame in shown if frame.fault == "repeated"] == [20]


def test_frames_that_never_decode_at_the_start_are_left_out(tmp_path: Path) -> None:
    path = write_damaged(tmp_path / "damaged.mov", range(3))
    assert _indices(path, scan(path, LIMITS)) == list(range(3, 40))


@pytest.mark.parametrize("indices", [range(12, 13), range(12, 14), range(30, 40), range(39, 40)])
def test_a_range_that_holds_only_holes_repeats_what_is_on_screen(
    tmp_path: Path, indices: range
) -> None:
    path = write_damaged(tmp_path / "damaged.mov", [12, 13, *range(25, 40)])
    frames = list(decode(path, scan(path, LIMITS), indices))
    assert [frame.index for frame in frames] == list(indices)
    assert all(frame.fault == "repeated" for frame in frames)
    assert {index_of(frame.pixels) for frame in frames} == {11 if indices[0] < 25 else 24}


def test_a_video_that_hardly_decodes_is_refused(tmp_path: Path) -> None:
    path = write_damaged(tmp_path / "damaged.mov", range(1, 40))
    with pytest.raises(BrokenVideo, match="1 of its 40 frames can be decoded"):
        scan(path, LIMITS)


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> ScannedVideo:
    path = tmp_path_factory.mktemp("select") / "a.mp4"
    return scan(write_video(path, [picture(i) for i in range(50)]), LIMITS)


@pytest.mark.parametrize(
    ("start_s", "end_s", "every", "indices"),
    [
        (None, None, 1, range(50)),
        (None, None, 7, range(0, 50, 7)),
        (1.0, None, 1, range(25, 50)),
        (0.99, 1.01, 1, range(25, 26)),
        (None, 1.0, 2, range(0, 25, 2)),
        (1.0, 99.0, 60, range(25, 50, 60)),
    ],
)
def test_a_selection_holds_the_frames_shown_in_it(
    video: ScannedVideo, start_s: float | None, end_s: float | None, every: int, indices: range
) -> None:
    assert select(video, start_s, end_s, every) == indices


def test_a_frames_own_time_selects_it(video: ScannedVideo) -> None:
    for index in range(50):
        assert select(video, video.time_s(index), None, 1).start == index
        if index:
            assert select(video, None, video.time_s(index), 1).stop == index


@pytest.mark.parametrize(
    ("start_s", "end_s", "every", "message"),
    [
        (2.0, None, 1, "got 2.0 and None; .*50 frames are shown from 0 to 1.960 s"),
        (1.0, 1.0, 1, "got 1.0 and 1.0"),
        (None, -1.0, 1, "got None and -1.0"),
        (None, None, 0, "every must be at least 1, got 0"),
    ],
)
def test_an_empty_selection_is_refused(
    video: ScannedVideo, start_s: float | None, end_s: float | None, every: int, message: str
) -> None:
    with pytest.raises(SelectionError, match=message):
        select(video, start_s, end_s, every)
