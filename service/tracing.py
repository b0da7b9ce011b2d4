"""Traces for OpenTelemetry: what makes spans, and sends them to a collector until the end."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from service.settings import PREFIX, Settings, SettingsError
from service.version import VERSION

if TYPE_CHECKING:
    from opentelemetry.trace import TracerProvider


@contextmanager
def tracing(settings: Settings, part: str) -> "Iterator[TracerProvider | None]":
    """Make spans and send them, if that is wanted, until the context is left.

    Where to, how and which of them is said by OpenTelemetry's own variables, which its SDK reads.

    Args:
        settings: of the service.
        part: `api` or `worker`.

    Yields:
        What makes tracers; None where nobody wants traces.

    Raises:
        SettingsError: traces are wanted and the packages for them are missing.
    """
    if not settings.tracing:
        yield None
        return
    try:
        # Not everybody has them, and they take a while to load.
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415
            OTLPSpanExporter,
        )
        from opentelemetry.sdk import resources, trace  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
    except ImportError as error:
        raise SettingsError(
            f"Got {PREFIX}TRACING=true, wanted the packages opentelemetry-sdk and "
            f"opentelemetry-exporter-otlp-proto-http beside it: {error}."
        ) from error
    name = os.environ.get("OTEL_SERVICE_NAME", f"rotograph-{part}")
    resource = resources.Resource.create({"service.name": name, "service.version": VERSION})
    provider = trace.TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    # Uvicorn raises the signal that it was stopped by once more, which would end the process here.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    try:
        yield provider
    finally:
        provider.shutdown()
