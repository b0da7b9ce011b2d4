"""A decoder process that a file took over: python hostile_decoder.py DEED FD."""

import ctypes
import json
import mmap
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Sequence
from pathlib import Path

sys.path.insert(0, str(Path.cwd()))

from pipeline.errors import BrokenVideo
from pipeline.media.decode import Slow, scan
from pipeline.media.decoder_process import FRAME, HEAD, REFUSED, SCANNED, SLOW, serve
from pipeline.media.reader import FrameReader
from pipeline.values import Frame, ScannedVideo, VideoLimits

CODE = mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC
PTRACE_ATTACH = 16


def trace_parent() -> str:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.ptrace(PTRACE_ATTACH, os.getppid(), 0, 0) < 0:
        raise OSError(ctypes.get_errno(), "ptrace")
    return "traced"


ESCAPES: dict[str, Callable[[Path], object]] = {
    "read-other-file": lambda _: Path("/etc/passwd").read_text(),
    "read-neighbour": lambda path: (path.parent / "neighbour").read_text(),
    "list-folder": lambda path: list(path.parent.iterdir()),
    "write-file": lambda path: (path.parent / "written").write_text("x"),
    "write-upload": lambda path: path.open("r+b"),
    "remove-upload": lambda path: path.unlink(),
    "make-link": lambda path: (path.parent / "link").symlink_to("/etc/passwd"),
    "change-mode": lambda path: path.chmod(0o777),
    "open-socket": lambda _: socket.socket(),
    "open-unix-socket": lambda _: socket.socketpair(),
    "start-program": lambda _: subprocess.run(["/bin/true"], check=False),
    "fork": lambda _: os.fork() or os._exit(0),
    "signal-parent": lambda _: os.kill(os.getppid(), 0),
    "trace-parent": lambda _: trace_parent(),
    "map-code": lambda _: mmap.mmap(-1, 4096, prot=CODE),
}


def message(kind: bytes, content: bytes, size: int | None = None) -> bytes:
    return HEAD.pack(kind, len(content) if size is None else size) + content


SCAN = {
    "info": {
        "width": 64,
        "height": 48,
        "frame_count": 2,
        "fps": "25",
        "duration_s": 0.08,
        "rotation": 0,
        "mirrored": False,
        "pixel_aspect": "1",
        "codec": "h264",
        "timestamps": "stored",
    },
    "timestamps": [0, 1],
    "time_base": "1/25",
    "starts": [0],
    "numbers": None,
    "max_pixels": 10**6,
}
SIZE_OF_FRAME = 64 * 48 * 3

# What a process may answer in place of a scan, and in place of a frame of 64x48.
LIES: dict[str, bytes] = {
    "unknown-kind": message(b"?", b""),
    "endless": message(SCANNED, b"", 2**60),
    "not-json": message(SCANNED, b"{"),
    "slow-without-end": message(SLOW, bytes(9)),
    "no-scan": message(SCANNED, b"[]"),
    "costly-fraction": message(SCANNED, json.dumps(SCAN | {"time_base": "1e999999999"}).encode()),
    "times-fall": message(SCANNED, json.dumps(SCAN | {"timestamps": [1, 0]}).encode()),
    "times-missing": message(SCANNED, json.dumps(SCAN | {"timestamps": [1]}).encode()),
    "times-huge": message(SCANNED, json.dumps(SCAN | {"timestamps": [1, 2**70]}).encode()),
    "starts-missing": message(SCANNED, json.dumps(SCAN | {"starts": []}).encode()),
    "starts-outside": message(SCANNED, json.dumps(SCAN | {"starts": [0, 2]}).encode()),
    "numbers-missing": message(SCANNED, json.dumps(SCAN | {"numbers": [1]}).encode()),
    "error-that-is-none": message(REFUSED, b'["SystemExit", ""]'),
    "error-of-ours": message(REFUSED, b'["ModelError", ""]'),
    "error-not-json": message(REFUSED, b"[["),
    "error-too-long": message(REFUSED, b"", 2**30),
    "small-frame": message(FRAME, b"x"),
    "large-frame": message(FRAME, b"", SIZE_OF_FRAME + 1),
}


def say(text: bytes) -> None:
    os.write(int(sys.argv[-1]), text)


def leave_within_a_frame() -> None:
    say(message(FRAME, b"x", SIZE_OF_FRAME))
    os._exit(3)


def drip() -> None:
    say(message(FRAME, b"x", SIZE_OF_FRAME))
    while True:
        time.sleep(0.1)
        say(b"x")


def spin() -> None:
    while True:
        pass


def fail(error: Exception) -> None:
    raise error


FAILURES: dict[str, Callable[[], object]] = {
    "crash": lambda: ctypes.string_at(0),
    "leave": leave_within_a_frame,
    "hang": lambda: time.sleep(1000),
    "drip": drip,
    "spin": spin,
    "allocate": lambda: bytearray(2**40),
    "raise": lambda: fail(KeyError("/a/path/of/ours")),
    "talk": lambda: fail(BrokenVideo("x" * 10_000)),
}


def do_harm(deed: str, path: Path) -> None:
    if deed in FAILURES:
        FAILURES[deed]()
    elif deed in LIES:
        say(LIES[deed])
        time.sleep(1000)
    elif deed in ESCAPES:
        try:
            told = f"did it: {ESCAPES[deed](path)!r}"
        except OSError as error:
            told = f"denied: {error.errno}"
        raise BrokenVideo(told)


def hostile_scan(path: Path, limits: VideoLimits, slow: Slow) -> ScannedVideo:
    do_harm(sys.argv[1], path)
    if sys.argv[1] == "list-slowly":
        slow(60.0)
        time.sleep(4)
    return scan(path, limits, slow)


class HostileReader(FrameReader):
    """Does the deed in place of decoding."""

    def frames(self, indices: Sequence[int]) -> Generator[Frame, None, None]:
        do_harm(sys.argv[1], Path())
        if sys.argv[1] == "slow":
            time.sleep(2)
            yield from super().frames(indices)


if __name__ == "__main__":
    serve(int(sys.argv[-1]), hostile_scan, HostileReader)
