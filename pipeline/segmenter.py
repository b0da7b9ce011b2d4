"""The whole way from a video file to the objects of its frames, stage beside stage in threads."""

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from pipeline.clips import clips_of
from pipeline.decode import decode
from pipeline.infer import Session
from pipeline.postprocess import find_objects
from pipeline.preprocess import Fit, fit, to_network, to_source
from pipeline.stitch import stitch
from pipeline.values import Instances, ScannedVideo, SegmentedFrame, SegmentedObject

A = TypeVar("A")
B = TypeVar("B")

Clip = tuple[int, NDArray[np.uint8]]
Map = tuple[int, NDArray[np.float32]]
Read = Callable[[range], Iterator[NDArray[np.uint8]]]
"""Reads the frames (H, W, 3) uint8, RGB, at a range of positions in the video, in order."""

# Clips decoded before the model asks for them, and frames waiting to be cut into objects. More
# would only hold more memory: the slowest stage sets the pace.
_CLIPS_AHEAD = 2
_FRAMES_BEHIND = 16


class Segmenter:
    """Finds the objects of a video with one model.

    Args:
        session: the model.
        stride: frames from one clip to the next; clips overlap by the rest of their length.
    """

    def __init__(self, session: Session, stride: int = 6) -> None:
        self.session = session
        self.stride = stride

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

        Yields:
            One frame for each position, in order, objects without tracks.

        Raises:
            BrokenVideo: none of the frames can be decoded.
            ValueError: `start` and `stop` aren't a range within `indices`.
        """
        info = video.info
        picture = fit(info.height, info.width, self.session.spec, info.pixel_aspect)

        def read(positions: range) -> Iterator[NDArray[np.uint8]]:
            wanted = indices[positions.start : positions.stop]
            return (frame.pixels for frame in decode(path, video, wanted))

        frames = self.find(
            read,
            len(indices),
            to=picture,
            of=picture,
            start=start,
            stop=stop,
            threshold=threshold,
            instances=instances,
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
        to: Fit,
        of: Fit,
        start: int,
        stop: int,
        threshold: float = 0.5,
        instances: Instances = "primary",
    ) -> Generator[tuple[int, tuple[SegmentedObject, ...]], None, None]:
        """Find the objects of the frames `start` to `stop`, wherever frames are read from.

        Args:
            read: gives the frames.
            count: T, frames in the whole video.
            to: how a frame lies in the network's picture.
            of: the same, of the size that masks shall have, which may be another than the frames'.
            start: position of the first frame wanted.
            stop: one past the position of the last frame wanted.
            threshold: as `segment` takes it.
            instances: as `find_objects` takes them.

        Yields:
            Position and objects of each frame, in order, objects without tracks.

        Raises:
            ValueError: `start` and `stop` aren't a range within the video.
        """

        def to_objects(found: Map) -> tuple[int, tuple[SegmentedObject, ...]]:
            position, probability = found
            return position, find_objects(to_source(probability, of), threshold, instances)

        clips = self._clips(read, count, to, start, stop)
        with closing(_ahead(clips, _CLIPS_AHEAD)) as prepared:
            probabilities = stitch(map(self._run, prepared), start, stop)
            with closing(_behind(to_objects, probabilities, _FRAMES_BEHIND)) as frames:
                yield from frames

    def _run(self, clip: Clip) -> Map:
        first, pictures = clip
        return first, self.session.run(pictures[np.newaxis])[0]

    def _clips(
        self, read: Read, count: int, to: Fit, start: int, stop: int
    ) -> Generator[Clip, None, None]:
        """Read the clips that hold a wanted frame: the position of the first frame, pictures."""
        length = self.session.spec.clip_length
        starts = [int(s) for s in clips_of(start, stop, count, length, self.stride)]
        end = min(starts[-1] + length, count)
        # Scaled at once, so that no more than one frame is held at the source's size.
        pictures = (to_network(frame, to) for frame in read(range(starts[0], end)))
        held: deque[NDArray[np.uint8]] = deque(maxlen=length)
        taken = starts[0]
        for first in starts:
            while taken < min(first + length, end):
                held.append(next(pictures))
                taken += 1
            while len(held) < length:  # a video shorter than a clip repeats its last frame
                held.append(held[-1])
            yield first, np.stack(held)


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
