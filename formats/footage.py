"""The video that a result was made of, for formats that show its pictures."""

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from formats.result import Result, ResultFrame
from pipeline.media.decode import decode
from pipeline.media.sound import Sound, listen
from pipeline.values import Frame, ScannedVideo


@dataclass(frozen=True)
class Footage:
    """A video file, what its scan found, and how it is decoded.

    Attributes:
        decode: `Sandbox.decode` for files that aren't trusted.
        listen: `Sandbox.listen` for files that aren't trusted.
    """

    path: Path
    video: ScannedVideo
    decode: Callable[[Path, ScannedVideo, Sequence[int]], Generator[Frame, None, None]] = decode
    listen: Callable[[Path, ScannedVideo], Generator[Sound, None, None]] = listen

    def with_objects(self, result: Result, indices: range) -> Iterator[tuple[Frame, ResultFrame]]:
        """Decode the frames of a result and give each its objects.

        Raises:
            VideoError: none of them can be decoded.
        """
        with closing(self.decode(self.path, self.video, indices)) as frames:
            yield from zip(frames, result.frames(), strict=True)

    def sound(self) -> Generator[Sound, None, None]:
        """Decode its sound. Raises VideoError: it can't be decoded."""
        return self.listen(self.path, self.video)

    def until_s(self, index: int, step: int) -> float:
        """Return until when a frame is shown if only each `step`-th is, as `Frame.time_s`."""
        following = index + step
        info = self.video.info
        return self.video.time_s(following) if following < info.frame_count else info.duration_s
