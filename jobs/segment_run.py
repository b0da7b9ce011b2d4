"""The frames of segments that one worker does in a row, decoded once."""

from collections.abc import Generator
from contextlib import ExitStack, closing
from itertools import islice

from jobs.database import workflow_id
from jobs.segments import segment_range
from jobs.store import JobStore
from jobs.tracing import SegmentTrace
from jobs.values import Job
from pipeline.media.decode import select
from pipeline.media.scan_file import load_scan
from pipeline.segmenter import Segmenter
from pipeline.values import SegmentedFrame


class SegmentRun:
    """Gives what is found in one segment after another, from one pass over the video.

    It begins anew where a segment isn't the one after the last, or that wasn't read to its end.
    """

    def __init__(
        self,
        job_id: str,
        segments: range,
        store: JobStore,
        segmenter: Segmenter,
        trace: SegmentTrace,
    ) -> None:
        self.job_id = job_id
        self.segments = segments
        self.workflow = workflow_id(job_id, segments.start)
        self._store = store
        self._segmenter = segmenter
        self._trace = trace
        self._opened = ExitStack()
        self._found: Generator[SegmentedFrame, None, None] | None = None
        self._next: int | None = None

    def frames(
        self, job: Job, segment: int, segments: int
    ) -> Generator[SegmentedFrame, None, None]:
        """Yield the frames of a segment of a job that has so many."""
        wanted = segment_range(segment, segments, job.frames_total)
        if self._found is None or self._next != segment:
            self.close()
            last = segment_range(self.segments.stop - 1, segments, job.frames_total)
            self._found = self._begin(job, range(wanted.start, last.stop))
        self._next = None
        yield from islice(self._found, len(wanted))
        self._next = segment + 1

    def close(self) -> None:
        self._found = None
        self._opened.close()

    def _begin(self, job: Job, wanted: range) -> Generator[SegmentedFrame, None, None]:
        request = job.request
        scan = self._store.local(self._store.scan(job.id))
        upload = self._store.local(self._store.upload(job.id))
        video = load_scan(self._opened.enter_context(scan))
        path = self._opened.enter_context(self._trace.entering("fetch", upload))
        indices = select(video, request.start_s, request.end_s, request.every)
        found = self._segmenter.segment(
            path,
            video,
            indices[wanted.start : wanted.stop],
            threshold=request.threshold,
            quality=request.quality,
            actions=request.actions,
        )
        return self._opened.enter_context(closing(found))
