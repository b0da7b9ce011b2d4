"""Log lines, as key=value pairs or JSON, and traces for OpenTelemetry."""

import json
import logging
import math
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from service import VERSION
from service.settings import PREFIX, LogFormat, Settings, SettingsError

if TYPE_CHECKING:
    from opentelemetry.trace import TracerProvider


_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {
    "message",
    "asctime",
    "taskName",
    "color_message",  # uvicorn's own
}


class KeyValueFormatter(logging.Formatter):
    """Writes a record, its `extra` fields and its traceback as one line.

    >>> record = logging.makeLogRecord({"msg": "request done", "levelname": "INFO", "status": 200})
    >>> KeyValueFormatter().format(record).split(" ", 1)[1]
    'level=info logger=root event="request done" status=200'
    """

    def format(self, record: logging.LogRecord) -> str:
        return " ".join(f"{key}={_value(value)}" for key, value in _pairs(self, record).items())


class JsonFormatter(logging.Formatter):
    """Writes a record, its `extra` fields and its traceback as a JSON object, on one line.

    >>> record = logging.makeLogRecord({"msg": "request done", "levelname": "INFO", "status": 200})
    >>> JsonFormatter().format(record).split(",", 1)[1]
    '"level":"info","logger":"root","event":"request done","status":200}'
    """

    def format(self, record: logging.LogRecord) -> str:
        pairs = {key: _json_value(value) for key, value in _pairs(self, record).items()}
        return json.dumps(pairs, separators=(",", ":"))


def configure_log(process: str, log_format: LogFormat = "logfmt") -> None:
    """Log to standard error, marked with the process's name."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter() if log_format == "json" else KeyValueFormatter())
    handler.addFilter(_Mark(process))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    # At their info level one repeats at length what our own lines say, the other lists its plugins.
    for name in ("uvicorn", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)


class _Mark(logging.Filter):
    def __init__(self, process: str) -> None:
        super().__init__()
        self._process = process

    def filter(self, record: logging.LogRecord) -> bool:
        record.process_name = self._process
        return True


def _pairs(formatter: logging.Formatter, record: logging.LogRecord) -> dict[str, object]:
    seconds = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
    pairs: dict[str, object] = {
        "time": f"{seconds}.{int(record.msecs):03d}Z",
        "level": record.levelname.lower(),
        "logger": record.name or "root",
        "event": record.getMessage(),
    }
    pairs |= {key: value for key, value in vars(record).items() if key not in _STANDARD}
    if record.exc_info:
        pairs["traceback"] = formatter.formatException(record.exc_info)
    return pairs


def _json_value(value: object) -> object:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)  # JSON has no such number
    return value if isinstance(value, str | int | float | None) else str(value)


def _value(value: object) -> str:
    text = str(value)
    if text and all(c.isprintable() and c not in ' "=\\' for c in text):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c.isprintable() else repr(c)[1:-1] for c in escaped) + '"'


@contextmanager
def tracing(settings: Settings, part: str) -> "Iterator[TracerProvider | None]":
    """Make and send spans of `api` or `worker` in the context; None unless they are wanted.

    OpenTelemetry's own variables say where to, how and which. Raises SettingsError without its SDK.
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
            f"{PREFIX}TRACING=true needs the packages opentelemetry-sdk and "
            f"opentelemetry-exporter-otlp-proto-http: {error}."
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
