"""Each picture once and in order, whatever clock, size or header a file gives it."""

import struct
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from pipeline.errors import BrokenVideo, NotAVideo, VideoTooLarge
from pipeline.media.decode import decode, scan, select
from pipeline.values import ScannedVideo, VideoLimits
from tests.videos import index_of, picture, shifted, write_video

LIMITS = VideoLimits(max_pixels=1280 * 720, max_frames=1000, max_duration_s=60)
FRAMES = 40
VP8 = {"g": "10", "cpu-used": "4", "auto-alt-ref": "1", "lag-in-frames": "16"}


@pytest.fixture(params=[True, False], ids=["whole", "parts"])
def whole(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Prove listings as those of short videos, by decoding them whole, or as those of long ones."""
    if not request.param:
        monkeypatch.setattr("pipeline.media.decode._CHEAP_PIXELS", 0)


def shown(path: Path, video: ScannedVideo, indices: Sequence[int] | None = None) -> list[int]:
    """Read the numbers of the frames off their pictures."""
    wanted = range(video.info.frame_count) if indices is None else indices
    return [index_of(frame.pixels) for frame in decode(path, video, wanted)]


def assert_each_once(path: Path, wanted: Sequence[int], *, repaired: bool) -> ScannedVideo:
    """Check that every frame shows its picture, from wherever decoding starts, 40 ms apart."""
    video = scan(path, LIMITS)
    assert shown(path, video) == list(wanted)
    assert video.info.timestamps == ("repaired" if repaired else "stored")
    times = [video.time_s(index) for index in range(len(wanted))]
    assert times == pytest.approx(np.arange(len(wanted)) / 25, abs=2e-3)
    assert video.info.duration_s == pytest.approx(len(wanted) / 25, abs=2e-3)
    for start in range(0, len(wanted), 7):
        part = range(start, min(start + 5, len(wanted)))
        assert shown(path, video, part) == [wanted[index] for index in part]
    return video


def write_parts(folder: Path, ending: str, codec: str, starts_s: Sequence[float]) -> Path:
    """Join recordings of 40 frames each, whose clocks start at the given times, end to end."""
    content = b""
    for number, start_s in enumerate(starts_s):
        pictures = [picture(FRAMES * number + index) for index in range(FRAMES)]
        options = {"g": "10"} if codec == "flv" else {"g": "10", "bf": "2"}
        part = write_video(folder / f"{number}.{ending}", pictures, codec=codec, options=options)
        own = shifted(part, start_s).read_bytes()
        content += own[13:] if ending == "flv" and content else own
    path = folder / f"joined.{ending}"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("ending", "codec"),
    [("ts", "libx264"), ("ts", "mpeg2video"), ("mpg", "mpeg2video"), ("flv", "flv")],
)
@pytest.mark.parametrize(
    "starts_s", [(30, 1.4), (1.4, 1.4), (1, 5000), (90_000, 10), (7, 3, 20_000)], ids=str
)
def test_joined_recordings_show_each_frame_once(
    tmp_path: Path, ending: str, codec: str, starts_s: Sequence[float]
) -> None:
    path = write_parts(tmp_path, ending, codec, starts_s)
    assert_each_once(path, range(FRAMES * len(starts_s)), repaired=True)


@pytest.mark.parametrize("codec", ["mpeg1video", "mpeg2video"])
@pytest.mark.usefixtures("whole")
def test_frames_without_timestamps_of_their_own_are_found_by_counting(
    tmp_path: Path, codec: str
) -> None:
    pictures = [picture(index) for index in range(80)]
    path = write_video(tmp_path / "a.mpg", pictures, codec=codec, options={"g": "12", "bf": "2"})
    video = assert_each_once(path, range(80), repaired=False)
    for start in range(79):
        assert shown(path, video, range(start, start + 2)) == [start, start + 1]


@pytest.mark.parametrize(
    ("ending", "codecs"),
    [
        ("ts", ("libx264", "libx265")),
        ("ts", ("libx265", "libx264")),
        ("ts", ("mpeg2video", "libx264")),
        ("flv", ("libx264", "flv")),
        ("mpg", ("mpeg2video", "libx264")),
    ],
)
def test_recordings_joined_of_two_codecs_are_refused(
    tmp_path: Path, ending: str, codecs: tuple[str, str]
) -> None:
    parts = []
    for number, codec in enumerate(codecs):
        pictures = [picture(FRAMES * number + index) for index in range(FRAMES)]
        options = {"x265-params": "log-level=none"} if codec == "libx265" else {"g": "10"}
        part = write_video(tmp_path / f"{number}.{ending}", pictures, codec=codec, options=options)
        parts.append(shifted(part, number * FRAMES / 25).read_bytes())
    path = tmp_path / f"joined.{ending}"
    path.write_bytes(parts[0] + parts[1][13 if ending == "flv" else 0 :])
    with pytest.raises(BrokenVideo, match="from start to end, got"):
        scan(path, LIMITS)


@pytest.mark.parametrize("ending", ["flv", "ts"])
def test_a_recording_joined_long_after_the_start_is_refused(tmp_path: Path, ending: str) -> None:
    first = [picture(index) for index in range(300)]
    second = [picture(index) for index in range(30)]
    parts = [
        write_video(
            tmp_path / f"first.{ending}", first, codec="flv" if ending == "flv" else "libx264"
        )
    ]
    other = {"mpegts_start_pid": "512"} if ending == "ts" else None
    parts.append(write_video(tmp_path / f"second.{ending}", second, container_options=other))
    path = tmp_path / f"joined.{ending}"
    path.write_bytes(parts[0].read_bytes() + parts[1].read_bytes()[13 if ending == "flv" else 0 :])
    with pytest.raises(BrokenVideo, match="one stream from start to end, got a file"):
        scan(path, LIMITS)


def test_a_pause_is_no_jump(tmp_path: Path) -> None:
    times_ms = [40 * index + (8000 if index >= 20 else 0) for index in range(FRAMES)]
    pictures = [picture(index) for index in range(FRAMES)]
    for ending in ("ts", "mkv", "mp4"):
        path = write_video(tmp_path / f"pause.{ending}", pictures, times_ms=times_ms)
        video = scan(path, LIMITS)
        assert (video.info.timestamps, video.seekable) == ("stored", True)
        assert video.time_s(20) == pytest.approx(8.8, abs=2e-3)
        assert shown(path, video) == list(range(FRAMES))


def write_late(path: Path, number: int, late_ms: int) -> Path:
    """Write an MP4 with a wrong composition offset at one frame, by its number as decoded."""
    write_video(
        path,
        [picture(index) for index in range(FRAMES)],
        options={"x264-params": "bframes=2:b-adapt=0:keyint=10"},
    )
    with av.open(str(path)) as source, av.open(str(path.with_name("late.mp4")), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for index, packet in enumerate(source.demux(video=0)):
            if packet.dts is None or packet.pts is None or packet.time_base is None:
                continue
            if index == number:
                packet.pts = max(packet.dts, packet.pts + round(late_ms / 1000 / packet.time_base))
            packet.stream = stream
            target.mux(packet)
    return path.with_name("late.mp4")


@pytest.mark.parametrize("late_ms", [5000, 400, -1000])
@pytest.mark.parametrize("number", [3, 13, 17, 30, 39])
@pytest.mark.usefixtures("whole")
def test_a_wrong_composition_offset_moves_no_frame(
    tmp_path: Path, number: int, late_ms: int
) -> None:
    path = write_late(tmp_path / "a.mp4", number, late_ms)
    video = scan(path, LIMITS)
    assert shown(path, video) == list(range(FRAMES))
    assert video.info.duration_s < 2.2


def write_growing(path: Path, codec: str, sizes: Sequence[tuple[int, int]]) -> Path:
    """Write 10 frames of each height and width in one stream, as WebRTC recorders do."""
    options = VP8 if codec == "libvpx" else {"g": "10"}
    with av.open(str(path), "w") as target:
        stream = None
        for part, (height, width) in enumerate(sizes):
            pictures = [picture(10 * part + index, height, width) for index in range(10)]
            own = write_video(path.with_stem(f"part{part}"), pictures, codec=codec, options=options)
            with av.open(str(own)) as source:
                if stream is None:
                    stream = target.add_stream_from_template(source.streams.video[0])
                for packet in source.demux(video=0):
                    if packet.dts is None or packet.pts is None or packet.time_base is None:
                        continue
                    packet.pts += round(Fraction(10 * part, 25) / packet.time_base)
                    packet.dts += round(Fraction(10 * part, 25) / packet.time_base)
                    packet.stream = stream
                    target.mux(packet)
    return path


GROWTH = [("webm", "libvpx"), ("webm", "libvpx-vp9"), ("ts", "libx264"), ("ts", "mpeg2video")]


@pytest.mark.parametrize(("ending", "codec"), GROWTH[:3])
def test_a_video_that_grows_is_scaled_to_its_first_frame(
    tmp_path: Path, ending: str, codec: str
) -> None:
    path = write_growing(tmp_path / f"a.{ending}", codec, [(64, 96), (180, 320), (720, 1280)])
    video = scan(path, LIMITS)
    assert (video.info.height, video.info.width) == (64, 96)
    assert shown(path, video) == list(range(30))
    assert shown(path, video, range(22, 27)) == list(range(22, 27))


@pytest.mark.parametrize(("ending", "codec"), GROWTH)
@pytest.mark.parametrize("max_pixels", [6144, 500_000])
@pytest.mark.usefixtures("whole")
def test_growth_past_the_limit_is_refused(
    tmp_path: Path, ending: str, codec: str, max_pixels: int
) -> None:
    path = write_growing(tmp_path / f"a.{ending}", codec, [(64, 96), (720, 1280)])
    limits = VideoLimits(max_pixels=max_pixels, max_frames=100, max_duration_s=60)
    with pytest.raises(VideoTooLarge, match=f"at most {max_pixels} pixels"):
        shown(path, scan(path, limits))


@pytest.mark.parametrize("codec", ["libvpx", "libvpx-vp9"])
def test_hidden_frames_are_told_from_headers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, codec: str
) -> None:
    monkeypatch.setattr("pipeline.media.decode._CHEAP_PIXELS", 0)
    monkeypatch.delattr("pipeline.media.decode.decode_whole")
    pictures = [picture(index) for index in range(FRAMES)]
    path = write_video(tmp_path / "a.webm", pictures, codec=codec, options=VP8)
    assert scan(path, LIMITS).seekable
    assert len(assert_each_once(path, range(FRAMES), repaired=False).starts) >= 4


def replace_in(path: Path, mark: bytes, offset: int, value: bytes) -> None:
    """Overwrite what stands so many bytes after the first occurrence of a mark."""
    content = bytearray(path.read_bytes())
    at = content.index(mark) + len(mark) + offset
    content[at : at + len(value)] = value
    path.write_bytes(content)


def test_a_duration_that_counts_pauses_is_no_proof(tmp_path: Path) -> None:
    pictures = [picture(index) for index in range(FRAMES)]
    path = write_video(tmp_path / "a.webm", pictures, codec="libvpx", options=VP8)
    replace_in(path, b"\x44\x89\x88", 0, struct.pack(">d", 9000.0))
    assert_each_once(path, range(FRAMES), repaired=False)
    path.write_bytes(path.read_bytes()[:-500])
    with pytest.raises(BrokenVideo, match="bytes that its container states"):
        scan(path, LIMITS)


def test_a_total_of_frames_is_no_proof(tmp_path: Path) -> None:
    pictures = [picture(index) for index in range(FRAMES)]
    path = write_video(tmp_path / "a.avi", pictures, codec="mpeg4", options={"g": "10"})
    replace_in(path, b"avih", 4 + 16, struct.pack("<I", 900))
    replace_in(path, b"strh", 4 + 32, struct.pack("<I", 900))
    assert_each_once(path, range(FRAMES), repaired=False)


def test_a_recording_of_unknown_size_is_taken(tmp_path: Path) -> None:
    pictures = [picture(index) for index in range(FRAMES)]
    path = write_video(
        tmp_path / "a.webm", pictures, codec="libvpx", options=VP8, container_options={"live": "1"}
    )
    assert_each_once(path, range(FRAMES), repaired=False)


def riff(form: bytes) -> bytes:
    return b"RIFF" + struct.pack("<I", 1004) + form + bytes(1000)


@pytest.mark.parametrize(
    ("content", "got"),
    [
        (riff(b"WEBP"), "a WebP picture of 1012 bytes"),
        (riff(b"WAVE"), "a WAV sound of 1012 bytes"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "a PNG picture of 108 bytes"),
        (b"\xff\xd8\xff\xe0" + bytes(100), "a JPEG picture of 104 bytes"),
    ],
)
def test_whole_files_of_other_kinds_are_not_called_damaged(
    tmp_path: Path, content: bytes, got: str
) -> None:
    path = tmp_path / "upload"
    path.write_bytes(content)
    with pytest.raises(NotAVideo, match=f"MP4.*, got {got}"):
        scan(path, LIMITS)


def test_a_still_picture_is_no_video(tmp_path: Path) -> None:
    pictures = [picture(index) for index in range(12)]
    for count in (1, 12):
        gif = write_video(tmp_path / f"{count}.gif", pictures[:count], codec="gif", pix_fmt="bgr8")
        heic = write_video(tmp_path / f"{count}.mp4", pictures[:count])
        replace_in(heic, b"ftyp", 0, b"heic")
        for path in (gif, heic):
            if count > 1:
                assert shown(path, scan(path, LIMITS)) == list(range(count))
                continue
            with pytest.raises(NotAVideo, match="must be a video, got a still picture"):
                scan(path, LIMITS)


@pytest.mark.parametrize(
    ("start_s", "end_s", "frames"),
    [(5, 8, [0]), (5, 12, [1]), (10, 11, [1]), (29.5, 29.9, [2]), (30.01, None, [3]), (0, 1, [0])],
)
def test_a_range_inside_a_long_frame_holds_it(
    tmp_path: Path, start_s: float, end_s: float | None, frames: list[int]
) -> None:
    path = write_video(
        tmp_path / "slow.mp4", [picture(n) for n in range(4)], times_ms=[0, 10_000, 20_000, 30_000]
    )
    assert list(select(scan(path, LIMITS), start_s, end_s, 1)) == frames
