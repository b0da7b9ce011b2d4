"""The pages: one for people at /, that of the API at /docs, and the files that they load."""

import os
from pathlib import Path

from fastapi import APIRouter
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from service.negotiation import FileAnswer

STATIC = Path(__file__).parent / "static"

router = APIRouter(include_in_schema=False)


@router.get("/")
async def page() -> FileAnswer:
    """Answer the page where people drop a video and see what was found in it."""
    return FileAnswer(STATIC / "index.html")


@router.get("/docs")
async def api_page() -> FileAnswer:
    """Answer the page that shows the OpenAPI document."""
    return FileAnswer(STATIC / "docs.html")


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
FILES: list[BaseRoute] = [
    Mount("/static", _Files(directory=STATIC)),
    Mount("/swagger", _Files(packages=[("fastapi_swagger", "resources")])),
]
"""What the pages load; mounted rather than routed, since they are no part of the API."""
