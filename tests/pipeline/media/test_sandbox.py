"""Decoding apart gives the same frames, and the same errors."""

import os
from contextlib import closing, suppress
from pathlib import Path

import av
import numpy as np
import pytest
from av.subtitles.stream import SubtitleStream

from pipeline.errors import NotAVideo, VideoError, VideoTooLarge
from pipeline.media.decode import decode, scan
from pipeline.media.sandbox import Sandbox
from pipeline.media.scan_file import load_scan, save_scan
from pipeline.network.preprocess import fit, to_pictures
from pipeline.values import ScannedVideo, VideoLimits
from tests.pipeline.media.sandboxes import COUNT, LIMITS, descriptors
from tests.processes import children
from tests.tiny_model import SPEC
from tests.videos import index_of, picture, with_hole, write_damaged, write_video

SUBTITLE_HEADER = (
    b"[Script Info]\nScriptType: v4.00+\n[V4+ Styles]\nFormat: Name\nStyle: Default\n[Events]\n"
    b"Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n"
)


def test_scan_and_frames_are_those_of_decoding_in_process(
    sandbox: Sandbox, clip: Path, video: ScannedVideo
) -> None:
    apart = sandbox.scan(clip, LIMITS, 60)
    assert (apart.info, apart.time_base, apart.seekable) == (
        video.info,
        video.time_base,
        video.seekable,
    )
    assert apart.timestamps.tolist() == video.timestamps.tolist()
    indices = range(3, COUNT, 4)
    for got, wanted in zip(
        sandbox.decode(clip, video, indices), decode(clip, video, indices), strict=True
    ):
        assert (got.index, got.time_s) == (wanted.index, wanted.time_s)
        assert np.array_equal(got.pixels, wanted.pixels)


def test_frames_scaled_in_there_are_those_scaled_here_to_the_last_bit(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    random = np.random.default_rng(3)
    noise = [random.integers(0, 256, (97, 142, 3), np.uint8) for _ in range(9)]
    path = write_video(tmp_path / "noise.mkv", noise, codec="ffv1", pix_fmt="bgr0")
    video = scan(path, LIMITS)
    fits = [fit(97, 142, SPEC, scale=scale) for scale in (0.75, 1, 2)]
    indices = [0, 1, 4, 8]
    apart = list(sandbox.decode_scaled(path, video, indices, fits))
    assert len(apart) == len(indices)
    for index, (pictures, fault) in zip(indices, apart, strict=True):
        assert fault is None
        for got, wanted in zip(pictures, to_pictures(noise[index], fits), strict=True):
            np.testing.assert_array_equal(got, wanted)


def test_a_decoder_reads_the_list_of_frames_from_its_file(
    sandbox: Sandbox, clip: Path, video: ScannedVideo, tmp_path: Path
) -> None:
    save_scan(video, tmp_path / "scan")
    stored = load_scan(tmp_path / "scan")
    frames = sandbox.decode(clip, stored, range(20, COUNT))
    assert [index_of(frame.pixels) for frame in frames] == list(range(20, COUNT))


def test_a_frame_that_repeats_the_one_before_is_told(sandbox: Sandbox, tmp_path: Path) -> None:
    path = write_damaged(tmp_path / "damaged.mov", range(20, 22))
    video = scan(path, LIMITS)
    fits = [fit(64, 96, SPEC)]
    for frames in (
        [frame.fault for frame in sandbox.decode(path, video, range(18, 24))],
        [fault for _, fault in sandbox.decode_scaled(path, video, range(18, 24), fits)],
    ):
        assert frames == [None, None, "repeated", "repeated", None, None]


def test_frames_built_on_a_lost_one_are_told(sandbox: Sandbox, tmp_path: Path) -> None:
    options = {"g": "10", "bf": "0", "sc_threshold": "0"}
    clip = write_video(tmp_path / "clip.mp4", [picture(n) for n in range(COUNT)], options=options)
    path = with_hole(clip, 12)
    frames = sandbox.decode(path, scan(path, LIMITS), range(COUNT))
    faults = {frame.index: frame.fault for frame in frames if frame.fault is not None}
    assert faults == {12: "repeated"} | dict.fromkeys(range(13, 20), "damaged")


def test_errors_are_those_of_decoding_in_process(sandbox: Sandbox, tmp_path: Path) -> None:
    text = tmp_path / "text.mp4"
    text.write_text("no video at all")
    with pytest.raises(NotAVideo) as apart:
        sandbox.scan(text, LIMITS, 60)
    with pytest.raises(NotAVideo) as within:
        scan(text, LIMITS)
    assert str(apart.value) == str(within.value)
    large = write_video(tmp_path / "large.mp4", [picture(0, 48, 64)])
    with pytest.raises(VideoTooLarge, match="at most 100 pixels, got 64x48"):
        sandbox.scan(large, VideoLimits(max_pixels=100, max_frames=9, max_duration_s=9), 60)


def test_a_file_with_subtitles_needs_nothing_that_is_loaded_late(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    path = tmp_path / "subtitled.mkv"
    with av.open(path, "w") as container:
        pictures = container.add_stream("mpeg4", rate=25)
        pictures.height, pictures.width, pictures.pix_fmt = 48, 64, "yuv420p"
        texts = container.add_stream("subrip")
        assert isinstance(texts, SubtitleStream)
        texts.codec_context.subtitle_header = SUBTITLE_HEADER
        for index in range(12):
            frame = av.VideoFrame.from_ndarray(picture(index, 48, 64), format="rgb24")
            container.mux(pictures.encode(frame))
        container.mux(pictures.encode(None))
    assert sandbox.scan(path, LIMITS, 60).info == scan(path, LIMITS).info


def test_damaged_files_are_refused_or_read_and_nothing_else(clip: Path, tmp_path: Path) -> None:
    whole = clip.read_bytes()
    random = np.random.default_rng(7)
    before, opened = len(children(os.getpid())), descriptors()
    with closing(Sandbox()) as sandbox:
        for number in range(12):
            damaged = bytearray(whole)
            for at in random.integers(0, len(whole), 1 + 3 * number):
                damaged[at] = random.integers(256)
            path = tmp_path / "damaged.mp4"
            path.write_bytes(damaged)
            with suppress(VideoError):
                video = sandbox.scan(path, LIMITS, 60)
                for frame in sandbox.decode(path, video, range(video.info.frame_count)):
                    assert frame.pixels.shape == (video.info.height, video.info.width, 3)
    assert (len(children(os.getpid())), descriptors()) == (before, opened)
