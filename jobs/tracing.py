"""One trace from the request that made a job through its segments, whichever workers do them."""

import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from typing import TypeVar

from opentelemetry.context import Context
from opentelemetry.trace import NoOpTracer, Span, SpanKind, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from pipeline.values import Stage, Timed

T = TypeVar("T")


def traceparent() -> str | None:
    """Return the current span as a W3C `traceparent`; None without one."""
    carrier: dict[str, str] = {}
    TraceContextTextMapPropagator().inject(carrier)
    return carrier.get("traceparent")


@dataclass
class _Busy:
    """When a stage ran in a segment, in nanoseconds: from its first run to the end of its last."""

    start_ns: int
    stop_ns: int
    busy_ns: int = 0
    runs: int = 0


class SegmentTrace:
    """The spans of one segment at a time.

    Stages run beside each other, anew for each clip or frame. A span for each run would make the
    trace of a long video unreadable: a stage has one, from its first run to the end of its last,
    which says how long it was busy.
    """

    def __init__(self, tracer: Tracer | None = None, timed: Timed = nullcontext) -> None:
        self._tracer = tracer or NoOpTracer()
        self._timed = timed
        self._lock = threading.Lock()
        self._stages: dict[Stage, _Busy] = {}

    @contextmanager
    def timed(self, stage: Stage) -> Iterator[None]:
        """Time what a stage does inside; from several threads at once."""
        start_ns = time.time_ns()
        try:
            with self._timed(stage):
                yield
        finally:
            stop_ns = time.time_ns()
            with self._lock:
                busy = self._stages.setdefault(stage, _Busy(start_ns, stop_ns))
                busy.stop_ns = max(busy.stop_ns, stop_ns)
                busy.busy_ns += stop_ns - start_ns
                busy.runs += 1

    @contextmanager
    def segment(
        self, traceparent: str | None, job_id: str, segment: int, attempt: int
    ) -> Iterator[Span]:
        """Make a span of the work on a segment, below the request that made the job."""
        carrier = {} if traceparent is None else {"traceparent": traceparent}
        with self._tracer.start_as_current_span(
            "segment",
            TraceContextTextMapPropagator().extract(carrier, Context()),
            SpanKind.CONSUMER,
            {
                "rotograph.job": job_id,
                "rotograph.segment": segment,
                "rotograph.attempt": attempt,
            },
        ) as span:
            yield span

    def span(self, name: str) -> AbstractContextManager[Span]:
        return self._tracer.start_as_current_span(name)

    @contextmanager
    def stages(self) -> Iterator[None]:
        """Make a span of each stage that runs inside."""
        self._stages = {}
        try:
            yield
        finally:
            with self._lock:
                stages, self._stages = self._stages, {}
            for stage, busy in stages.items():
                attributes = {
                    "rotograph.busy_s": busy.busy_ns / 1e9,
                    "rotograph.runs": busy.runs,
                }
                span = self._tracer.start_span(
                    stage, start_time=busy.start_ns, attributes=attributes
                )
                span.end(busy.stop_ns)

    @contextmanager
    def entering(self, name: str, context: AbstractContextManager[T]) -> Iterator[T]:
        """Enter a context inside a span."""
        with ExitStack() as stack:
            with self.span(name):
                entered = stack.enter_context(context)
            yield entered

    @contextmanager
    def leaving(self, name: str, context: AbstractContextManager[T]) -> Iterator[T]:
        """Leave a context inside a span, if nothing goes wrong."""
        with ExitStack() as stack:
            yield stack.enter_context(context)
            with self.span(name):
                stack.close()
