"""The web application: routes, pages, problems and what they share."""

import os
from collections.abc import AsyncIterator, MutableMapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypedDict

from fastapi import APIRouter, FastAPI
from fastapi.middleware.cors import CORSMiddleware
from fastapi.telemetry import TelemetryConfig
from opentelemetry.trace import NoOpTracer, TracerProvider
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount
from starlette.staticfiles import StaticFiles
from starlette.types import Scope
from starlette_compress import CompressMiddleware, add_compress_type

from jobs.addresses import AddressGuard
from jobs.engine import JobQueue
from jobs.renderings import Renderings
from pipeline.media.sandbox import Sandbox
from service import (
    NAME,
    VERSION,
    events,
    formats,
    health,
    jobs,
    metrics,
    openapi,
    results,
    uploads,
)
from service.dependencies import RateLimiter, Services
from service.errors import CALLER
from service.links import BehindProxy, Links
from service.metrics import Measure, Metrics
from service.middleware import Access, Head, Linger, SecurityHeaders
from service.negotiation import FileAnswer
from service.problems import add_problem_handlers, problem_answers
from service.receiving import Downloader, UploadLimits, open_scanner
from service.rendering import open_renderer
from service.results import NDJSON
from service.settings import Settings
from service.watch import SharedReads, Stopping, open_watch

_STATIC = Path(__file__).parent / "static"

DESCRIPTION = """
Finds the moving objects of a video, cuts them out and follows them.

Post a video to `/segment`. Every upload is a job: the answer is its result if it is ready within
`Prefer: wait=N` seconds, else the job's address. Every error is a problem of RFC 9457.
"""


_pages = APIRouter(include_in_schema=False)


@_pages.get("/")
async def page() -> FileAnswer:
    return FileAnswer(_STATIC / "index.html")


@_pages.get("/docs")
async def api_page() -> FileAnswer:
    return FileAnswer(_STATIC / "docs.html")


class _Files(StaticFiles):
    """Files that may be kept by browsers: they belong to the product, not to a client."""

    def file_response(
        self,
        full_path: str | os.PathLike[str],
        stat_result: os.stat_result,
        scope: Scope,  # noqa: ARG002 - as Starlette calls it
        status_code: int = 200,
    ) -> Response:
        """Answer as Starlette does, but with our problem for a wrong `Range`."""
        return FileAnswer(full_path, status_code=status_code, stat_result=stat_result)


# Swagger UI comes from a package, so that the API's page needs no other site.
_FILES: list[BaseRoute] = [
    Mount("/static", _Files(directory=_STATIC)),
    Mount("/swagger", _Files(packages=[("fastapi_swagger", "resources")])),
]
"""What the pages load; mounted rather than routed, since they are no part of the API."""


class State(TypedDict):
    """What the lifespan makes for the requests."""

    services: Services


def create_app(
    settings: Settings,
    queue: JobQueue,
    renderings: Renderings,
    sandbox: Sandbox,
    *,
    tracers: TracerProvider | None = None,
    stopping: Stopping | None = None,
) -> FastAPI:
    """Make the application; it closes the sandbox of uploads when it ends."""
    stopping = stopping or Stopping()
    counts = Metrics(queue)
    downloader = Downloader(
        AddressGuard(settings.outbound_allow),
        UploadLimits(settings.max_upload_bytes, settings.upload_idle_timeout_s),
        settings.download_timeout_s,
        count=counts.download_bytes.inc,
    )

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[State]:
        async with (
            open_scanner(settings, sandbox) as scanner,
            open_watch(queue.find, stopping) as watch,
            open_renderer(renderings, watch, settings, stopping) as renderer,
        ):
            yield {
                "services": Services(
                    settings=settings,
                    queue=queue,
                    uploads=queue.store,
                    downloader=downloader,
                    scanner=scanner,
                    keys=queue.keys,
                    rates=RateLimiter(),
                    renderer=renderer,
                    watch=watch,
                    reads=SharedReads(),
                    stopping=stopping,
                    metrics=counts.registry,
                    tracer=NoOpTracer() if tracers is None else tracers.get_tracer("rotograph"),
                    links=Links(""),
                )
            }

    app = openapi.DocumentedApp(
        title=NAME,
        version=VERSION,
        description=DESCRIPTION,
        openapi_tags=openapi.TAGS,
        generate_unique_id_function=openapi.operation_id,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        lifespan=lifespan,
        routes=_FILES,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        telemetry=_telemetry(tracers),
    )
    for routes in (uploads, jobs, events, results, formats):
        app.include_router(routes.router, responses=problem_answers(CALLER))
    for open_routes in (health.router, metrics.router, _pages):
        app.include_router(open_routes)
    add_problem_handlers(app)
    _add_middleware(app, settings, counts, stopping)
    return app


def _telemetry(tracers: TracerProvider | None) -> TelemetryConfig:
    return {
        "auto_configure": False,
        "metrics": False,
        "logs": False,
        "tracing": tracers is not None,
        "tracer_provider": tracers,
        "operation_spans": False,
        # Probes, scrapers and browsers ask for the rest again and again.
        "exclude": lambda scope: not _path(scope).startswith(("/segment", "/jobs")),
    }


def _path(scope: MutableMapping[str, Any]) -> str:
    return str(scope.get("path", "")).removeprefix(str(scope.get("root_path", "")))


def _add_middleware(app: FastAPI, settings: Settings, counts: Metrics, stopping: Stopping) -> None:
    """Add what stands between the server and the routes, the innermost first."""
    app.add_middleware(Linger)
    add_compress_type(NDJSON, streaming=True)
    app.add_middleware(CompressMiddleware)
    app.add_middleware(Head)
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["GET", "POST", "DELETE"],
            allow_headers=[
                "Authorization",
                "Cache-Control",
                "Idempotency-Key",
                "If-None-Match",
                "Last-Event-ID",
                "Prefer",
                "X-Request-ID",
            ],
            expose_headers=[
                "Content-Disposition",
                "Content-Range",
                "ETag",
                "Location",
                "Preference-Applied",
                "Retry-After",
                "X-RateLimit-Limit",
                "X-RateLimit-Remaining",
                "X-RateLimit-Reset",
                "X-Request-ID",
            ],
        )
    app.add_middleware(BehindProxy, trusted=settings.trusted_proxies, root_path=settings.root_path)
    app.add_middleware(SecurityHeaders)
    app.add_middleware(Access, stopping=stopping)
    app.add_middleware(Measure, metrics=counts)
