"""Processes are kept for more of their file, replaced, and never left."""

import os
import signal
import threading
from contextlib import closing
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np

from pipeline.media.decode import decode, scan
from pipeline.media.decoder_child import pickled
from pipeline.media.sandbox import Sandbox
from pipeline.media.scan_file import load_scan, save_scan
from pipeline.network.preprocess import fit, to_pictures
from pipeline.values import ScannedVideo
from tests.pipeline.media.sandboxes import COUNT, LIMITS, descriptors
from tests.processes import children
from tests.tiny_model import SPEC
from tests.videos import index_of, picture, write_video


def test_one_process_decodes_all_that_is_wanted_of_a_file_and_no_other(
    clip: Path, video: ScannedVideo, tmp_path: Path
) -> None:
    before, opened = children(os.getpid()), descriptors()
    other = write_video(tmp_path / "other.mp4", [picture(n, 48, 64) for n in range(40, 45)])
    sandbox = Sandbox()

    def decoders(path: Path, video: ScannedVideo, indices: range) -> tuple[set[int], list[int]]:
        seen = [index_of(frame.pixels) for frame in sandbox.decode(path, video, indices)]
        return children(os.getpid()) - before, seen

    of_clip, seen = decoders(clip, video, range(4))
    assert seen == [0, 1, 2, 3]
    again, seen = decoders(clip, video, range(20, 30, 3))
    assert (again, seen) == (of_clip, [20, 23, 26, 29])
    of_other, seen = decoders(other, scan(other, LIMITS), range(5))
    assert seen == [40, 41, 42, 43, 44]
    assert len(of_other & of_clip) == 1  # the one that was ready
    write_video(other, [picture(n, 48, 64) for n in range(60, 65)])
    of_changed, seen = decoders(other, scan(other, LIMITS), range(5))
    assert seen == [60, 61, 62, 63, 64]
    assert of_changed != of_other
    sandbox.close()
    assert (children(os.getpid()), descriptors()) == (before, opened)


def test_segments_that_share_a_process_get_the_frames_of_the_whole(tmp_path: Path) -> None:
    options = {"g": "1000", "x264-params": "scenecut=0"}
    pictures = [picture(n, 48, 64) for n in range(200)]
    path = write_video(tmp_path / "one.mp4", pictures, options=options)
    video = scan(path, LIMITS)
    assert video.starts.tolist() == [0]
    fits = [fit(48, 64, SPEC)]
    parts = [range(max(0, start - 9), min(start + 49, 200)) for start in range(0, 200, 40)]
    wanted = [to_pictures(frame.pixels, fits)[0] for frame in decode(path, video, range(200))]
    with closing(Sandbox()) as sandbox:
        for part in parts:
            got = sandbox.decode_scaled(path, video, part, fits)
            for index, ((pixels,), _) in zip(part, got, strict=True):
                np.testing.assert_array_equal(pixels, wanted[index])


def test_a_kept_process_that_died_is_replaced(clip: Path, video: ScannedVideo) -> None:
    before = children(os.getpid())
    with closing(Sandbox()) as sandbox:
        assert len(list(sandbox.decode(clip, video, range(3)))) == 3
        for child in children(os.getpid()) - before:
            os.kill(child, signal.SIGKILL)
            os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
        assert len(list(sandbox.decode(clip, video, range(3)))) == 3


def test_a_process_is_not_kept_for_ever(clip: Path, video: ScannedVideo) -> None:
    before = children(os.getpid())
    with closing(Sandbox()) as sandbox:
        seen: set[int] = set()
        for index in range(25):
            list(sandbox.decode(clip, video, [index]))
            seen |= children(os.getpid()) - before
        assert len(seen) == 3  # two that decoded, and one that is ready


def test_a_request_for_a_part_of_a_long_video_is_short(video: ScannedVideo, tmp_path: Path) -> None:
    save_scan(replace(video, timestamps=np.arange(10**5)), tmp_path / "scan")
    sizes = [
        len(pickled((load_scan(tmp_path / "scan"), indices)))
        for indices in (range(120), range(10**5 - 120, 10**5))
    ]
    assert max(sizes) < 2000
    assert max(sizes) - min(sizes) < 10


def test_many_may_decode_at_once(sandbox: Sandbox, clip: Path, video: ScannedVideo) -> None:
    counts: list[int] = []

    def count() -> None:
        counts.append(sum(1 for _ in sandbox.decode(clip, video, range(COUNT))))

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counts == [COUNT] * 4


def test_a_decoding_that_is_left_leaves_nothing(clip: Path, video: ScannedVideo) -> None:
    before, opened = children(os.getpid()), descriptors()
    sandbox = Sandbox()
    frames = sandbox.decode(clip, video, range(COUNT))
    assert len(list(islice(frames, 2))) == 2
    assert len(children(os.getpid()) - before) == 2  # the one at work and the next
    frames.close()
    assert len(children(os.getpid()) - before) == 1
    sandbox.close()
    assert children(os.getpid()) == before
    assert descriptors() == opened
