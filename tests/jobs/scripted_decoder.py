"""A decoder process that does what the end of the file says: scripted_decoder.py PIPE FD."""

import ctypes
import os
import sys
import time
from collections.abc import Generator, Sequence
from functools import partial
from pathlib import Path

from av.video.frame import VideoFrame

sys.path.insert(0, str(Path.cwd()))

from pipeline.media.decoder_process import serve
from pipeline.media.orientation import Orientation
from pipeline.media.reader import FrameReader
from pipeline.values import Fault, Frame, ScannedVideo

CRASH, HANG = b"CRASH", b"HANG!"


class ToldReader(FrameReader):
    """Crashes or hangs after the first frame, if the file says so.

    Writes a byte to the pipe `decoded` for each frame decoded of a file with one start.
    """

    def __init__(self, decoded: int, path: Path, video: ScannedVideo) -> None:
        super().__init__(path, video)
        self._decoded = decoded
        self._end = path.read_bytes()[-len(CRASH) :]

    def frames(self, indices: Sequence[int]) -> Generator[Frame, None, None]:
        for frame in super().frames(indices):
            yield frame
            if self._end == CRASH:
                ctypes.string_at(0)
            if self._end == HANG:
                time.sleep(1000)

    def _show(self, index: int) -> tuple[VideoFrame, Orientation, Fault | None]:
        before, last = self._playback, self._last
        shown = super()._show(index)
        if len(self._video.starts) == 1:
            count = index - (last if self._playback is before else -1)
            os.write(self._decoded, bytes(count))
        return shown


if __name__ == "__main__":
    pipe = os.open(sys.argv[1], os.O_RDWR)
    serve(int(sys.argv[-1]), reader=partial(ToldReader, pipe))
