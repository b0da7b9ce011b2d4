"""Hostile, damaged and oversized files become one clear error each, and reach nothing else."""

import socket
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.errors import (
    BrokenVideo,
    NotAVideo,
    NoVideoStream,
    VideoError,
    VideoTooLarge,
)
from pipeline.media.decode import decode, scan
from pipeline.values import VideoLimits
from tests.videos import picture, write_video

LIMITS = VideoLimits(max_pixels=1920 * 1080, max_frames=1000, max_duration_s=60)
PICTURES = [picture(index) for index in range(50)]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("playlist.mp4", "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\n{url}\n#EXT-X-ENDLIST\n"),
        ("playlist.m3u8", "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\n{url}\n#EXT-X-ENDLIST\n"),
        ("concat.mp4", "ffconcat version 1.0\nfile {url}\n"),
        ("session.sdp", "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nm=video 5004 RTP/AVP 96\n"),
        (
            "manifest.mpd",
            '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><BaseURL>{url}'
            "</BaseURL></MPD>",
        ),
    ],
)
def test_lists_of_other_files_are_refused_and_reach_no_host(
    tmp_path: Path, name: str, content: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as canary:
        canary.settimeout(0.2)
        path = tmp_path / name
        path.write_text(content.format(url=f"http://127.0.0.1:{canary.getsockname()[1]}/a.ts"))
        with pytest.raises(NotAVideo, match="in no video format"):
            scan(path, LIMITS)
        with pytest.raises(TimeoutError):
            canary.accept()


@pytest.mark.parametrize("kind", ["concat", "m3u8"])
def test_lists_of_local_files_are_refused(tmp_path: Path, kind: str) -> None:
    secret = write_video(tmp_path / "secret.mp4", PICTURES[:2])
    path = tmp_path / f"list.{kind}"
    path.write_text(
        f"ffconcat version 1.0\nfile {secret.name}\n"
        if kind == "concat"
        else f"#EXTM3U\n#EXTINF:1,\nfile://{secret}\n#EXT-X-ENDLIST\n"
    )
    with pytest.raises(NotAVideo):
        scan(path, LIMITS)


@pytest.mark.parametrize("content", [b"", b"hello", b"\x00" * 4096, bytes(range(256)) * 16])
def test_anything_else_is_no_video(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "upload"
    path.write_bytes(content)
    with pytest.raises(NotAVideo, match=f"{len(content)} bytes") as caught:
        scan(path, LIMITS)
    assert str(tmp_path) not in str(caught.value)


def test_a_picture_file_is_no_video(tmp_path: Path) -> None:
    path = write_video(tmp_path / "still.png", PICTURES[:1], codec="png", pix_fmt="rgb24")
    with pytest.raises(NotAVideo):
        scan(path, LIMITS)


def test_sound_alone_has_no_video_stream(tmp_path: Path) -> None:
    path = tmp_path / "sound.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=48000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
        frame.sample_rate = 48000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with pytest.raises(NoVideoStream, match="got audio streams"):
        scan(path, LIMITS)


@pytest.mark.parametrize("name", ["early.mp4", "cut.mkv", "cut.avi"])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_a_truncated_file_is_refused(tmp_path: Path, name: str, share: float) -> None:
    path = write_video(
        tmp_path / name,
        PICTURES,
        codec="mpeg4",
        options={"g": "10"},
        container_options={"movflags": "faststart"} if name == "early.mp4" else None,
    )
    assert scan(path, LIMITS).info.frame_count == 50
    content = path.read_bytes()
    path.write_bytes(content[: round(len(content) * share)])
    with pytest.raises(BrokenVideo, match=r"truncated"):
        scan(path, LIMITS)


def test_a_file_cut_before_its_index_is_refused(tmp_path: Path) -> None:
    path = write_video(tmp_path / "late.mp4", PICTURES)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(BrokenVideo, match="starts as a video but can't be opened"):
        scan(path, LIMITS)


def test_an_encrypted_file_is_refused(tmp_path: Path) -> None:
    path = write_video(tmp_path / "locked.mp4", PICTURES)
    path.write_bytes(path.read_bytes().replace(b"avc1", b"encv"))
    with pytest.raises(BrokenVideo, match="encrypted"):
        scan(path, LIMITS)


def test_a_file_of_noise_inside_a_good_container_is_refused(tmp_path: Path) -> None:
    path = write_video(tmp_path / "noise.mov", PICTURES, codec="png", pix_fmt="rgb24")
    path.write_bytes(path.read_bytes().replace(b"\x89PNG", b"\x00\x00\x00\x00"))
    with pytest.raises(BrokenVideo, match="No frame of the png video can be decoded"):
        scan(path, LIMITS)


def test_a_video_of_no_frames_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "empty.mp4"
    with av.open(str(path), "w", container_options={"movflags": "empty_moov"}) as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        container.start_encoding()
    with pytest.raises(BrokenVideo, match="at least 1 frame, got 0"):
        scan(path, LIMITS)


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        (VideoLimits(max_pixels=6143, max_frames=50, max_duration_s=2), "6143 pixels, got 96x64"),
        (
            VideoLimits(max_pixels=6144, max_frames=49, max_duration_s=2),
            "at most 49 frames",
        ),
        (
            VideoLimits(max_pixels=6144, max_frames=50, max_duration_s=1.9),
            "1.9 s, got 2.0 s",
        ),
    ],
)
def test_a_video_past_a_limit_is_refused(tmp_path: Path, limits: VideoLimits, message: str) -> None:
    path = write_video(tmp_path / "large.mkv", PICTURES)
    with pytest.raises(VideoTooLarge, match=message):
        scan(path, limits)


def test_a_video_at_the_limits_is_taken(tmp_path: Path) -> None:
    limits = VideoLimits(max_pixels=6144, max_frames=50, max_duration_s=2)
    assert scan(write_video(tmp_path / "a.mp4", PICTURES), limits).info.frame_count == 50


@pytest.mark.parametrize("ending", ["mp4", "ts"])
def test_a_header_that_lies_about_the_size_allocates_nothing(tmp_path: Path, ending: str) -> None:
    path = write_video(tmp_path / f"bomb.{ending}", [picture(0, 1024, 1024)] * 2)
    content = path.read_bytes()
    at = content.find(b"avc1") + 28  # width and height in the sample entry
    if ending == "mp4":
        path.write_bytes(content[:at] + b"\x00\x40\x00\x40" + content[at + 4 :])
    with pytest.raises(VideoError):
        scan(path, VideoLimits(max_pixels=100_000, max_frames=50, max_duration_s=2))


def test_an_odd_name_is_never_read_as_a_url(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_video(tmp_path / "a.mp4", PICTURES[:2]).rename("http:a.mp4")
    assert scan(Path("http:a.mp4"), LIMITS).info.frame_count == 2


@pytest.mark.parametrize("height", [480, 720])
@pytest.mark.parametrize("matrix", ["bt709", "smpte170m", None])
def test_colours_are_those_of_the_matrix_named(
    tmp_path: Path, matrix: str | None, height: int
) -> None:
    """A frame of one RGB colour comes back as it, through BT.601 or BT.709 as the file says."""
    colour = (200, 60, 30)
    used = matrix or ("bt709" if height == 720 else "smpte170m")
    source = av.VideoFrame.from_ndarray(
        np.full((height, 64, 3), colour, np.uint8), format="rgb24"
    ).reformat(format="yuv420p", dst_colorspace={"bt709": 1, "smpte170m": 5}[used])
    path = tmp_path / "colour.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"crf": "1"})
        stream.width, stream.height, stream.pix_fmt = 64, height, "yuv420p"
        stream.codec_context.colorspace = {"bt709": 1, "smpte170m": 6, None: 2}[matrix]
        source.colorspace = stream.codec_context.colorspace
        for pts in range(2):
            source.pts, source.time_base = pts, Fraction(1, 25)
            container.mux(stream.encode(source))
        container.mux(stream.encode(None))
    (frame, _) = decode(path, scan(path, LIMITS), range(2))
    np.testing.assert_allclose(frame.pixels.reshape(-1, 3).mean(axis=0), colour, atol=4)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    ending=st.sampled_from(["mp4", "mkv", "avi", "ts"]),
    flips=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1, max_size=40),
)
def test_flipped_bytes_give_a_result_or_a_video_error(
    tmp_path_factory: pytest.TempPathFactory, ending: str, flips: list[tuple[float, int]]
) -> None:
    folder = tmp_path_factory.getbasetemp()
    good = folder / f"good.{ending}"
    if not good.exists():
        write_video(good, PICTURES[:12], codec="mpeg4", options={"g": "4"})
    content = bytearray(good.read_bytes())
    for place, value in flips:
        content[round(place * (len(content) - 1))] = value
    path = folder / f"flipped.{ending}"
    path.write_bytes(content)
    try:
        video = scan(path, LIMITS)
        frames = list(decode(path, video, range(video.info.frame_count)))
    except VideoError:
        return
    assert [frame.index for frame in frames] == list(range(video.info.frame_count))
    size = (video.info.height, video.info.width, 3)
    assert all(frame.pixels.shape == size for frame in frames)
