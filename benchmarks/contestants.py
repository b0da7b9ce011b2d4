"""What is measured in this process: the bare loop, the pipeline and plain ONNX Runtime."""

import io
import resource
import time
from collections import defaultdict
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.inputs import LIMITS
from jobs.segments import segment_count, segment_range
from pipeline.media.decode import scan
from pipeline.network.clip_reader import ClipReader
from pipeline.network.clips import clips_of
from pipeline.network.infer import Session
from pipeline.network.preprocess import Pictures, fit
from pipeline.network.smooth import with_neighbours
from pipeline.network.spec import ModelSpec
from pipeline.segmenter import STRIDE, Segmenter, decode_scaled
from pipeline.values import Stage

Pixels = Sequence[NDArray[np.uint8]]

SEGMENT_FRAMES = 120


@dataclass(frozen=True)
class Cost:
    """Seconds on the clock, and of the processor in all processes that took part."""

    seconds: float
    cpu_s: float


def measured(run: Callable[[], object], cpu_s: Callable[[], float] | None = None) -> Cost:
    """Run something once; `cpu_s` tells the processor time so far, by default of this process."""
    cpu_s = cpu_s or own_cpu_s
    started, cpu_before = time.perf_counter(), cpu_s()
    run()
    return Cost(time.perf_counter() - started, cpu_s() - cpu_before)


def own_cpu_s() -> float:
    """Return the processor time of this process and of its children that have ended."""
    usages = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


class StageTimes:
    """The processor time of the pipeline's stages, each of which has a thread of its own."""

    def __init__(self) -> None:
        self.cpu_s: dict[str, float] = defaultdict(float)

    @contextmanager
    def timed(self, stage: Stage) -> Iterator[None]:
        before = time.thread_time()
        yield
        self.cpu_s[stage] += time.thread_time() - before


class InProcess:
    """A video ready to be segmented here, cut into the segments that a job of it has."""

    def __init__(self, path: Path, session: Session) -> None:
        self.path = path
        self.video = scan(path, LIMITS)
        self.frames = self.video.info.frame_count
        count = segment_count(self.frames, SEGMENT_FRAMES)
        self.parts = [segment_range(segment, count, self.frames) for segment in range(count)]
        self._clips = [inputs for part in self.parts for inputs in self._inputs(part, session.spec)]

    def bare(self, session: Session) -> None:
        """Run the model over the clips of the job, parted at cuts, and do nothing else."""
        for pictures, maps in self._clips:
            cues = None if maps is None else np.stack(maps)[np.newaxis]
            session.run(np.stack(pictures)[np.newaxis], cues)

    def pipeline(self, session: Session, stages: StageTimes) -> None:
        """Run the pipeline over the segments of the job."""
        segmenter = Segmenter(session, timed=stages.timed)
        for part in self.parts:
            for _ in segmenter.segment(self.path, self.video, part):
                pass

    def plain(self, predict: Callable[[io.BytesIO], Sequence[object]]) -> None:
        """Run what the LitServe app does, without its server."""
        predict(io.BytesIO(self.path.read_bytes()))

    def _inputs(self, part: range, spec: ModelSpec) -> Iterator[tuple[Pixels, Pixels | None]]:
        """Yield the pictures and motion maps of each clip of a segment."""
        info = self.video.info
        fits = [fit(info.height, info.width, spec, info.pixel_aspect)]

        def read(wanted: Sequence[int]) -> Generator[Pictures, None, None]:
            with closing(decode_scaled(self.path, self.video, wanted, fits)) as frames:
                yield from (pictures for pictures, _ in frames)

        reader = ClipReader(spec.clip_length, moving=spec.cues, timed=nullcontext)
        near = with_neighbours(part, self.frames)
        starts = clips_of(near, self.frames, spec.clip_length, STRIDE)
        for clip in chain.from_iterable(reader.read(read, self.frames, starts, part)):
            maps = None if clip.motion is None else [moves.map for moves in clip.motion]
            yield [pictures[0] for pictures in clip.pictures], maps
