"""Frames of a scanned video, for one request after another."""

from collections.abc import Generator, Sequence
from itertools import pairwise
from pathlib import Path

from av.video.frame import VideoFrame

from pipeline.errors import BrokenVideo
from pipeline.media.container import RgbConverter
from pipeline.media.orientation import Orientation
from pipeline.media.pictures import Playback, TooNear, starting_points
from pipeline.values import Fault, Frame, ScannedVideo

_NEAR = 100  # frames that are decoded at once rather than left out by seeking


class FrameReader:
    """Decodes frames of one file; goes on from where it is, if no start of decoding is nearer.

    So whoever asks for one segment after another has a video decoded once that can't be sought.
    """

    def __init__(self, path: Path, video: ScannedVideo) -> None:
        self._path = path
        self._video = video
        self._to_rgb = RgbConverter(video.info.height, video.info.width)
        self._playback: Playback | None = None
        self._last = -1  # frame that was shown

    def frames(self, indices: Sequence[int]) -> Generator[Frame, None, None]:
        """Decode frames by rising indices, each as it is when the file is decoded from its start.

        One that can't be decoded repeats the last picture before it, as players do; one of another
        size than the first is scaled to it, after it is turned. Raises BrokenVideo where nothing
        can be decoded, VideoTooLarge, and ValueError for indices that don't rise or aren't there.
        """
        if len(indices) == 0:
            return
        count = self._video.info.frame_count
        rising = all(before < after for before, after in pairwise(indices))
        if not rising or indices[0] < 0 or indices[-1] >= count:
            raise ValueError(
                f"Frames must rise within 0 to {count}, got {indices[0]} to {indices[-1]}."
            )
        for index in indices:
            picture, orientation, fault = self._show(index)
            pixels = self._to_rgb(picture, orientation)
            yield Frame(index, self._video.time_s(index), pixels, fault)

    def close(self) -> None:
        if self._playback is not None:
            self._playback.close()
        self._playback = None

    def _show(self, index: int) -> tuple[VideoFrame, Orientation, Fault | None]:
        timestamp = int(self._video.timestamps[index])
        for start in starting_points(self._video, index):
            playback = self._playback
            if playback is None or index < self._last or start > playback.place + _NEAR:
                self.close()
                playback = self._playback = Playback(self._path, self._video, start)
            self._last = index
            try:
                shown = playback.show(timestamp)
            except TooNear:
                self.close()
                continue
            if shown is not None:
                return shown
        raise BrokenVideo("No frame of the video can be decoded: the file is damaged.")
