"""What a worker does for a job, in steps that are done once each, whoever does them."""

import json
import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from dbos import DBOS, StepOptions

from jobs.database import WORKFLOW
from jobs.failure import WorkerLost, failure_of, may_pass
from jobs.lines import from_part, to_line, to_part
from jobs.records import JobRecords
from jobs.segments import segment_count, segment_range
from jobs.store import JobStore
from jobs.values import JobFailure, JobState
from pipeline.decode import load_scan, select
from pipeline.errors import DecoderFailed
from pipeline.segmenter import Segmenter
from pipeline.spec import ModelSpec
from pipeline.tracks import Tracker
from pipeline.values import SegmentedFrame, Track, VideoInfo

MAX_ATTEMPTS = 5
_REPORT_EVERY_S = 0.5

P = ParamSpec("P")
R = TypeVar("R")

_log = logging.getLogger(__name__)


class Unwind(BaseException):
    """Leave a job where it stands: it isn't wanted any more, or the worker stops.

    Not an Exception, so that DBOS records nothing: the job can be taken up at the same step.
    """


class SegmentJob:
    """The work on jobs: plan, then infer and link each segment, then finish.

    A step's result is a file, or a few numbers that DBOS keeps. A step that is done again, because
    its worker died before it was recorded, writes the same file again.

    Args:
        store: the files of jobs.
        records: their rows.
        segmenter: finds the objects of a stretch of frames.
        spec: of the model in `segmenter`.
        segment_frames: frames wanted in a segment, for jobs that this worker plans.
    """

    def __init__(
        self,
        store: JobStore,
        records: JobRecords,
        segmenter: Segmenter,
        spec: ModelSpec,
        segment_frames: int,
    ) -> None:
        self._store = store
        self._records = records
        self._segmenter = segmenter
        self._spec = spec
        self._segment_frames = segment_frames
        self._stopping = threading.Event()
        self._busy = threading.Lock()

    def register(self) -> None:
        """Make DBOS, which knows workflows by name only, run jobs with this object."""

        @DBOS.workflow(name=WORKFLOW, max_recovery_attempts=None)  # `attempts` below bounds them
        def segment_job(job_id: str) -> None:
            with self._busy:
                self._run(job_id)

    def stop(self, grace_s: float) -> None:
        """Leave the running job between two frames, and wait for that up to `grace_s`."""
        self._stopping.set()
        if self._busy.acquire(timeout=grace_s):
            self._busy.release()

    def _run(self, job_id: str) -> None:
        if self._stopping.is_set():
            raise Unwind
        attempts = self._records.take_up(job_id)
        if attempts is None:
            return
        _log.info("Took up a job.", extra={"job": job_id, "attempt": attempts})
        try:
            if attempts > MAX_ATTEMPTS:
                raise WorkerLost(f"Its worker died {MAX_ATTEMPTS} times in the same segment.")
            self._steps(job_id)
        except Exception as error:
            if not self._records.report(job_id, 0):
                raise Unwind from error  # it was deleted or canceled: files went from under it
            failure = failure_of(error, job_id)
            self._step("fail", self._fail, job_id, failure.kind, failure.message)

    def _steps(self, job_id: str) -> None:
        plan = self._step("plan", self._plan, job_id)
        for segment in range(plan["segments"]):
            self._step("infer", self._infer, job_id, segment, plan["segments"])
            self._step("link", self._link, job_id, segment, plan["segments"])
        self._step("finish", self._finish, job_id, plan["segments"], plan["model"])

    def _step(self, name: str, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        if self._stopping.is_set():
            raise Unwind
        options = StepOptions(
            name=name, retries_allowed=True, max_attempts=3, should_retry=may_pass
        )
        return DBOS.run_step(options, function, *args, **kwargs)

    def _plan(self, job_id: str) -> dict[str, Any]:
        """Decide, for the job's life, how it is cut and which model is named in its result."""
        total = self._records.get(job_id).frames_total
        return {
            "segments": segment_count(total, self._segment_frames),
            "model": {"name": self._spec.name, "version": self._spec.version},
        }

    def _infer(self, job_id: str, segment: int, segments: int) -> None:
        """Find the objects of a segment's frames."""
        job = self._records.get(job_id)
        video = load_scan(self._store.scan(job_id))
        request = job.request
        indices = select(video, request.start_s, request.end_s, request.every)
        wanted = segment_range(segment, segments, len(indices))
        _log.info("Segmenting.", extra={"job": job_id, "segment": segment})
        found = self._segmenter.segment(
            self._store.upload(job_id),
            video,
            indices,
            start=wanted.start,
            stop=wanted.stop,
            threshold=request.threshold,
            instances=request.instances,
            quality=request.quality,
            actions=request.actions,
        )
        with closing(found), self._store.writing(self._store.part(job_id, segment)) as path:
            watched = self._watched(job_id, found, wanted.start)
            try:
                _write((to_part(frame) for frame in watched), path)
            except DecoderFailed as error:
                if self._stopping.is_set():  # the worker ended the decoder, not the video
                    raise Unwind from error
                raise

    def _watched(
        self, job_id: str, frames: Iterator[SegmentedFrame], done: int
    ) -> Iterator[SegmentedFrame]:
        """Pass frames on while the job is wanted, and report how many there are now and then."""
        reported_at = time.monotonic()
        for frame in frames:
            if self._stopping.is_set():
                raise Unwind
            if time.monotonic() - reported_at >= _REPORT_EVERY_S:
                if not self._records.report(job_id, done):
                    raise Unwind
                reported_at = time.monotonic()
            yield frame
            done += 1
        if not self._records.report(job_id, done):
            raise Unwind

    def _link(self, job_id: str, segment: int, segments: int) -> None:
        """Give a segment's objects the ids of their tracks, going on from the segment before."""
        job = self._records.get(job_id)
        part = self._store.part(job_id, segment)
        after = self._store.tracker(job_id, segment)
        if not after.exists():
            tracker = (
                self._tracker_after(job_id, segment - 1)
                if segment > 0
                else Tracker(job.request.instances)
            )
            with (
                part.open(encoding="utf-8") as lines,
                self._store.writing(self._store.frames(job_id, segment)) as path,
            ):
                linked = (tracker.link(from_part(line)) for line in lines)
                _write((to_line(frame, job.request.masks) for frame in linked), path)
            with self._store.writing(after) as path:
                _write([json.dumps(tracker.to_state())], path)
        # What this step began from goes when it can't be needed any more, so that a long video
        # doesn't take its space twice.
        part.unlink(missing_ok=True)
        if segment > 1:
            self._store.tracker(job_id, segment - 2).unlink(missing_ok=True)
        done = segment_range(segment, segments, job.frames_total).stop
        if not self._records.report(job_id, done, segment_finished=True):
            raise Unwind

    def _finish(self, job_id: str, segments: int, model: dict[str, str]) -> None:
        """Write the rest of the result, then say that it is complete."""
        header = self._store.header(job_id)
        if not header.exists():
            video = self._records.get(job_id).video
            tracks = self._tracker_after(job_id, segments - 1).tracks()
            with self._store.writing(header) as path:
                _write([json.dumps(_header(job_id, model, video, tracks))], path)
        self._store.remove_scaffolding(job_id)
        self._records.finish(job_id, JobState.SUCCEEDED)
        _log.info("Finished a job.", extra={"job": job_id})

    def _fail(self, job_id: str, kind: str, message: str) -> None:
        """Keep why the job failed."""
        self._records.finish(job_id, JobState.FAILED, JobFailure(kind, message))
        _log.info("A job failed: %s.", kind, extra={"job": job_id})

    def _tracker_after(self, job_id: str, segment: int) -> Tracker:
        state = self._store.tracker(job_id, segment).read_text("utf-8")
        return Tracker.from_state(json.loads(state))


def _header(
    job_id: str, model: dict[str, str], video: VideoInfo, tracks: Iterable[Track]
) -> dict[str, Any]:
    return {
        "job": job_id,
        "model": model,
        "video": {
            "width": video.width,
            "height": video.height,
            "frame_count": video.frame_count,
            "fps": f"{video.fps.numerator}/{video.fps.denominator}",
            "duration_s": round(video.duration_s, 6),
            "rotation": video.rotation,
        },
        "tracks": [_track(track) for track in tracks],
    }


def _track(track: Track) -> dict[str, Any]:
    written: dict[str, Any] = {
        "id": track.id,
        "score": round(track.score, 4),
        "start": track.start,
        "stop": track.stop,
    }
    if track.actions:
        written["actions"] = [
            {"label": action.label, "score": round(action.score, 4)} for action in track.actions
        ]
    return written


def _write(texts: Iterable[str], to: Path) -> None:
    with to.open("w", encoding="utf-8") as file:
        file.writelines(texts)
