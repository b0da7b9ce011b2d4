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
    """A scanned video file and what decodes it: `Sandbox`'s methods for an untrusted one."""

    path: Path
    video: ScannedVideo
    decode: Callable[[Path, ScannedVideo, Sequence[int]], Generator[Frame, None, None]] = decode
    listen: Callable[[Path, ScannedVideo], Generator[Sound, None, None]] = listen

    def with_objects(self, result: Result, indices: range) -> Iterator[tuple[Frame, ResultFrame]]:
        """Decode a result's frames, each with its objects; raises VideoError."""
        with closing(self.decode(self.path, self.video, indices)) as frames:
            yield from zip(frames, result.frames(), strict=True)

    def sound(self) -> Generator[Sound, None, None]:
        """Decode the sound; raises VideoError."""
        return self.listen(self.path, self.video)

    def until_s(self, index: int, step: int) -> float:
        """Return when a frame's display ends if only each `step`-th is shown, as `Frame.time_s`."""
        following = index + step
        info = self.video.info
        return self.video.time_s(following) if following < info.frame_count else info.duration_s
