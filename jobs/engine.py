"""The queue of jobs as the API sees it: submit, look, cancel, delete, read results."""

import copy
import json
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import islice
from typing import Any, TextIO

import sqlalchemy as sa
from dbos import DBOSClient, DBOSPortableJSONSerializer

from jobs.admission import Admission, NewJob, digest_of
from jobs.database import (
    QUEUE,
    WORKFLOW,
    open_database,
    workflow_id,
)
from jobs.errors import JobHasNoResult, JobNotFinished, JobNotFound, QueueFull
from jobs.keys import KeyRing
from jobs.liveness import WorkerRegister
from jobs.records import JobRecords
from jobs.reuse import copy_result
from jobs.segments import segment_count, segments_in_a_row
from jobs.store import JobStore
from jobs.tracing import traceparent
from jobs.values import (
    Idempotency,
    Job,
    JobFilter,
    JobPage,
    JobRequest,
    JobState,
    Key,
    Load,
    Worker,
)
from pipeline.media.decode import select
from pipeline.media.scan_file import save_scan
from pipeline.values import ScannedVideo

_WHY = {JobState.FAILED: "failed", JobState.CANCELED: "was canceled"}


class JobQueue:
    """Jobs, for a process that runs none itself; its methods block and are safe in threads.

    `open_database` makes the database ready, `frames` looks for more every `poll_s`, segments have
    about `segment_frames` frames (a dead worker costs up to half as many again), and up to
    `max_queued` jobs may wait for a worker.
    """

    def __init__(
        self,
        database_url: str,
        store: JobStore,
        *,
        poll_s: float = 0.2,
        segment_frames: int = 120,
        max_queued: int | None = None,
    ) -> None:
        self.store = store
        self._engine = open_database(database_url)
        self.keys = KeyRing(self._engine)
        self._records = JobRecords(self._engine)
        self._admission = Admission(self._engine)
        self._register = WorkerRegister(self._engine)
        self._poll_s = poll_s
        self._segment_frames = segment_frames
        self._max_queued = max_queued
        # Without the name of an application, so that each runtime's may have what it enqueues.
        self._client = DBOSClient(
            system_database_url=database_url, serializer=DBOSPortableJSONSerializer()
        )

    def close(self) -> None:
        self._client.destroy()
        self._engine.dispose()

    def owned_by(self, owner: Key) -> "JobQueue":
        """Return a view of the jobs of one key only; close the queue itself, not the view."""
        view = copy.copy(self)
        view._records = JobRecords(self._engine, owner)
        view._admission = Admission(self._engine, owner)
        return view

    def check_room(self) -> None:
        """Raise QueueFull or TooManyJobs if there is no room; `submit` checks the latter only."""
        if self._max_queued is not None and (waiting := self.queue_depth()) >= self._max_queued:
            raise QueueFull(
                f"At most {self._max_queued} jobs may wait for a worker, and {waiting} do; "
                "try later."
            )
        with self._engine.begin() as connection:
            self._admission.check_room(connection)

    def repeated(self, idempotency: Idempotency) -> Job | None:
        """Return the job that this request already made; IdempotencyConflict: another one did."""
        return self._admission.repeated(idempotency)

    def submit(
        self,
        job_id: str,
        request: JobRequest,
        video: ScannedVideo,
        idempotency: Idempotency | None = None,
        *,
        sha256: str | None = None,
        fresh: bool = False,
        request_id: str | None = None,
    ) -> Job:
        """Make a job of the upload that lies at `store.incoming(job_id)`.

        It is queued, unless the request made a job before, which is returned, or its owner has a
        finished job of the same upload (by `sha256`) and options, whose result is copied unless
        `fresh`. Raises IdempotencyConflict, SelectionError where the time range holds no frame, or
        TooManyJobs; then neither the upload nor anything of the job is left.
        """
        try:
            frames = select(video, request.start_s, request.end_s, request.every)
            segments = segment_count(len(frames), self._segment_frames, request.every)
            run = video.longest_run / request.every
            job = NewJob(
                id=job_id,
                request=request,
                video=video.info,
                frames_total=len(frames),
                segments=segments,
                in_a_row=segments_in_a_row(segments, len(frames), run),
                idempotency=idempotency,
                digest=None if sha256 is None else digest_of(sha256, request),
                request_id=request_id,
                traceparent=traceparent(),
            )
            self.store.adopt(job_id)
            with self.store.writing(self.store.scan(job_id)) as path:
                save_scan(video, path)
            if fresh or not self._reuse(job):
                self._enqueue(job)
        except BaseException as error:
            self.store.discard(job_id)
            self.store.delete(job_id)
            if isinstance(error, sa.exc.IntegrityError) and idempotency is not None:
                sent_at_once = self.repeated(idempotency)
                if sent_at_once is not None:
                    return sent_at_once
            raise
        return self.get(job_id)

    def _enqueue(self, job: NewJob) -> None:
        with self._engine.begin() as connection:
            place = self._admission.add(connection, job)
            for first in range(0, job.segments, job.in_a_row):
                self._client.enqueue_in_transaction(
                    connection,
                    {
                        "workflow_name": WORKFLOW,
                        "queue_name": QUEUE,
                        "workflow_id": workflow_id(job.id, first),
                        "priority": place + first,
                    },
                    job.id,
                    first,
                    min(job.in_a_row, job.segments - first),
                )

    def _reuse(self, job: NewJob) -> bool:
        """Give a job the result of one that was asked for the same; say whether there was one."""
        if job.digest is None:
            return False
        runtimes = {worker.runtime for worker in self._register.live()}
        cached = self._admission.cached_result(job.digest, runtimes)
        if cached is None:
            return False
        try:
            copy_result(self.store, cached, job.id)
        except FileNotFoundError:  # the other one was deleted meanwhile
            return False
        with self._engine.begin() as connection:
            job = replace(job, segments=cached.segments)
            self._admission.add_finished(connection, job, cached)
        return True

    def get(self, job_id: str) -> Job:
        """Return a job; raises JobNotFound."""
        return self._records.get(job_id)

    def find(self, job_ids: Collection[str]) -> Sequence[Job]:
        """Return the jobs that exist of these, in any order."""
        return self._records.find(job_ids)

    def list(
        self, wanted: JobFilter | None = None, limit: int = 20, cursor: str | None = None
    ) -> JobPage:
        """Return up to `limit` jobs; new ones don't shift the pages. Raises BadCursor."""
        return self._records.list(wanted or JobFilter(), limit, cursor)

    def cancel(self, job_id: str) -> Job:
        """Cancel a job at once; a final one stays as it is. Raises JobNotFound."""
        if self._records.finish(job_id, JobState.CANCELED):
            self._client.cancel_workflows(list(self._records.workflows(job_id)))
        return self.get(job_id)

    def delete(self, job_id: str) -> None:
        """Cancel a job if need be, then remove it; raises JobNotFound, or StoreAway (retry)."""
        self.cancel(job_id)
        # Before its row: if the store is away, the job is there still and can be deleted again.
        self.store.delete(job_id)
        workflows = self._records.workflows(job_id)
        self._records.remove(job_id)
        self._client.delete_workflows(list(workflows))

    def queue_depth(self) -> int:
        """Return how many jobs wait for a worker."""
        return self._records.count(JobState.QUEUED)

    def load(self) -> Load:
        return self._records.load()

    def workers(self) -> Sequence[Worker]:
        return self._register.live()

    def finished(self, older_than_s: float = 0.0) -> Sequence[str]:
        """Return the ids of the jobs that ended so long ago or longer, oldest end first."""
        return self._records.finished(older_than_s)

    def sweep(self, older_than_s: float = 86_400.0) -> None:
        """Remove the files of uploads that never became jobs, after a while."""
        self.store.sweep(self._records.ids(), older_than_s)

    def result_summary(self, job_id: str) -> dict[str, Any]:
        """Return all but the frames; raises JobNotFound, JobNotFinished or JobHasNoResult."""
        _require_result(self.get(job_id))
        try:
            summary: dict[str, Any] = json.loads(self.store.read(self.store.summary(job_id)))
        except FileNotFoundError as error:
            raise JobNotFound(f"Job {job_id!r} was deleted.") from error
        summary.pop("job", None)  # the id's name in files of an older version
        return {"id": job_id, **summary}

    def frames(self, job_id: str, *, follow: bool = False, start: int = 0) -> Iterator[str]:
        r"""Read the result from frame `start` on, as JSON lines that end with `\n`.

        With `follow` it begins while the job runs and goes on to its end; an empty string comes
        every `poll_s` while there is nothing new, so that the caller can leave. Raises JobNotFound
        (also if the job is deleted meanwhile), JobNotFinished unless followed, or JobHasNoResult,
        after what is there.
        """
        job = self.get(job_id)
        if not follow:
            _require_result(job)
        return self._frames(job, start)

    def _frames(self, job: Job, start: int) -> Iterator[str]:
        job_id, frames = job.id, start
        segment, of_segment = self._records.place_of(job_id, start)
        while True:
            job = self.get(job_id)
            if frames < job.frames_ready:
                lines, whole = self._open_segment(job_id, segment)
                before = frames
                with lines:
                    for line in islice(lines, of_segment, None):
                        yield line
                        frames, of_segment = frames + 1, of_segment + 1
                if whole:
                    segment, of_segment = segment + 1, 0
                elif frames == before:
                    yield ""  # the segment was finished while this was opened
                    if job.state.final:
                        _require_result(job)
            elif job.state.final:
                if job.state is not JobState.SUCCEEDED:
                    yield ""  # what was read so far goes out before the error
                _require_result(job)
                return
            else:
                yield ""
                time.sleep(self._poll_s)

    def _open_segment(self, job_id: str, segment: int) -> tuple[TextIO, bool]:
        """Open the lines of a segment, and say whether they are all of them."""
        whole = self.store.frames(job_id, segment)
        # What was stored early is gone once the whole is there, which so is looked for again.
        for file in (whole, self.store.early(job_id, segment), whole):
            with suppress(FileNotFoundError):
                return self.store.open(file), file is whole
        raise JobNotFound(f"Job {job_id!r} was deleted.")


def _require_result(job: Job) -> None:
    if not job.state.final:
        raise JobNotFinished(
            f"Job {job.id!r} is {job.state}: {job.frames_done} of {job.frames_total} frames done."
        )
    if job.state is not JobState.SUCCEEDED:
        raise JobHasNoResult(f"Job {job.id!r} has no result: it {_WHY[job.state]}.")
