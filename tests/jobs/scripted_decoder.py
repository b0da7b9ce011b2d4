"""A decoder process that does what the end of the file says: python scripted_decoder.py FD."""

import ctypes
import sys
import time
from collections.abc import Generator, Sequence
from pathlib import Path

sys.path.insert(0, str(Path.cwd()))

from pipeline.media.decoder_process import serve
from pipeline.media.reader import FrameReader
from pipeline.values import Frame, ScannedVideo

CRASH, HANG = b"CRASH", b"HANG!"


class ToldReader(FrameReader):
    """Crashes or hangs after the first frame, if the file says so."""

    def __init__(self, path: Path, video: ScannedVideo) -> None:
        super().__init__(path, video)
        self._end = path.read_bytes()[-len(CRASH) :]

    def frames(self, indices: Sequence[int]) -> Generator[Frame, None, None]:
        for frame in super().frames(indices):
            yield frame
            if self._end == CRASH:
                ctypes.string_at(0)
            if self._end == HANG:
                time.sleep(1000)


if __name__ == "__main__":
    serve(int(sys.argv[-1]), reader=ToldReader)
