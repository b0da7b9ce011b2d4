"""What a worker does for a job, in steps that are done once each, whoever does them."""

import json
import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from itertools import chain
from pathlib import Path
from typing import ParamSpec, TypeVar

from dbos import DBOS, StepOptions
from opentelemetry.trace import Span, StatusCode

from jobs.claim import claim_next
from jobs.database import WORKFLOW
from jobs.early_lines import EarlyLines, tracker_for
from jobs.errors import WorkerLost
from jobs.failure import OUTAGE_S, OUTAGE_TRIES, RetryPolicy, failure_of, is_outage
from jobs.lines import from_part, to_line, to_part
from jobs.metrics import WorkerMetrics
from jobs.pinning import PinnedElsewhere
from jobs.records import JobProgress, JobRecords
from jobs.segment_run import SegmentRun
from jobs.store import JobStore
from jobs.summary import to_summary
from jobs.tracing import SegmentTrace
from jobs.values import JobFailure, JobState
from jobs.work_lock import WorkLock
from pipeline.media import decoder_child
from pipeline.network.spec import ModelSpec
from pipeline.objects.tracks import Tracker, link_all
from pipeline.segmenter import Segmenter
from pipeline.values import SegmentedFrame

MAX_ATTEMPTS = 5
_REPORT_EVERY_S = 0.5
_OUTAGE_POLL_S = 1.0

P = ParamSpec("P")
R = TypeVar("R")

_log = logging.getLogger(__name__)


class Unwind(BaseException):
    """Leaves a job where it stands. Not an Exception, so that DBOS records nothing."""


class SegmentJob:
    """Infers a segment, then links what is next in its job's result, or finishes that.

    Any workers infer the segments of a job, in any order; those of a video that can't be sought in
    a row by one, which decodes it once. They are linked in order: whoever has inferred the one that
    the result waits for links it, and those after it that are there. A step's result is a file: who
    does a step again, or at the same time, writes the same file.
    """

    def __init__(
        self,
        store: JobStore,
        records: JobRecords,
        segmenter: Segmenter,
        spec: ModelSpec,
        metrics: WorkerMetrics,
        *,
        trace: SegmentTrace | None = None,
    ) -> None:
        self._store = store
        self._records = records
        self._segmenter = segmenter
        self._model = {"name": spec.name, "version": spec.version}
        self._metrics = metrics
        self._trace = trace or SegmentTrace()
        self._stopping = threading.Event()
        self._lock = WorkLock()
        self._about: Mapping[str, object] = {}  # of the running segment, for each line of the log

    def register(self) -> None:
        """Make DBOS, which knows workflows by name only, run segments with this object."""
        # Decoders know no jobs, and what goes wrong in them is worth finding.
        logging.getLogger(decoder_child.__name__).addFilter(self._mark)

        @DBOS.workflow(name=WORKFLOW, max_recovery_attempts=None)  # `attempts` below bounds them
        def segment(job_id: str, number: int, count: int = 1) -> None:
            self._run(job_id, range(number, number + count))

    def stop(self, grace_s: float) -> None:
        """Leave the running segment between two frames, and wait for that up to `grace_s`."""
        self._stopping.set()
        self._lock.wait_until_free(grace_s)

    def _mark(self, record: logging.LogRecord) -> bool:
        vars(record).update(self._about)
        return True

    def tidy(self) -> None:
        self._store.tidy()

    def _run(self, job_id: str, segments: range) -> None:
        """Do some segments in a row, and between them what others have that is before these."""
        run = SegmentRun(job_id, segments, self._store, self._segmenter, self._trace)
        with closing(run):
            for segment in segments:
                with self._in_its_place(run, segment):
                    if not self._take_up(run, segment):
                        return

    @contextmanager
    def _in_its_place(self, run: SegmentRun, segment: int) -> Iterator[None]:
        """Do a segment when nothing waits that is before it."""
        while True:
            place = self._patiently(self._records.place, run.job_id) + segment
            with self._lock.held(run.workflow, place):
                if self._stopping.is_set():
                    raise Unwind
                first = segment == run.segments.start  # the queue has let it go before others
                waits = not first and self._patiently(self._records.waits_before, place)
                if not (waits and claim_next(self._lock.expect, self._lock.forget)):
                    yield
                    return

    def _take_up(self, run: SegmentRun, segment: int) -> bool:
        """Do a segment; say whether the job is still wanted."""
        self._about = {"job": run.job_id, "segment": segment}
        origin = self._patiently(self._records.origin, run.job_id)
        self._about = {**self._about, "request_id": origin.request_id}
        done = self._patiently(self._is_done, run.job_id, segment)
        # That a worker died counts only against the segment that it died in.
        attempts = 0 if done else self._attempt(run.job_id, segment)
        if attempts is None:
            return False
        with self._trace.segment(origin.traceparent, run.job_id, segment, attempts) as span:
            return self._work(run, segment, attempts, span)

    def _attempt(self, job_id: str, segment: int) -> int | None:
        try:
            attempts = self._patiently(self._records.take_up, job_id, segment, self._model)
        except PinnedElsewhere as elsewhere:
            raise Unwind from elsewhere
        if attempts is not None:
            _log.info("took up a segment", extra={**self._about, "attempt": attempts})
        return attempts

    def _is_done(self, job_id: str, segment: int) -> bool:
        progress = self._records.progress(job_id)
        if progress is None:
            return False
        return segment < progress.linked or self._store.exists(self._store.part(job_id, segment))

    def _work(self, run: SegmentRun, segment: int, attempts: int, span: Span) -> bool:
        try:
            if attempts > MAX_ATTEMPTS:
                raise WorkerLost(f"Its worker died {MAX_ATTEMPTS} times in the same segment.")
            self._step("infer", self._infer, run, segment)
            self._step("link", self._link_what_is_next, run.job_id)
        except Exception as error:
            if self._patiently(self._records.progress, run.job_id) is None:
                raise Unwind from error  # it was deleted or canceled: files went from under it
            failure = failure_of(error, self._about)
            span.set_status(StatusCode.ERROR, failure.kind)
            self._step("fail", self._fail, run, failure.kind, failure.message)
            return False
        return True

    def _step(self, name: str, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        if self._stopping.is_set():
            raise Unwind
        options = StepOptions(
            name=name,
            retries_allowed=True,
            max_attempts=OUTAGE_TRIES,
            should_retry=RetryPolicy().should_retry,
        )
        return DBOS.run_step(options, function, *args, **kwargs)

    def _patiently(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Call a function of the database until it answers: an error here would end the work."""
        while True:
            try:
                return function(*args, **kwargs)
            except Exception as error:
                if not is_outage(error):
                    raise
                _log.warning("the database doesn't answer", extra=self._about)
                if self._stopping.wait(_OUTAGE_POLL_S):
                    raise Unwind from error

    def _infer(self, run: SegmentRun, segment: int) -> None:
        job_id = run.job_id
        if self._is_done(job_id, segment):
            return  # the worker that did it died before this was recorded
        progress = self._records.progress(job_id)
        if progress is None:
            raise Unwind
        job = self._records.get(job_id)
        found = run.frames(job, segment, progress.segments)
        # Dear to make, so that it is kept while the store is away.
        part = self._store.writing(self._store.part(job_id, segment), OUTAGE_S)
        early = EarlyLines(self._store, self._records, job_id, segment, job.request)
        with self._trace.stages(), self._trace.leaving("store", part) as path, early:
            self._write_part(early, self._watched(job_id, segment, found), path)

    def _write_part(self, early: EarlyLines, found: Iterator[SegmentedFrame], to: Path) -> None:
        try:
            with to.open("w", encoding="utf-8") as file:
                for frame in found:
                    file.write(to_part(frame))
                    early.add(frame)
        except Exception as error:
            if self._stopping.is_set():  # the worker ended the decoder: it is no fault of the video
                raise Unwind from error
            raise

    def _watched(
        self, job_id: str, segment: int, frames: Iterator[SegmentedFrame]
    ) -> Iterator[SegmentedFrame]:
        """Pass frames on while the job is wanted, and report how many there are now and then."""
        reported_at = time.monotonic()
        done = 0
        for frame in frames:
            if self._stopping.is_set():
                raise Unwind
            if time.monotonic() - reported_at >= _REPORT_EVERY_S:
                if not self._records.report(job_id, segment, done):
                    raise Unwind
                reported_at = time.monotonic()
            yield frame
            done += 1
            self._metrics.frames.inc()
        if not self._records.report(job_id, segment, done):
            raise Unwind

    def _link_what_is_next(self, job_id: str) -> None:
        """Bring every segment into the result that can be; finish the job after the last one."""
        while (progress := self._records.progress(job_id)) is not None:
            segment = progress.linked
            if segment == progress.segments:
                self._finish(job_id, progress)
                return
            # Who stores the part that is missing here looks afterwards, and so finds the others.
            if not self._store.exists(self._store.part(job_id, segment)):
                if self._linked_beyond(job_id, segment):
                    continue
                return
            try:
                with self._metrics.timed("link"), self._trace.span("link"):
                    held = self._link(job_id, segment, last=segment + 1 == progress.segments)
            except FileNotFoundError:
                if not self._linked_beyond(job_id, segment):
                    raise
                # Another worker was faster, and has removed what this one went from.
                continue
            self._records.linked(job_id, segment, held)
            # What it went from isn't needed any more: a long video shall not take its space twice.
            self._store.remove(self._store.part(job_id, segment))
            self._store.remove(self._store.early(job_id, segment))
            if segment > 0:
                self._store.remove(self._store.tracker(job_id, segment - 1))

    def _linked_beyond(self, job_id: str, segment: int) -> bool:
        progress = self._records.progress(job_id)
        return progress is None or progress.linked > segment

    def _link(self, job_id: str, segment: int, *, last: bool) -> int:
        """Link a segment's objects to tracks; return how many frames the next one has to tell."""
        request = self._records.get(job_id).request
        part = self._store.part(job_id, segment)
        tracker = self._tracker_after(job_id, segment - 1) if segment > 0 else tracker_for(request)
        with (
            self._store.open(part) as lines,
            self._store.writing(self._store.frames(job_id, segment)) as path,
        ):
            found = map(from_part, lines)
            linked = (
                link_all(found, tracker) if last else chain.from_iterable(map(tracker.link, found))
            )
            _write((to_line(frame, request.masks) for frame in linked), path)
        with self._store.writing(self._store.tracker(job_id, segment)) as path:
            _write([json.dumps(tracker.to_state())], path)
        return tracker.held

    def _finish(self, job_id: str, progress: JobProgress) -> None:
        video = self._records.get(job_id).video
        tracker = self._tracker_after(job_id, progress.segments - 1)
        model = progress.model or self._model
        with self._store.writing(self._store.summary(job_id)) as path:
            _write([to_summary(job_id, model, video, tracker.shots(), tracker.tracks())], path)
        if self._records.finish(job_id, JobState.SUCCEEDED):
            self._metrics.ended(JobState.SUCCEEDED)
            _log.info("job finished", extra=self._about)
        self._store.remove_scaffolding(job_id)

    def _fail(self, run: SegmentRun, kind: str, message: str) -> None:
        """Keep why the job failed, and give up its other segments."""
        failure = JobFailure(kind, message)
        if self._records.finish(run.job_id, JobState.FAILED, failure):
            self._metrics.ended(JobState.FAILED, failure)
            _log.info("job failed", extra={**self._about, "problem": kind})
        others = set(self._records.workflows(run.job_id)) - {run.workflow}
        if others:
            DBOS.cancel_workflows(list(others))

    def _tracker_after(self, job_id: str, segment: int) -> Tracker:
        state = self._store.read(self._store.tracker(job_id, segment))
        return Tracker.from_state(json.loads(state))


def _write(texts: Iterable[str], to: Path) -> None:
    with to.open("w", encoding="utf-8") as file:
        file.writelines(texts)
