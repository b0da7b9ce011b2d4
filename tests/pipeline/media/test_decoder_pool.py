"""Processes are forked from one that saw no file, kept for more of theirs, and never left."""

import os
import select
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from pipeline.errors import DecoderFailed
from pipeline.media.decode import decode, scan
from pipeline.media.decoder_child import pickled
from pipeline.media.sandbox import Sandbox
from pipeline.media.scan_file import load_scan, save_scan
from pipeline.network.preprocess import fit, to_pictures
from pipeline.values import ScannedVideo
from tests.pipeline.media.sandboxes import COUNT, LIMITS, descriptors
from tests.processes import children, descendants
from tests.tiny_model import SPEC
from tests.videos import index_of, picture, write_video


class Processes:
    """Those that this test has started, beside what other tests have left running."""

    def __init__(self) -> None:
        self._others = children(os.getpid())

    def servers(self) -> set[int]:
        return children(os.getpid()) - self._others

    def server(self) -> int:
        """Return the one fork server."""
        (found,) = self.servers()
        return found

    def decoders(self) -> set[int]:
        """Return what fork servers have started."""
        return set[int]().union(*(descendants(server) for server in self.servers()))


@pytest.fixture
def processes() -> Processes:
    return Processes()


def memory_of(process: int) -> Iterator[bytes]:
    """Yield what a process has in memory that may be written to."""
    with Path(f"/proc/{process}/mem").open("rb", buffering=0) as memory:
        for line in Path(f"/proc/{process}/maps").read_text().splitlines():
            addresses, mode = line.split()[:2]
            start, stop = (int(address, 16) for address in addresses.split("-"))
            if mode.startswith("rw"):
                memory.seek(start)
                yield memory.read(stop - start)


def test_one_process_decodes_all_that_is_wanted_of_a_file_and_no_other(
    clip: Path, video: ScannedVideo, tmp_path: Path, processes: Processes
) -> None:
    before, opened = children(os.getpid()), descriptors()
    other = write_video(tmp_path / "other.mp4", [picture(n, 48, 64) for n in range(40, 45)])
    sandbox = Sandbox()

    def decoded(path: Path, video: ScannedVideo, indices: range) -> tuple[set[int], list[int]]:
        seen = [index_of(frame.pixels) for frame in sandbox.decode(path, video, indices)]
        return processes.decoders(), seen

    of_clip, seen = decoded(clip, video, range(4))
    assert seen == [0, 1, 2, 3]
    again, seen = decoded(clip, video, range(20, 30, 3))
    assert (again, seen) == (of_clip, [20, 23, 26, 29])
    of_other, seen = decoded(other, scan(other, LIMITS), range(5))
    assert seen == [40, 41, 42, 43, 44]
    assert not of_other & of_clip
    write_video(other, [picture(n, 48, 64) for n in range(60, 65)])
    of_changed, seen = decoded(other, scan(other, LIMITS), range(5))
    assert seen == [60, 61, 62, 63, 64]
    assert not of_changed & of_other
    sandbox.close()
    assert (children(os.getpid()), descriptors()) == (before, opened)


def test_what_decoders_are_forked_from_has_nothing_of_any_file(
    clip: Path, video: ScannedVideo, tmp_path: Path, processes: Processes
) -> None:
    private = tmp_path / "private.mp4"
    private.write_bytes(clip.read_bytes() + b"of another client " * 10)
    part = private.read_bytes()[64:128]
    with closing(Sandbox()) as sandbox:
        sandbox.scan(private, LIMITS, 60)
        frames = sandbox.decode(private, video, range(COUNT))
        next(frames)
        (decoder,) = processes.decoders()
        assert any(part in memory for memory in memory_of(decoder))
        frames.close()
        for memory in memory_of(processes.server()):
            assert part not in memory
            assert str(private).encode() not in memory


def test_few_decoders_share_a_memory_layout(clip: Path, processes: Processes) -> None:
    with closing(Sandbox()) as sandbox:
        servers = []
        for _ in range(45):
            sandbox.scan(clip, LIMITS, 60)
            servers.append(processes.server())
    assert max(map(servers.count, servers)) == 20


def test_a_file_that_crashed_its_decoder_meets_another_memory_layout(
    hostile: Callable[..., Sandbox], clip: Path, processes: Processes
) -> None:
    sandbox = hostile("crash")
    sandbox.lacks()
    before = processes.server()
    with pytest.raises(DecoderFailed, match="SIGSEGV"):
        sandbox.scan(clip, LIMITS, 60)
    with pytest.raises(DecoderFailed, match="SIGSEGV"):
        sandbox.scan(clip, LIMITS, 60)
    assert processes.server() != before


def test_a_fork_server_that_died_is_replaced(
    clip: Path, video: ScannedVideo, processes: Processes
) -> None:
    with closing(Sandbox()) as sandbox:
        assert len(list(sandbox.decode(clip, video, range(3)))) == 3
        os.kill(processes.server(), signal.SIGKILL)
        assert len(list(sandbox.decode(clip, video, range(3, 6)))) == 3  # by the one that was kept
        os.waitid(os.P_PID, processes.server(), os.WEXITED | os.WNOWAIT)
        assert sandbox.scan(clip, LIMITS, 60).info == video.info


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


def test_a_kept_process_that_died_is_replaced(
    clip: Path, video: ScannedVideo, processes: Processes
) -> None:
    with closing(Sandbox()) as sandbox:
        assert len(list(sandbox.decode(clip, video, range(3)))) == 3
        (decoder,) = processes.decoders()
        handle = os.pidfd_open(decoder)
        os.kill(decoder, signal.SIGKILL)
        select.select([handle], [], [])
        os.close(handle)
        assert len(list(sandbox.decode(clip, video, range(3)))) == 3


def test_a_process_is_not_kept_for_ever(
    clip: Path, video: ScannedVideo, processes: Processes
) -> None:
    with closing(Sandbox()) as sandbox:
        seen: set[int] = set()
        for index in range(25):
            list(sandbox.decode(clip, video, [index]))
            seen |= processes.decoders()
        assert len(seen) == 2


def test_a_request_for_a_part_of_a_long_video_is_short(video: ScannedVideo, tmp_path: Path) -> None:
    save_scan(replace(video, timestamps=np.arange(10**5)), tmp_path / "scan")
    sizes = [
        len(pickled((load_scan(tmp_path / "scan"), indices)))
        for indices in (range(120), range(10**5 - 120, 10**5))
    ]
    assert max(sizes) < 2000
    assert max(sizes) - min(sizes) < 10


def test_many_may_decode_at_once(clip: Path, video: ScannedVideo) -> None:
    counts: list[int] = []
    with closing(Sandbox()) as sandbox:

        def count() -> None:
            counts.append(sum(1 for _ in sandbox.decode(clip, video, range(COUNT))))

        threads = [threading.Thread(target=count) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert counts == [COUNT] * 4


def test_a_decoding_that_is_left_leaves_nothing(
    clip: Path, video: ScannedVideo, processes: Processes
) -> None:
    before, opened = children(os.getpid()), descriptors()
    sandbox = Sandbox()
    frames = sandbox.decode(clip, video, range(COUNT))
    assert len(list(islice(frames, 2))) == 2
    assert len(processes.decoders()) == 1
    frames.close()
    assert not processes.decoders()
    sandbox.close()
    assert children(os.getpid()) == before
    assert descriptors() == opened
