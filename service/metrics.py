"""What the API counts and times, for Prometheus, and how the queue and the workers stand."""

import logging
import secrets
import time
from collections import Counter as Counts
from collections.abc import Iterator, Sequence
from typing import Annotated

import anyio.to_thread
from fastapi import APIRouter, Depends, Response, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from prometheus_client import (
    CONTENT_TYPE_PLAIN_0_0_4,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from jobs.engine import JobQueue
from jobs.values import JobState, Worker
from service import VERSION, examples
from service.dependencies import Unscoped
from service.errors import ALL_KINDS, MetricsClosed
from service.problems import problem_answers
from service.settings import PREFIX

_BUCKETS_S = (0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

_log = logging.getLogger(__name__)


class Metrics:
    """The metrics of one API process, in a registry of their own.

    Labels have few values, whatever clients send: routes, not paths, and no names of theirs.
    """

    def __init__(self, queue: JobQueue) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.registry.register(_Standing(queue))
        self.in_progress = Gauge(
            "rotograph_requests_in_progress",
            "Requests that aren't answered to their end; those that follow a job, too.",
            registry=self.registry,
        )
        self.upload_bytes = Counter(
            "rotograph_upload_bytes",
            "Bytes received in the bodies of requests.",
            registry=self.registry,
        )
        self.download_bytes = Counter(
            "rotograph_download_bytes",
            "Bytes of videos that were fetched from their URLs.",
            registry=self.registry,
        )
        self._requests = Histogram(
            "rotograph_request_duration_seconds",
            "How long requests took, to the end of their answer.",
            ["route", "method", "status"],
            buckets=_BUCKETS_S,
            registry=self.registry,
        )
        self._problems = Counter(
            "rotograph_problems",
            "Problems that were answered.",
            ["type"],
            registry=self.registry,
        )
        self._ended = Counter(
            "rotograph_jobs_ended",
            "Jobs that this API brought to their end.",
            ["state"],
            registry=self.registry,
        )
        build = Gauge(
            "rotograph_build_info",
            "What runs here: always 1.",
            ["version"],
            registry=self.registry,
        )
        build.labels(VERSION).set(1)
        # A series that appears with its first event would hide that one from `rate`.
        for kind in ALL_KINDS:
            self._problems.labels(kind.slug)
        self._ended.labels(JobState.CANCELED)

    def answered(
        self,
        route: str | None,
        method: str,
        status: int | None,
        problem: str | None,
        duration_s: float,
    ) -> None:
        """Count a request by its route's template; without `status` the client left before."""
        self._requests.labels(
            route or "none", method if method in _METHODS else "other", str(status or "none")
        ).observe(duration_s)
        if problem is not None:
            self._problems.labels(problem).inc()

    def canceled(self) -> None:
        self._ended.labels(JobState.CANCELED).inc()


class _Standing(Collector):
    """How the queue and the workers stand, read from the database at each scrape."""

    def __init__(self, queue: JobQueue) -> None:
        self._queue = queue

    def describe(self) -> Iterator[Metric]:
        """Yield nothing: else the registry would look at the database to learn the names."""
        yield from ()

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics; where the database doesn't answer, only that."""
        database = GaugeMetricFamily("rotograph_database_up", "Whether the database answers.")
        try:
            load, workers = self._queue.load(), self._queue.workers()
        except Exception:
            # Whatever the database's driver raises, the other metrics are worth having.
            _log.exception("the database doesn't answer")
            database.add_metric([], 0)
            yield database
            return
        database.add_metric([], 1)
        yield database
        jobs = GaugeMetricFamily("rotograph_jobs", "Unfinished jobs.", labels=["state"])
        jobs.add_metric(["queued"], load.queued)
        jobs.add_metric(["running"], load.running)
        yield jobs
        yield GaugeMetricFamily(
            "rotograph_oldest_queued_job_seconds",
            "Age of the job that waits longest for a worker; 0 where none waits.",
            load.oldest_queued_s,
        )
        yield GaugeMetricFamily("rotograph_workers", "Live workers.", len(workers))
        yield _by_model(workers)


def _by_model(workers: Sequence[Worker]) -> Metric:
    labels = ["device", "provider", "model", "model_version"]
    counts = Counts((w.device, w.provider, w.model, w.model_version) for w in workers)
    found = GaugeMetricFamily(
        "rotograph_workers_by_model", "Live workers, by what they run.", labels=labels
    )
    for values, count in counts.items():
        found.add_metric(values, count)
    return found


class Measure:
    """ASGI middleware, the outermost: what it sees is what the client gets."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.monotonic()
        status: int | None = None

        async def counted_receive() -> Message:
            message = await receive()
            if message["type"] == "http.request":
                self._metrics.upload_bytes.inc(len(message.get("body", b"")))
            return message

        async def watched_send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            with self._metrics.in_progress.track_inprogress():
                await self._app(scope, counted_receive, watched_send)
        finally:
            state = scope.get("state", {})
            if state.get("canceled"):
                self._metrics.canceled()
            route = scope.get("route")
            self._metrics.answered(
                None if route is None else route.path,
                scope["method"],
                status,
                state.get("problem"),
                time.monotonic() - started,
            )


bearer = HTTPBearer(
    scheme_name="metrics",
    auto_error=False,
    description=f"The operator's token, `{PREFIX}METRICS_TOKEN`.",
)

router = APIRouter(tags=["service"])


async def _operator(
    services: Unscoped,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Security(bearer)],
) -> None:
    """Let the operator in, who alone may see the sum of all clients' work, else MetricsClosed."""
    token = services.settings.metrics_token
    if token is None:
        if await anyio.to_thread.run_sync(services.keys.in_force):
            raise MetricsClosed(
                f"Where there are API keys, {PREFIX}METRICS_TOKEN must be set to read the metrics."
            )
        return
    presented = "" if credentials is None else credentials.credentials
    if not secrets.compare_digest(presented.encode(), token.get_secret_value().encode()):
        got = "none" if credentials is None else "another one"
        raise MetricsClosed(
            f"The token {PREFIX}METRICS_TOKEN is needed as `Authorization: Bearer`, got {got}."
        )


@router.get(
    "/metrics",
    summary="What this process counts and times, for Prometheus",
    response_class=Response,
    dependencies=[Depends(_operator)],
    responses={
        200: {
            "content": {"text/plain": {"schema": {"type": "string"}, "example": examples.METRICS}}
        },
        **problem_answers({MetricsClosed}),
    },
)
def get_metrics(shared: Unscoped) -> Response:
    """Its requests, the queue and the workers."""
    return Response(generate_latest(shared.metrics), media_type=CONTENT_TYPE_PLAIN_0_0_4)
