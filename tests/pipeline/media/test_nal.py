"""Headers of H.264 and HEVC: nothing is missing where nothing is, whatever the encoder does."""

from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.media.nal import HEADERS, CodedPicture
from tests.videos import picture, textured, write_video

FRAMES = 60
H264 = {
    "plain.mp4": {},
    "annex-b.ts": {"x264-params": "keyint=20:open-gop=1:bframes=5:b-pyramid=strict"},
    "slices.mkv": {"x264-params": "slices=4:ref=6:keyint=20"},
    "fields.mp4": {"x264-params": "tff=1:keyint=20"},
    "refresh.ts": {"x264-params": "intra-refresh=1:keyint=10"},
    "matrices.mkv": {"x264-params": "cqm=jvt:keyint=60:scenecut=0"},
    "one-start.flv": {"x264-params": "keyint=1000:bframes=0:scenecut=0"},
}


def read(path: Path, *, left_out: int | None = None) -> list[CodedPicture]:
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        headers = HEADERS[stream.codec_context.codec.name](stream.codec_context.extradata or b"")
        packets = [packet for packet in container.demux(stream) if packet.size]
        return [headers(memoryview(p)) for number, p in enumerate(packets) if number != left_out]


def write(path: Path, codec: str, options: dict[str, str], pix_fmt: str = "yuv420p") -> Path:
    pictures = [np.maximum(picture(n), textured(n) // 4) for n in range(FRAMES)]
    return write_video(path, pictures, codec=codec, options=options, pix_fmt=pix_fmt)


@pytest.mark.parametrize("name", H264)
@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv444p"])
def test_what_h264_lacks_is_seen_in_the_packet_that_follows(
    tmp_path: Path, name: str, pix_fmt: str
) -> None:
    path = write(tmp_path / name, "libx264", H264[name], pix_fmt)
    whole = read(path)
    assert len(whole) == FRAMES
    assert not any(header.follows_loss for header in whole)
    assert whole[0].intra
    assert not all(header.intra for header in whole)
    for number in range(1, FRAMES - 1, 7):
        if whole[number + 1].intra:
            continue  # it may start anew
        rest = read(path, left_out=number)
        lost = [at for at, header in enumerate(rest) if header.follows_loss]
        assert lost == ([number] if whole[number].reference else [])


def test_hevc_says_which_pictures_no_other_is_built_on(tmp_path: Path) -> None:
    params = "keyint=20:bframes=3:b-adapt=0:log-level=none"
    headers = read(write(tmp_path / "clip.mp4", "libx265", {"x265-params": params}))
    assert {header.reference for header in headers} == {True, False}
    assert headers[0].reference


@pytest.mark.parametrize("codec", ["h264", "hevc"])
@given(extradata=st.binary(max_size=60), data=st.binary(max_size=200))
def test_headers_of_any_bytes_are_read(codec: str, extradata: bytes, data: bytes) -> None:
    for start in (b"", b"\1", b"\0\0\1\x67"):
        headers = HEADERS[codec](start + extradata)
        for begin in (b"", b"\0\0\1\x67", b"\0\0\1\x41"):
            assert headers(memoryview(begin + data)) is not None
