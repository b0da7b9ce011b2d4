"""Lines of the result that can be read while the segment that they belong to is being computed."""

import json
import logging
from collections import deque

from jobs.lines import to_line
from jobs.periodic import Periodic
from jobs.records import JobRecords
from jobs.store import JobStore
from jobs.values import JobRequest
from pipeline.objects.tracks import Tracker
from pipeline.values import SegmentedFrame

_TELL_EVERY_S = 0.5

_log = logging.getLogger(__name__)


class EarlyLines(Periodic):
    """Links a segment's frames as they are found, if the result goes on with this segment.

    It has its own thread, since frames come in bursts. The finished segment, linked once more from
    the file of all its frames, begins with the same lines; a worker that does it again writes them
    too.
    """

    def __init__(
        self, store: JobStore, records: JobRecords, job_id: str, segment: int, request: JobRequest
    ) -> None:
        super().__init__(_TELL_EVERY_S, "early lines")
        self._store = store
        self._records = records
        self._job_id = job_id
        self._segment = segment
        self._request = request
        self._tracker: Tracker | None = None  # until the segments before are in the result
        self._unlinked: deque[SegmentedFrame] = deque()
        self._lines: list[str] = []
        self._stored = 0
        self._held = 0  # frames of the segment before that this one's lines begin with

    def add(self, frame: SegmentedFrame) -> None:
        self._unlinked.append(frame)

    def run_once(self) -> None:
        """Store the lines so far, and note how many can be read."""
        try:
            self._tell()
        except Exception as error:
            # Only a convenience: the segment itself is tried again, or not wanted any more.
            about = {"job": self._job_id, "reason": type(error).__name__}
            _log.warning("lines can't be stored early", extra=about)

    def _tell(self) -> None:
        if self._tracker is None:
            progress = self._records.progress(self._job_id)
            if progress is None or progress.linked != self._segment:
                return
            self._tracker = self._tracker_before()
            self._held = self._tracker.held
            self._stored = progress.early + self._held  # by a worker that died
        while self._unlinked:
            linked = self._tracker.link(self._unlinked.popleft())
            self._lines += (to_line(frame, self._request.masks) for frame in linked)
        if len(self._lines) <= self._stored:
            return
        with self._store.writing(self._store.early(self._job_id, self._segment)) as path:
            path.write_text("".join(self._lines), "utf-8")
        self._stored = len(self._lines)
        self._records.note_early_frames(self._job_id, self._segment, self._stored - self._held)

    def _tracker_before(self) -> Tracker:
        if self._segment == 0:
            return tracker_for(self._request)
        state = self._store.read(self._store.tracker(self._job_id, self._segment - 1))
        return Tracker.from_state(json.loads(state))


def tracker_for(request: JobRequest) -> Tracker:
    return Tracker(request.instances, request.min_track_s, request.threshold)
