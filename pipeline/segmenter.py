"""The whole way from a video file to the objects of its frames, stage beside stage in threads."""

from collections import deque
from collections.abc import Callable, Generator, Iterable
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
from pipeline.preprocess import fit, to_network, to_source
from pipeline.stitch import stitch
from pipeline.values import Instances, Probability, ScannedVideo, SegmentedFrame

A = TypeVar("A")
B = TypeVar("B")

Clip = tuple[int, NDArray[np.uint8]]

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

        def to_objects(found: Probability) -> SegmentedFrame:
            at_source = to_source(found.values, picture)
            return SegmentedFrame(
                found.index, found.time_s, find_objects(at_source, threshold, instances)
            )

        clips = self._clips(path, video, indices, start, stop)
        with closing(_ahead(clips, _CLIPS_AHEAD)) as prepared:
            probabilities = (
                Probability(indices[position], video.time_s(indices[position]), values)
                for position, values in stitch(map(self._run, prepared), start, stop)
            )
            with closing(_behind(to_objects, probabilities, _FRAMES_BEHIND)) as frames:
                yield from frames

    def _run(self, clip: Clip) -> tuple[int, NDArray[np.float32]]:
        first, pictures = clip
        return first, self.session.run(pictures[np.newaxis])[0]

    def _clips(
        self,
        path: Path,
        video: ScannedVideo,
        indices: range,
        start: int,
        stop: int,
    ) -> Generator[Clip, None, None]:
        """Decode the clips that hold a wanted frame: the position of the first frame, pictures."""
        spec, info = self.session.spec, video.info
        picture = fit(info.height, info.width, spec, info.pixel_aspect)
        length = spec.clip_length
        starts = [int(s) for s in clips_of(start, stop, len(indices), length, self.stride)]
        end = min(starts[-1] + length, len(indices))
        frames = decode(path, video, indices[starts[0] : end])
        # Scaled at once, so that no more than one frame is held at the source's size.
        pictures = (to_network(frame.pixels, picture) for frame in frames)
        held: deque[NDArray[np.uint8]] = deque(maxlen=length)
        decoded = starts[0]
        for first in starts:
            while decoded < min(first + length, end):
                held.append(next(pictures))
                decoded += 1
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
