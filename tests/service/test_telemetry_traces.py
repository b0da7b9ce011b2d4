"""Traces: one from the request through the segments of its job, whatever process does what."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from service.settings import Settings, SettingsError
from service.telemetry import tracing
from tests import tiny_model
from tests.service.conftest import Serve, write_clip
from tests.service.processes import start

ABOVE = "0af7651916cd43dd8448eb211c80319c"
PARENT = f"00-{ABOVE}-b7ad6b7169203331-01"


@contextmanager
def collector() -> Iterator[tuple[str, list[tuple[str, Any]]]]:
    """Run a collector; yield its URL, and the spans that it gets with the service's name."""
    spans: list[tuple[str, Any]] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.path == "/v1/traces":
                for of_service in ExportTraceServiceRequest.FromString(body).resource_spans:
                    named = {each.key: each.value for each in of_service.resource.attributes}
                    name = named["service.name"].string_value
                    for scope in of_service.scope_spans:
                        spans.extend((name, span) for span in scope.spans)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", spans
    server.shutdown()
    server.server_close()


def test_one_trace_goes_through_all_processes(tmp_path: Path) -> None:
    model = tiny_model.write_model(tmp_path / "tiny.onnx")
    clip = write_clip(tmp_path / "long.mp4", frame_count=200)
    with collector() as (url, spans):
        service = start(
            tmp_path,
            model,
            ROTOGRAPH_TRACING="true",
            OTEL_EXPORTER_OTLP_ENDPOINT=url,
        )
        service.wait_until_ready()
        service.client.headers["traceparent"] = PARENT
        answer = service.post(clip.read_bytes())
        assert answer.status_code == 200, answer.text
        del service.client.headers["traceparent"]
        assert service.client.get("/jobs").status_code == 200
        service.stop()
    ours = [(name, span) for name, span in spans if span.trace_id.hex() == ABOVE]
    by_id = {span.span_id: span for _, span in ours}
    names = sorted((name, span.name) for name, span in ours)
    api = [("rotograph-api", each) for each in ("POST /segment", "receive", "scan")]
    stages = ("decode", "fetch", "infer", "link", "postprocess", "segment", "store")
    assert names == api + sorted(2 * [("rotograph-worker", each) for each in stages])
    request = next(span for _, span in ours if span.name == "POST /segment")
    assert request.parent_span_id.hex() == PARENT.split("-")[2]
    segments = [span for _, span in ours if span.name == "segment"]
    assert {by_id[span.parent_span_id].name for span in segments} == {"POST /segment"}
    told = [{each.key: each.value for each in span.attributes} for span in segments]
    assert sorted(each["rotograph.segment"].int_value for each in told) == [0, 1]
    assert {each["rotograph.job"].string_value for each in told} == {answer.json()["id"]}
    for _, span in ours:
        assert span.start_time_unix_nano <= span.end_time_unix_nano
        if span.name in stages and span.name != "segment":
            assert by_id[span.parent_span_id].name == "segment"
    others = {span.name for _, span in spans if span.trace_id.hex() != ABOVE}
    assert others == {"GET /jobs"}  # no probes


def test_without_the_packages_it_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk", None)
    with (
        pytest.raises(SettingsError, match="ROTOGRAPH_TRACING=true needs the packages opentel"),
        tracing(Settings(tracing=True), "api"),
    ):
        pass


def test_nobody_is_told_unless_it_is_wanted(
    serve: Serve, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with collector() as (url, spans):
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
        monkeypatch.setenv("FASTAPI_OTEL_AUTO_CONFIGURE", "true")
        with tracing(Settings(), "api") as tracers:
            assert tracers is None
        answer = httpx.post(
            serve(Settings()) + "/segment", files={"file": ("a.mp4", clip.read_bytes())}
        )
        assert answer.status_code == 200
    assert spans == []
