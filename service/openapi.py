"""The OpenAPI document: what FastAPI makes of the routes, and what it can't see of them."""

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute

from service import events, formats, health, jobs, metrics, results, uploads
from service.bodies import OPTION_SCHEMAS

TAGS = [
    {"name": "segment", "description": "Upload a video."},
    {"name": "jobs", "description": "Follow, fetch, cancel and delete."},
    {"name": "files", "description": "Results in other formats."},
    {"name": "service", "description": "Health, version, and what problems mean."},
]
_ROUTERS = [each.router for each in (uploads, jobs, events, results, formats, health, metrics)]
_ROUTES = {
    route.name: route
    for router in _ROUTERS
    for route in router.routes
    if isinstance(route, APIRoute)
}
_EVENTS = (events.ProgressEvent, events.FramesEvent)
_REFERENCE = "#/components/schemas/{model}"


def _body(
    description: str, name: str, video: dict[str, Any], *, required: bool = True
) -> dict[str, Any]:
    """Describe a body for the OpenAPI document: FastAPI can't see it, since we read it."""
    return {
        "type": "object",
        "description": description,
        "required": [name] if required else [],
        "properties": {name: video}
        | {option: _without_null(schema) for option, schema in OPTION_SCHEMAS.items()},
        "additionalProperties": False,
    }


def _without_null(option: Mapping[str, Any]) -> dict[str, Any]:
    """Say that an option is left out, not null: a form has no null."""
    given = [each for each in option.get("anyOf", ()) if each["type"] != "null"]
    kept = {key: value for key, value in option.items() if key != "anyOf" and value is not None}
    return kept | (given[0] if given else {})


BODIES = {
    "VideoForm": _body(
        "A video and options.",
        "file",
        {"type": "string", "format": "binary", "description": "The video."},
    ),
    "VideoOptions": _body(
        "Options beside a video.",
        "filename",
        {"type": "string", "description": "Of the video."},
        required=False,
    ),
    "VideoUrl": _body(
        "Where a video is, and options.",
        "url",
        {
            "type": "string",
            "format": "uri",
            "pattern": "^https?://",
            "maxLength": 2000,
            "description": "Where the video is: an address of https that everybody can reach.",
        },
    ),
}


def operation_id(route: APIRoute) -> str:
    return route.name


class DocumentedApp(FastAPI):
    """An app whose OpenAPI document generators of clients can use."""

    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            self.openapi_schema = super().openapi()
            schemas = self.openapi_schema["components"]["schemas"]
            schemas.update(BODIES)
            for event in _EVENTS:
                schemas[event.__name__] = event.model_json_schema(ref_template=_REFERENCE)
                schemas[event.__name__].pop("$defs", None)  # they are in the document already
            for path in self.openapi_schema["paths"].values():
                for operation in path.values():
                    operation["responses"] = _by_status(operation["responses"])
                    _show_null(operation)
        return self.openapi_schema


def _by_status(answers: Mapping[str, Any]) -> dict[str, Any]:
    """Put answers in the order of their status, without `default`, under which 500 stands.

    To clients `default` would also be what a proxy answers, and formats whose type they don't know.
    """
    found = dict(answers)
    fault = found.pop("default")
    for media_type, content in found.get("500", fault)["content"].items():
        content["examples"].update(fault["content"][media_type]["examples"])
    found.setdefault("500", fault)
    return dict(sorted(found.items()))


def _show_null(operation: Mapping[str, Any]) -> None:
    """Give examples back what is null in them, which FastAPI takes out of the whole document."""
    for status, answer in _ROUTES[operation["operationId"]].responses.items():
        for media_type, content in answer.get("content", {}).items():
            if "example" in content:
                shown = operation["responses"][str(status)]["content"][media_type]
                shown["example"] = content["example"]
