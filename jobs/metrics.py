"""What a worker counts and times, for Prometheus."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Literal, get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

from jobs.values import JobFailure, JobState, Worker
from pipeline.values import Stage

_BUCKETS_S = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class WorkerMetrics:
    """The metrics of one worker, in a registry of their own."""

    def __init__(self, problem_of: Callable[[str], str] = str) -> None:
        self._problem_of = problem_of
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.frames = Counter(
            "rotograph_frames", "Frames whose objects were found.", registry=self.registry
        )
        self._stages = Histogram(
            "rotograph_stage_duration_seconds",
            "How long the stages took: decode, motion and infer for a clip, postprocess for a "
            "frame, link for a segment.",
            ["stage"],
            buckets=_BUCKETS_S,
            registry=self.registry,
        )
        self._ended = Counter(
            "rotograph_jobs_ended",
            "Jobs that this worker brought to their end.",
            ["state"],
            registry=self.registry,
        )
        self._failures = Counter(
            "rotograph_job_failures",
            "Jobs that this worker ended as failed, by their problem.",
            ["problem"],
            registry=self.registry,
        )
        self._worker = Gauge(
            "rotograph_worker_info",
            "What the worker runs: always 1.",
            ["device", "provider", "model", "model_version"],
            registry=self.registry,
        )
        # A series that appears with its first event would hide that one from `rate`.
        for stage in (*get_args(Stage), "link"):
            self._stages.labels(stage)
        for state in (JobState.SUCCEEDED, JobState.FAILED):
            self._ended.labels(state)

    def timed(self, stage: Stage | Literal["link"]) -> AbstractContextManager[object]:
        """Time what a stage does inside."""
        return self._stages.labels(stage).time()

    def ended(self, state: JobState, failure: JobFailure | None = None) -> None:
        self._ended.labels(state).inc()
        if failure is not None:
            self._failures.labels(self._problem_of(failure.kind)).inc()

    def describe(self, worker: Worker) -> None:
        self._worker.labels(worker.device, worker.provider, worker.model, worker.model_version).set(
            1
        )
