"""The whole way from a video file to the objects of its frames, stage beside stage in threads."""

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, closing, nullcontext
from fractions import Fraction
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from pipeline.actions import ActionNamer
from pipeline.clips import clips_of
from pipeline.decode import decode
from pipeline.infer import ActionSession, Session
from pipeline.passes import Passes
from pipeline.postprocess import find_objects
from pipeline.smooth import Map, reach, smooth
from pipeline.stitch import stitch
from pipeline.values import (
    Frame,
    Instances,
    Quality,
    ScannedVideo,
    SegmentedFrame,
    SegmentedObject,
    Stage,
)

A = TypeVar("A")
B = TypeVar("B")

Clip = tuple[int, list[tuple[NDArray[np.uint8], ...]]]
Read = Callable[[range], Iterator[NDArray[np.uint8]]]
"""Reads the frames (H, W, 3) uint8, RGB, at a range of positions in the video, in order."""

Decode = Callable[[Path, ScannedVideo, range], Generator[Frame, None, None]]
"""Decodes frames of a file, as `pipeline.decode.decode` does."""

Timed = Callable[[Stage], AbstractContextManager[object]]
"""Takes the time of what a stage does inside; from several threads at once."""

# Clips decoded before the model asks for them, and frames waiting to be cut into objects. More
# would only hold more memory: the slowest stage sets the pace.
_CLIPS_AHEAD = 2
_FRAMES_BEHIND = 16

# Clips of 8 overlap by 2. Strides of 4 and 2 gain nothing that can be told from chance.
STRIDE = 6


class Segmenter:
    """Finds the objects of a video with one model.

    Args:
        session: the model.
        stride: frames from one clip to the next; clips overlap by the rest of their length.
        decode: decodes files; `Sandbox.decode` for those that aren't trusted.
        timed: takes the time of decoding and scaling a clip, of the model's run over it, and of
            cutting a frame into objects.
    """

    def __init__(
        self,
        session: Session,
        stride: int = STRIDE,
        decode: Decode = decode,
        timed: Timed = nullcontext,
    ) -> None:
        self.session = session
        self.stride = stride
        self._decode = decode
        self._timed = timed

    def segment(
        self,
        path: Path,
        video: ScannedVideo,
        indices: range,
        *,
        start: int,
        stop: int,
        threshold: float = 0.5,
        instances: Instances = "primary",
        quality: Quality = "fast",
        actions: bool = False,
    ) -> Generator[SegmentedFrame, None, None]:
        """Segment the frames `indices[start:stop]`.

        A frame's objects don't depend on `start` and `stop`, to the last bit. Decoding runs ahead
        and cutting into objects behind the model, each in a thread of its own; closing the
        generator stops both. Memory doesn't grow with the video.

        Args:
            path: of the file that was scanned.
            video: what the scan found.
            indices: source frames that make up the video to segment; clips are cut from these.
            start: position in `indices` of the first frame wanted.
            stop: one past the position of the last frame wanted.
            threshold: probability from which a pixel is foreground, above 0 and below 1.
            instances: as `find_objects` takes them.
            quality: as `Passes` takes it.
            actions: whether to name the objects' actions, where the model can.

        Yields:
            One frame for each position, in order, objects without tracks.

        Raises:
            BrokenVideo: none of the frames can be decoded.
            ValueError: `start` and `stop` aren't a range within `indices`.
        """
        info = video.info

        def read(positions: range) -> Iterator[NDArray[np.uint8]]:
            wanted = indices[positions.start : positions.stop]
            with closing(self._decode(path, video, wanted)) as frames:
                yield from (frame.pixels for frame in frames)

        frames = self.find(
            read,
            len(indices),
            size=(info.height, info.width),
            pixel_aspect=info.pixel_aspect,
            start=start,
            stop=stop,
            threshold=threshold,
            instances=instances,
            quality=quality,
            actions=actions,
        )
        with closing(frames):
            for position, objects in frames:
                index = indices[position]
                yield SegmentedFrame(index, video.time_s(index), objects)

    def find(
        self,
        read: Read,
        count: int,
        *,
        size: tuple[int, int],
        mask_size: tuple[int, int] | None = None,
        pixel_aspect: Fraction = Fraction(1),
        start: int,
        stop: int,
        threshold: float = 0.5,
        instances: Instances = "primary",
        quality: Quality = "fast",
        actions: bool = False,
    ) -> Generator[tuple[int, tuple[SegmentedObject, ...]], None, None]:
        """Find the objects of the frames `start` to `stop`, wherever frames are read from.

        Args:
            read: gives the frames.
            count: T, frames in the whole video.
            size: H and W of the frames, pixels.
            mask_size: H and W that masks shall have; None for those of the frames.
            pixel_aspect: width of a frame's pixel over its height.
            start: position of the first frame wanted.
            stop: one past the position of the last frame wanted.
            threshold: as `segment` takes it.
            instances: as `find_objects` takes them.
            quality: as `Passes` takes it.
            actions: whether to name the objects' actions, where the model can.

        Yields:
            Position and objects of each frame, in order, objects without tracks.

        Raises:
            ValueError: `start` and `stop` aren't a range within the video.
        """
        if not 0 <= start < stop <= count:
            raise ValueError(f"Got frames {start} to {stop}, wanted a range within 0 to {count}.")
        passes = Passes(self.session, *size, pixel_aspect, quality)

        namer = None
        if actions and isinstance(self.session, ActionSession):
            namer = ActionNamer(self.session, passes.plain, start, stop)

        def run(clip: Clip) -> Map:
            first, pictures = clip
            with self._timed("infer"):
                if namer is None:
                    return first, passes.run(pictures)
                probabilities, features = passes.describe(pictures, namer.session)
            namer.note(first, features)
            return first, probabilities

        def to_objects(found: Map) -> tuple[int, tuple[SegmentedObject, ...]]:
            position, probability = found
            with self._timed("postprocess"):
                restored = passes.restore(probability, *(mask_size or size))
                objects = find_objects(restored, threshold, instances)
                return position, objects if namer is None else namer.name(position, objects)

        first, last = reach(start, stop, count)
        clips = self._clips(read, count, passes, first, last)
        with closing(_ahead(clips, _CLIPS_AHEAD)) as prepared:
            stitched = stitch(map(run, prepared), first, last)
            probabilities = smooth(stitched, start, stop)
            with closing(_behind(to_objects, probabilities, _FRAMES_BEHIND)) as frames:
                yield from frames

    def _clips(
        self, read: Read, count: int, passes: Passes, start: int, stop: int
    ) -> Generator[Clip, None, None]:
        """Read the clips that hold a wanted frame: the position of the first frame, pictures."""
        length = self.session.spec.clip_length
        starts = [int(s) for s in clips_of(start, stop, count, length, self.stride)]
        end = min(starts[-1] + length, count)
        # Scaled at once, so that no more than one frame is held at the source's size.
        pictures = (passes.pictures(frame) for frame in read(range(starts[0], end)))
        held: deque[tuple[NDArray[np.uint8], ...]] = deque(maxlen=length)
        taken = starts[0]
        for first in starts:
            with self._timed("decode"):
                while taken < min(first + length, end):
                    held.append(next(pictures))
                    taken += 1
            while len(held) < length:  # a video shorter than a clip repeats its last frame
                held.append(held[-1])
            yield first, list(held)


def _ahead(items: Generator[A, None, None], count: int) -> Generator[A, None, None]:
    """Yield what `items` does, made in a thread of its own up to `count` items ahead."""
    with closing(items), ThreadPoolExecutor(1) as thread:
        waiting: deque[Future[A]] = deque()
        try:
            while True:
                while len(waiting) <= count:
                    waiting.append(thread.submit(next, items))
                yield waiting.popleft().result()
        except StopIteration:
            return
        finally:
            for future in waiting:
                future.cancel()


def _behind(function: Callable[[A], B], items: Iterable[A], count: int) -> Generator[B, None, None]:
    """Yield `function` of each item, in order, made in a thread of its own up to `count` behind."""
    with ThreadPoolExecutor(1) as thread:
        waiting: deque[Future[B]] = deque()
        try:
            for item in items:
                waiting.append(thread.submit(function, item))
                while waiting and (waiting[0].done() or len(waiting) > count):
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
