"""Decoding apart: the same frames, and nothing gets out, whatever a file does to the decoder."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.subtitles.stream import SubtitleStream

from pipeline.errors import BrokenVideo, DecoderFailed, NotAVideo, VideoError, VideoTooLarge
from pipeline.media.decode import decode, scan
from pipeline.media.decoder_child import DecoderChild, pickled
from pipeline.media.sandbox import Sandbox
from pipeline.media.scan_file import load_scan, save_scan
from pipeline.network.preprocess import fit, to_pictures
from pipeline.values import ScannedVideo, VideoLimits
from tests.pipeline.media.hostile_decoder import ESCAPES, LIES
from tests.processes import children
from tests.tiny_model import SPEC
from tests.videos import index_of, picture, with_hole, write_damaged, write_video

LIMITS = VideoLimits(max_pixels=10**6, max_frames=1000, max_duration_s=100)
HOSTILE = Path(__file__).parent / "hostile_decoder.py"
COUNT = 30
SUBTITLE_HEADER = (
    b"[Script Info]\nScriptType: v4.00+\n[V4+ Styles]\nFormat: Name\nStyle: Default\n[Events]\n"
    b"Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n"
)


def descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    sandbox = Sandbox()
    yield sandbox
    sandbox.close()


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clips")
    (folder / "neighbour").write_text("of another client")
    return write_video(folder / "clip.mp4", [picture(n, 48, 64) for n in range(COUNT)])


@pytest.fixture(scope="module")
def video(clip: Path) -> ScannedVideo:
    return scan(clip, LIMITS)


@pytest.fixture
def hostile() -> Iterator[Callable[..., Sandbox]]:
    """Make sandboxes whose decoders do a deed; no process or descriptor may be left of them."""
    before, opened, made = children(os.getpid()), descriptors(), []

    def make(deed: str, stall_s: float = 60.0) -> Sandbox:
        made.append(Sandbox(stall_s=stall_s, program=(sys.executable, str(HOSTILE), deed)))
        return made[-1]

    yield make
    for sandbox in made:
        sandbox.close()
    assert children(os.getpid()) == before
    assert descriptors() == opened


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


def test_a_video_that_must_be_decoded_to_be_listed_has_its_own_length_for_it(
    hostile: Callable[..., Sandbox], clip: Path
) -> None:
    assert hostile("list-slowly").scan(clip, LIMITS, timeout_s=3).info.frame_count == COUNT


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


@pytest.mark.parametrize("deed", ESCAPES)
def test_a_file_that_took_over_its_decoder_gets_nowhere(
    hostile: Callable[..., Sandbox], clip: Path, deed: str
) -> None:
    sandbox = hostile(deed)
    if sandbox.lacks():
        pytest.skip(f"this system can't: {sandbox.lacks()}")
    before = sorted(clip.parent.iterdir()), clip.read_bytes(), clip.stat().st_mode
    with pytest.raises(BrokenVideo, match=r"^denied: (1|13)$"):  # EPERM, EACCES
        sandbox.scan(clip, LIMITS, 60)
    assert (sorted(clip.parent.iterdir()), clip.read_bytes(), clip.stat().st_mode) == before


@pytest.mark.parametrize(
    ("deed", "told"),
    [
        ("crash", r"ended by SIGSEGV\.$"),
        ("leave", "makes no sense"),
        ("allocate", "more than 4096 MiB of memory"),
        ("raise", "The log tells how"),
        ("hang", "longer than 1 s to list"),
        ("spin", "longer than 1 s to list"),
    ],
)
def test_whatever_befalls_the_decoder_the_scan_fails_with_the_reason(
    hostile: Callable[..., Sandbox], clip: Path, deed: str, told: str
) -> None:
    sandbox = hostile(deed)
    started = time.monotonic()
    with pytest.raises(DecoderFailed, match=told) as failure:
        sandbox.scan(clip, LIMITS, 1 if deed in {"hang", "spin"} else 60)
    assert "/a/path/of/ours" not in str(failure.value)
    assert time.monotonic() - started < 30


@pytest.mark.parametrize(
    ("deed", "told"),
    [
        ("crash", r"ended by SIGSEGV\.$"),
        ("leave", "ended by exit status 3"),
        ("hang", "No frame of the video could be decoded within 1 s"),
        ("drip", "No frame of the video could be decoded within 1 s"),
        ("small-frame", "makes no sense"),
        ("large-frame", "makes no sense"),
    ],
)
def test_whatever_befalls_the_decoder_decoding_fails_with_the_reason(
    hostile: Callable[..., Sandbox], clip: Path, video: ScannedVideo, deed: str, told: str
) -> None:
    sandbox = hostile(deed, stall_s=1 if deed in {"hang", "drip"} else 60)
    with pytest.raises(DecoderFailed, match=told):
        list(sandbox.decode(clip, video, range(COUNT)))


@pytest.mark.parametrize("lie", LIES)
def test_answers_that_cannot_be_are_refused(
    hostile: Callable[..., Sandbox], clip: Path, lie: str
) -> None:
    with pytest.raises(DecoderFailed, match="makes no sense"):
        hostile(lie).scan(clip, LIMITS, 60)


def test_a_message_of_a_decoder_is_cut(hostile: Callable[..., Sandbox], clip: Path) -> None:
    with pytest.raises(BrokenVideo) as refused:
        hostile("talk").scan(clip, LIMITS, 60)
    assert str(refused.value) == "x" * 1000


def test_closing_ends_a_decoder_that_hangs(
    hostile: Callable[..., Sandbox],
    clip: Path,
    video: ScannedVideo,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sandbox = hostile("hang")
    waits = threading.Event()
    receive_head = DecoderChild.receive_head

    def note(*arguments: Any) -> tuple[bytes, int]:
        waits.set()
        return receive_head(*arguments)

    def close() -> None:
        waits.wait(60)
        sandbox.close()

    monkeypatch.setattr(DecoderChild, "receive_head", note)
    with ThreadPoolExecutor(1) as closer:
        closing = closer.submit(close)
        with pytest.raises(DecoderFailed, match="SIGKILL"):
            list(sandbox.decode(clip, video, range(COUNT)))
        closing.result()
    with pytest.raises(RuntimeError, match="closed"):
        sandbox.scan(clip, LIMITS, 60)


def test_a_process_that_was_paused_does_not_blame_the_decoder(clip: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from pipeline.media.sandbox import Sandbox;"
        "from tests.pipeline.media.test_sandbox import HOSTILE, LIMITS, scan;"
        "sandbox = Sandbox(stall_s=4, program=(sys.executable, str(HOSTILE), 'slow'));"
        "path = Path(sys.argv[1]); video = scan(path, LIMITS); print('decoding', flush=True);"
        "print(sum(1 for _ in sandbox.decode(path, video, range(3)))); sandbox.close()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(clip)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "decoding\n"
        time.sleep(1)
        process.send_signal(signal.SIGSTOP)
        time.sleep(5)
        process.send_signal(signal.SIGCONT)
        assert process.stdout.read() == "3\n"


def test_a_program_that_does_not_start_is_no_fault_of_the_file(clip: Path) -> None:
    sandbox = Sandbox(program=(sys.executable, "-c", "raise SystemExit(7)"))
    with pytest.raises(RuntimeError, match="before it saw the file: exit status 7"):
        sandbox.scan(clip, LIMITS, 60)
    sandbox.close()


def test_a_decoder_ends_with_the_process_that_asked(clip: Path) -> None:
    program = (
        "import os, sys; from pathlib import Path; from pipeline.media.sandbox import Sandbox;"
        "from pipeline.media.decode import scan; from tests.pipeline.media.test_sandbox import *;"
        "sandbox = Sandbox(program=(sys.executable, str(HOSTILE), 'spin'));"
        "threading.Thread(target=sandbox.scan, args=(Path(sys.argv[1]), LIMITS, 600)).start();"
        "time.sleep(3); print(*children(os.getpid()), flush=True); os.kill(os.getpid(), 9)"
    )
    told = subprocess.run(
        [sys.executable, "-c", program, str(clip)], capture_output=True, text=True, check=False
    ).stdout.split()
    assert len(told) == 2
    deadline = time.monotonic() + 30
    while any(Path(f"/proc/{child}").exists() for child in told):
        assert time.monotonic() < deadline, told
        time.sleep(0.05)
