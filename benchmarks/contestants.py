"""What is measured in this process: the bare loop, the pipeline and plain ONNX Runtime."""

import io
import resource
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.inputs import LIMITS
from jobs.segments import segment_count, segment_range
from pipeline.media.decode import decode, scan
from pipeline.network.clips import clips_of
from pipeline.network.infer import Session
from pipeline.network.motion import MotionEstimator
from pipeline.network.preprocess import fit, to_network
from pipeline.network.smooth import with_neighbours
from pipeline.segmenter import STRIDE, Segmenter
from pipeline.values import ScannedVideo, Stage

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
        spec = session.spec
        self._starts = [
            start
            for part in self.parts
            for start in clips_of(
                with_neighbours(part, self.frames), self.frames, spec.clip_length, STRIDE
            )
        ]
        self._pictures = _network_pictures(path, self.video, session)
        self._motion = MotionEstimator().maps(list(self._pictures)) if spec.cues else None

    def bare(self, session: Session) -> None:
        """Run the model over the clips of the job and do nothing else."""
        positions = np.arange(session.spec.clip_length)
        for start in self._starts:
            at = np.minimum(start + positions, self.frames - 1)
            cues = None if self._motion is None else self._motion[at][np.newaxis]
            session.run(self._pictures[at][np.newaxis], cues)

    def pipeline(self, session: Session, stages: StageTimes) -> None:
        """Run the pipeline over the segments of the job."""
        segmenter = Segmenter(session, timed=stages.timed)
        for part in self.parts:
            for _ in segmenter.segment(self.path, self.video, part):
                pass

    def plain(self, predict: Callable[[io.BytesIO], Sequence[object]]) -> None:
        """Run what the LitServe app does, without its server."""
        predict(io.BytesIO(self.path.read_bytes()))


def _network_pictures(path: Path, video: ScannedVideo, session: Session) -> NDArray[np.uint8]:
    info = video.info
    size = fit(info.height, info.width, session.spec)
    indices = range(info.frame_count)
    return np.stack([to_network(frame.pixels, size) for frame in decode(path, video, indices)])
