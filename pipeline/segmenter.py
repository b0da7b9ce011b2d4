"""The whole way from a video file to the objects of its frames, stage beside stage in threads."""

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, nullcontext
from fractions import Fraction
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from pipeline.media.decode import decode
from pipeline.network.actions import ActionNamer
from pipeline.network.clip_reader import Clip, ClipReader, Read, before
from pipeline.network.clips import clips_of
from pipeline.network.infer import ActionSession, Session
from pipeline.network.motion import Motion
from pipeline.network.predict import Predictor
from pipeline.network.preprocess import Fit, Pictures, Scaled, to_pictures
from pipeline.network.smooth import Map, smooth, with_neighbours
from pipeline.network.stitch import stitch
from pipeline.objects.postprocess import find_objects
from pipeline.values import (
    Fault,
    Quality,
    ScannedVideo,
    SegmentedFrame,
    SegmentedObject,
    Timed,
)

A = TypeVar("A")

Objects = tuple[SegmentedObject, ...]
Found = tuple[int, Objects, tuple[int, ...]]
"""A frame, its objects, and the cuts since the wanted frame before it."""

Decode = Callable[[Path, ScannedVideo, Sequence[int], Sequence[Fit]], Generator[Scaled, None, None]]
"""Decodes frames of a file and scales them, as `decode_scaled` does."""

# Clips decoded before the model asks for them, and frames waiting to be cut into objects. More
# would only hold more memory: the slowest stage sets the pace.
_CLIPS_AHEAD = 2
_FRAMES_BEHIND = 16

# Clips of 8 don't overlap: a stride of 6 takes a third longer, and gains nothing that can be told
# from chance.
STRIDE = 8


def decode_scaled(
    path: Path, video: ScannedVideo, indices: Sequence[int], fits: Sequence[Fit]
) -> Generator[Scaled, None, None]:
    """Decode frames as `decode` does and scale each at once: one is held at the source's size."""
    with closing(decode(path, video, indices)) as frames:
        for frame in frames:
            yield to_pictures(frame.pixels, fits), frame.fault


class Segmenter:
    """Finds a video's objects with one model; untrusted files need a sandbox's `decode_scaled`."""

    def __init__(
        self,
        session: Session,
        stride: int = STRIDE,
        decode: Decode = decode_scaled,
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
        threshold: float = 0.5,
        quality: Quality = "fast",
        actions: bool = False,
    ) -> Generator[SegmentedFrame, None, None]:
        """Segment the frames `indices` of a video; yield them in order, objects without tracks.

        Pixels are foreground from the probability `threshold` on, above 0 and below 1. The model
        sees each frame in the clips that the whole video is cut into, so that its objects are the
        same to the last bit whichever others are wanted. Decoding, the model and cutting into
        objects each have a thread, which closing the generator stops. Memory doesn't grow with the
        video. Raises BrokenVideo if no frame decodes, ValueError if `indices` are none or not in
        the video.
        """
        info = video.info
        predictor = Predictor(self.session, info.height, info.width, info.pixel_aspect, quality)

        faults: dict[int, Fault] = {}

        def read(wanted: Sequence[int]) -> Generator[Pictures, None, None]:
            with closing(self._decode(path, video, wanted, predictor.fits)) as frames:
                for index, (pictures, fault) in zip(wanted, frames, strict=True):
                    if fault is not None:
                        faults[index] = fault
                    yield pictures

        def cut(probability: NDArray[np.float32]) -> Objects:
            restored = predictor.restore(probability, info.height, info.width)
            return find_objects(restored, threshold)

        found = self._find(
            predictor, read, info.frame_count, indices, cut, fps=info.fps, actions=actions
        )
        with closing(found):
            for index, objects, cuts in found:
                time_s = video.time_s(index)
                yield SegmentedFrame(index, time_s, objects, faults.get(index), cuts)

    def find(
        self,
        frames: Iterable[NDArray[np.uint8]],
        count: int,
        *,
        size: tuple[int, int],
        fps: float,
        mask_size: tuple[int, int] | None = None,
        threshold: float = 0.5,
        quality: Quality = "fast",
        actions: bool = False,
    ) -> Generator[SegmentedFrame, None, None]:
        """Segment a whole video: `count` frames (H, W, 3) uint8 RGB. Sizes are height and width."""
        predictor = Predictor(self.session, *size, quality=quality)

        def read(_: Sequence[int]) -> Generator[Pictures, None, None]:
            yield from (to_pictures(frame, predictor.fits) for frame in frames)

        def cut(probability: NDArray[np.float32]) -> Objects:
            restored = predictor.restore(probability, *(mask_size or size))
            return find_objects(restored, threshold)

        found = self._find(predictor, read, count, range(count), cut, fps=fps, actions=actions)
        with closing(found):
            for index, objects, cuts in found:
                yield SegmentedFrame(index, index / fps, objects, cuts=cuts)

    def _find(
        self,
        predictor: Predictor,
        read: Read,
        count: int,
        wanted: range,
        cut: Callable[[NDArray[np.float32]], Objects],
        *,
        fps: float | Fraction,
        actions: bool,
    ) -> Generator[Found, None, None]:
        if not wanted or not 0 <= wanted[0] <= wanted[-1] < count:
            raise ValueError(f"Frames must be a rising range within 0 to {count}, got {wanted}.")
        namer = None
        if actions and isinstance(self.session, ActionSession):
            namer = ActionNamer(self.session, predictor.fits[0], wanted, fps)

        frames = with_neighbours(wanted, count)
        near = frozenset(frames)
        motion: dict[int, Motion] = {}
        spec = self.session.spec
        reader = ClipReader(spec.clip_length, moving=spec.cues, timed=self._timed)

        def run_part(clip: Clip) -> NDArray[np.float32]:
            maps = None
            if clip.motion is not None:
                motion.update(
                    (index, moves)
                    for index, moves in zip(clip.frames, clip.motion[clip.own], strict=True)
                    if index in near
                )
                maps = [moves.map for moves in clip.motion]
            with self._timed("infer"):
                if namer is None:
                    return predictor.run(clip.pictures, maps)[clip.own]
                probabilities, features = predictor.describe(clip.pictures, maps, namer.session)
            moves = None if clip.motion is None else clip.motion[clip.own]
            namer.note(clip.frames.start, features[clip.own], moves)
            return probabilities[clip.own]

        def run(parts: Sequence[Clip]) -> NDArray[np.float32]:
            return np.concatenate([run_part(part) for part in parts])

        def to_objects(found: Map) -> Found:
            index, probability = found
            cuts = tuple(at for at in before(index, wanted.step) if at in reader.cuts)
            with self._timed("postprocess"):
                objects = cut(probability)
                return index, objects if namer is None else namer.name(index, objects), cuts

        starts = clips_of(frames, count, spec.clip_length, self.stride)
        decoded = reader.read(read, count, starts, wanted)
        with closing(decoded), closing(_ahead(decoded, _CLIPS_AHEAD)) as clips:
            stitched = stitch(map(run, clips), starts, near)
            smoothed = smooth(stitched, wanted, lambda index: motion.pop(index, None), reader.cuts)
            # The model goes on in a thread of its own, so that what is found needn't wait for it.
            probabilities = _ahead(smoothed, _FRAMES_BEHIND)
            objects = (to_objects(found) for found in probabilities)
            with closing(probabilities), closing(_ahead(objects, 1)) as found:
                yield from found


def _ahead(items: Iterator[A], count: int) -> Generator[A, None, None]:
    """Yield what `items` does, made in a thread of its own up to `count` items ahead."""
    with ThreadPoolExecutor(1) as thread:
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
