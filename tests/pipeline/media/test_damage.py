"""Pictures that rest on a lost or damaged one are told: what isn't told is as it was recorded."""

from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest

from pipeline.errors import VideoTooLarge
from pipeline.media.decode import decode, scan
from pipeline.values import Frame, VideoLimits
from tests.videos import index_of, picture, textured, with_hole, write_video

LIMITS = VideoLimits(max_pixels=1920 * 1080, max_frames=1000, max_duration_s=60)
FRAMES, GOP = 60, 10
X26 = f"keyint={GOP}:min-keyint={GOP}:scenecut=0:b-adapt=0"
X265 = f"{X26}:bframes=3:log-level=none"
FORMATS = {
    "closed.mp4": ("libx264", {"x264-params": f"{X26}:open-gop=0:bframes=3"}),
    "open.mp4": ("libx264", {"x264-params": f"{X26}:open-gop=1:bframes=3"}),
    "low-delay.mp4": ("libx264", {"x264-params": f"{X26}:bframes=0"}),
    "broadcast.ts": ("libx264", {"x264-params": f"{X26}:open-gop=0:bframes=3"}),
    "hevc.mp4": ("libx265", {"x265-params": f"{X265}:open-gop=0"}),
    "open-hevc.mp4": ("libx265", {"x265-params": f"{X265}:open-gop=1"}),
    "mpeg2.ts": ("mpeg2video", {"g": str(GOP), "bf": "2"}),
    "mpeg4.avi": ("mpeg4", {"g": str(GOP)}),
    "flv.flv": ("flv", {"g": str(GOP)}),
    "vp9.webm": ("libvpx-vp9", {"g": str(GOP), "lag-in-frames": "0", "auto-alt-ref": "0"}),
}
NUMBERED = [name for name, (codec, _) in FORMATS.items() if codec in {"libx264", "libx265"}]


def write(path: Path) -> Path:
    codec, options = FORMATS[path.name]
    pictures = [np.maximum(picture(n), textured(n // 15) // 4) for n in range(FRAMES)]
    return write_video(path, pictures, codec=codec, options=options)


def shown(path: Path) -> list[Frame]:
    video = scan(path, LIMITS)
    return list(decode(path, video, range(video.info.frame_count)))


def rewritten(path: Path, change: Callable[[int, bytes], bytes | None]) -> Path:
    """Write a file once more with other content of packets; without those that become None."""
    to = path.with_stem(f"{path.stem}-changed")
    with av.open(str(path)) as source, av.open(str(to), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for number, packet in enumerate(source.demux(video=0)):
            content = change(number, bytes(packet)) if packet.size else None
            if content is None:
                continue
            changed = av.Packet(content)
            changed.pts, changed.dts, changed.time_base = packet.pts, packet.dts, packet.time_base
            changed.duration, changed.is_keyframe = packet.duration, packet.is_keyframe
            changed.stream = stream
            target.mux(changed)
    return to


def check_told(damaged: list[Frame], whole: list[Frame], *, about: int) -> None:
    """Expect frames without a fault to be some of the whole video, in order, all but a few."""
    told = [round(frame.time_s * 25) for frame in damaged if frame.fault is not None]
    assert told or len(damaged) < len(whole)
    assert not told or about // GOP - 1 <= told[0] // GOP <= told[-1] // GOP <= about // GOP + 1
    rest = iter(whole)
    for frame in damaged:
        if frame.fault is None:
            assert any(np.array_equal(frame.pixels, as_recorded.pixels) for as_recorded in rest), (
                f"{frame.index} isn't as it was recorded"
            )


@pytest.mark.parametrize("hole", [20, 25, 26])
@pytest.mark.parametrize("name", FORMATS)
def test_what_rests_on_a_picture_that_cannot_be_decoded_is_told(
    tmp_path: Path, name: str, hole: int
) -> None:
    path = write(tmp_path / name)
    damaged = with_hole(path, hole)
    try:
        frames = shown(damaged)
    except VideoTooLarge:  # as the header of the frame says
        assert name == "vp9.webm"
        return
    check_told(frames, shown(path), about=hole)


@pytest.mark.parametrize("number", [24, 25])
@pytest.mark.parametrize("name", NUMBERED)
def test_what_rests_on_a_packet_that_was_left_out_is_told(
    tmp_path: Path, name: str, number: int
) -> None:
    path = write(tmp_path / name)
    frames = shown(rewritten(path, lambda n, content: None if n == number else content))
    whole = shown(path)
    assert len(frames) == FRAMES - 1
    faulty = any(frame.fault for frame in frames)
    if faulty:
        check_told(frames, whole, about=number)
    else:  # no other was built on it
        numbers = [index_of(frame.pixels) for frame in frames]
        assert numbers == [n for n in range(FRAMES) if n in set(numbers)]


def test_a_video_built_on_a_damaged_first_frame_is_told(tmp_path: Path) -> None:
    path = write(tmp_path / "broadcast.ts")
    content = path.read_bytes()
    packets = [content[at : at + 188] for at in range(0, len(content), 188)]
    own = [at for at, packet in enumerate(packets) if packet[1] & 0x1F == 1 and packet[2] == 0]
    begin = [at for at in own if packets[at][1] & 0x40]  # where a frame does
    lost = own[own.index(begin[1]) - 2]  # near the end of the first
    path.write_bytes(b"".join(packets[:lost] + packets[lost + 1 :]))
    frames = shown(path)
    assert {frame.fault for frame in frames[: GOP - 2]} == {"damaged"}
    assert {frame.fault for frame in frames[GOP:]} == {None}


@pytest.mark.parametrize("first", range(2, 30, 7))
@pytest.mark.parametrize("name", ["broadcast.ts", "mpeg2.ts"])
def test_packets_lost_on_the_air_are_told(tmp_path: Path, name: str, first: int) -> None:
    path = write(tmp_path / name)
    whole = shown(path)
    content = path.read_bytes()
    at = 188 * (len(content) // 188 * first // 40 + 4)
    path.write_bytes(content[:at] + content[at + 3 * 188 :])
    recorded = iter(whole)
    for frame in shown(path):
        if frame.fault is None:
            assert any(np.array_equal(frame.pixels, each.pixels) for each in recorded)


def test_a_picture_that_is_refreshed_is_whole_after_it(tmp_path: Path) -> None:
    options = {"x264-params": f"intra-refresh=1:keyint={GOP}:bframes=0"}
    pictures = [picture(n) for n in range(FRAMES)]
    path = with_hole(write_video(tmp_path / "refresh.ts", pictures, options=options), 25)
    faulty = [frame.index for frame in shown(path) if frame.fault is not None]
    assert faulty == list(range(25, 25 + len(faulty)))
    assert len(faulty) <= 2 * GOP


@pytest.mark.parametrize("hole", range(FRAMES - 6, FRAMES))
@pytest.mark.parametrize("name", ["low-delay.mp4", "closed.mp4", "vp9.webm"])
def test_a_hole_near_the_end_takes_no_others_along(tmp_path: Path, name: str, hole: int) -> None:
    path = write(tmp_path / name)
    frames = shown(with_hole(path, hole))
    assert len(frames) == FRAMES
    assert sum(frame.fault == "repeated" for frame in frames) == 1


@pytest.mark.parametrize("hole", [13, FRAMES - 1])
def test_an_avi_with_a_hole_keeps_its_times(tmp_path: Path, hole: int) -> None:
    path = write(tmp_path / "mpeg4.avi")

    def emptied(number: int, content: bytes) -> bytes:
        return bytes(len(content)) if number == hole else content

    frames = shown(rewritten(path, emptied))
    assert [round(frame.time_s * 25) for frame in frames] == list(range(FRAMES))
    assert [frame.index for frame in frames if frame.fault == "repeated"] == [hole]
    left_out = shown(rewritten(path, lambda n, content: None if n == hole else content))
    times = [round(frame.time_s * 25) for frame in left_out]
    assert times == [n for n in range(FRAMES) if n != hole]


EMPTY = {
    "mpeg4": {"g": "12"},
    "mpeg4 ": {"g": "12", "bf": "2"},
    "msmpeg4": {"g": "12"},
    "mpeg2video": {"g": "12"},
    "flv": {"g": "12"},
    "ffv1": {"g": "12", "context": "1"},
    "libx264": {"x264-params": "keyint=12:min-keyint=12:scenecut=0:bframes=0"},
    "libx264 ": {"x264-params": "keyint=12:min-keyint=12:scenecut=0:bframes=2:b-adapt=0"},
    "mjpeg": {"q:v": "3"},
}


def write_empty(path: Path, codec: str, empty: tuple[int, ...]) -> Path:
    """Write pictures as AVI, where packets that are left out become chunks without data."""
    name = codec.strip()
    pix_fmt = "yuvj420p" if name == "mjpeg" else "yuv420p"
    pictures = [picture(number) for number in range(30)]
    write_video(path, pictures, codec=name, pix_fmt=pix_fmt, options=EMPTY[codec])
    return rewritten(path, lambda number, content: None if number in empty else content)


@pytest.mark.parametrize("empty", [(13,), (12,), (13, 14, 15), (11, 12, 13), (28, 29)], ids=str)
@pytest.mark.parametrize("codec", EMPTY)
def test_what_follows_an_empty_chunk_of_avi_is_right_or_told(
    tmp_path: Path, codec: str, empty: tuple[int, ...]
) -> None:
    path = write_empty(tmp_path / "clip.avi", codec, empty)
    video = scan(path, LIMITS)
    frames = list(decode(path, video, range(video.info.frame_count)))
    whole = [frame for frame in frames if frame.fault is None]
    numbers = [index_of(frame.pixels) for frame in whole]
    assert numbers == sorted(set(numbers))
    assert {*range(10), *range(24, 28)} <= set(numbers)
    late = [n for n, frame in zip(numbers, whole, strict=True) if round(25 * frame.time_s) != n]
    # Beside an empty chunk it isn't known which picture of those that are reordered it was.
    assert not late or (video.info.timestamps == "repaired" and len(late) <= 2)
    if codec == "mjpeg":
        assert len(numbers) == 30 - len(empty)


def test_a_picture_in_which_the_file_was_cut_off_is_damaged(tmp_path: Path) -> None:
    path = write(tmp_path / "flv.flv")
    with av.open(str(path)) as container:
        *_, last = (packet for packet in container.demux(video=0) if packet.size)
    assert last.pos is not None
    path.write_bytes(path.read_bytes()[: last.pos + last.size * 2 // 3])
    assert [frame.fault for frame in shown(path)[-2:]] == [None, "damaged"]


def test_chunks_that_the_recorder_left_empty_damage_nothing(tmp_path: Path) -> None:
    path = write_video(
        tmp_path / "clip.avi", [picture(n) for n in range(30)], codec="mpeg4", options={"g": "12"}
    )
    paused = tmp_path / "paused.avi"
    with av.open(str(path)) as source, av.open(str(paused), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for number, packet in enumerate(source.demux(video=0)):
            if packet.dts is not None and packet.pts is not None:
                pause = 2 if number > 13 else 0
                packet.pts, packet.dts = packet.pts + pause, packet.dts + pause
                packet.stream = stream
                target.mux(packet)
    frames = shown(paused)
    assert [(index_of(frame.pixels), frame.fault) for frame in frames] == [
        (number, None) for number in range(30)
    ]
    assert frames[14].time_s - frames[13].time_s == pytest.approx(3 / 25)


@pytest.mark.parametrize("codec", ["mpeg4", "msmpeg4", "flv"])
def test_what_comes_before_the_first_key_frame_is_damaged(tmp_path: Path, codec: str) -> None:
    frames = shown(write_empty(tmp_path / "clip.avi", codec, (0,)))
    assert [frame.fault for frame in frames] == ["damaged"] * 11 + [None] * 18
    assert [index_of(frame.pixels) for frame in frames[11:]] == list(range(12, 30))
