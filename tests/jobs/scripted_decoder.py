"""A decoder process that does what the end of the file says: python scripted_decoder.py FD."""

import ctypes
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

sys.path.insert(0, str(Path.cwd()))

from pipeline.media.decode import decode
from pipeline.media.decoder_process import serve
from pipeline.values import Frame, ScannedVideo

CRASH, HANG = b"CRASH", b"HANG!"


def told_decode(path: Path, video: ScannedVideo, indices: Sequence[int]) -> Iterator[Frame]:
    end = path.read_bytes()[-len(CRASH) :]
    for frame in decode(path, video, indices):
        yield frame
        if end == CRASH:
            ctypes.string_at(0)
        if end == HANG:
            time.sleep(1000)


if __name__ == "__main__":
    serve(int(sys.argv[-1]), decode=told_decode)
