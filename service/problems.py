"""Problems (RFC 9457): how each error becomes an answer, and how the OpenAPI document shows it."""

import json
import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic_core import ErrorDetails
from starlette.exceptions import HTTPException

from jobs.database import OUTAGES
from jobs.errors import DatabaseAway, JobError
from pipeline.errors import PipelineError
from service import schemas
from service.errors import (
    INTERNAL_ERROR,
    KINDS,
    BeyondTheFile,
    Fault,
    InvalidRequest,
    MethodNotAllowed,
    NotFound,
    ServiceError,
    TooManyRequests,
    UploadTooLarge,
    UploadTooSlow,
    kind_of,
)
from service.links import Links
from service.schemas import Problem

MEDIA_TYPE = "application/problem+json"

_log = logging.getLogger(__name__)


def problem_response(problem: Problem, headers: Mapping[str, str] | None = None) -> JSONResponse:
    content = problem.model_dump(mode="json", exclude_none=True)
    return JSONResponse(content, problem.status, headers, MEDIA_TYPE)


def add_problem_handlers(app: FastAPI) -> None:
    """Make every error that is raised on purpose a problem; `access` answers the others."""

    @app.exception_handler(ServiceError)
    @app.exception_handler(JobError)
    @app.exception_handler(PipelineError)
    async def answer_error(request: Request, error: Exception) -> JSONResponse:
        problem = Problem.of(
            kind_of(type(error)),
            str(error),
            Links.of(request.scope),
            request_id=request.state.request_id,
            job_id=request.path_params.get("job_id"),
        )
        request.state.problem = kind_of(type(error)).slug  # for the log and the metrics
        if isinstance(error, InvalidRequest):
            faults = [schemas.Fault.of(fault) for fault in error.faults]
            problem = problem.model_copy(update={"faults": faults})
        return problem_response(problem, _headers(error))

    @app.exception_handler(OUTAGES[0])
    @app.exception_handler(OUTAGES[1])
    async def answer_outage(request: Request, error: Exception) -> JSONResponse:
        _log.warning(
            "the database doesn't answer",
            extra={"request_id": request.state.request_id, "reason": type(error).__name__},
        )
        away = DatabaseAway("The database of jobs doesn't answer; try later.")
        return await answer_error(request, away)

    @app.exception_handler(RequestValidationError)
    async def answer_parameters(request: Request, error: RequestValidationError) -> JSONResponse:
        return await answer_error(request, InvalidRequest(*map(fault_of, error.errors())))

    @app.exception_handler(HTTPException)
    async def answer_http(request: Request, error: HTTPException) -> JSONResponse:
        path = request.url.path[:200]
        if error.status_code == KINDS[MethodNotAllowed].status:
            allowed = (error.headers or {}).get("Allow", "").replace("GET", "GET, HEAD")
            wrong = MethodNotAllowed(f"{path} has no {request.method}, only {allowed}.")
            answer = await answer_error(request, wrong)
            answer.headers["Allow"] = allowed
            return answer
        phrase = HTTPStatus(error.status_code).phrase
        if error.status_code == KINDS[NotFound].status and error.detail == phrase:
            document = f"{Links.of(request.scope).root_path}/openapi.json"
            missing = NotFound(f"Nothing is at {path!r}; see {document}.")
            return await answer_error(request, missing)
        problem = Problem(
            type="about:blank",
            title=phrase,
            status=error.status_code,
            detail=error.detail,
            request_id=request.state.request_id,
        )
        return problem_response(problem, error.headers)


def problem_answers(*groups: Iterable[type[Exception]]) -> dict[int | str, dict[str, Any]]:
    """Describe in a route's `responses` how it answers these errors, each with an example."""
    answers: dict[int | str, dict[str, Any]] = {}
    # In one order: the groups are sets. The word `default` also keeps FastAPI from documenting
    # answers of its own.
    found = {kind_of(error) for group in groups for error in group}
    kinds = sorted(found, key=lambda kind: kind.slug)
    keyed = [(str(kind.status), kind) for kind in kinds]
    for key, kind in [*keyed, ("default", INTERNAL_ERROR)]:
        content = {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": {}}
        answer = answers.setdefault(key, {"description": "", "content": {MEDIA_TYPE: content}})
        answer["description"] = "; ".join(filter(None, [answer["description"], kind.title]))
        answer["content"][MEDIA_TYPE]["examples"][kind.slug] = {
            "value": {
                "type": kind.type,
                "title": kind.title,
                "status": kind.status,
                "detail": kind.example,
                "request_id": "5f0c3b1e9a7d4c62",
            }
        }
    return answers


def _headers(error: Exception) -> dict[str, str]:
    kind = kind_of(type(error))
    if isinstance(error, TooManyRequests):
        return {"Retry-After": str(error.retry_after_s)}
    if kind.retry_after_s is not None:
        return {"Retry-After": str(kind.retry_after_s)}
    if kind.status == 401:
        return {"WWW-Authenticate": "Bearer"}
    match error:
        case BeyondTheFile():
            return {"Content-Range": f"bytes */{error.size}"}
        case UploadTooLarge() | UploadTooSlow():
            # The rest of the body isn't wanted: without this it would be read to its end.
            return {"Connection": "close"}
        case _:
            return {}


def fault_of(error: ErrorDetails, name: str = "", among: Sequence[str] = ()) -> Fault:
    """Put what pydantic says of a wrong value into our words; `among` are the names there are."""
    # A number is the place in a list that has this name.
    name = name or [part for part in error["loc"] if isinstance(part, str)][-1]
    name, got = name[:100], shown(error["input"])
    wanted = re.sub(r"^Input should be |, (unable to|got) .*", "", error["msg"])
    match error["type"]:
        case "extra_forbidden" | "unexpected_keyword_argument":
            names = f"one of {', '.join(among)}" if among else "a parameter here"
            return Fault(name, got, names, known=False)
        case "bool_parsing" | "bool_type":
            wanted = "true or false"
        case "string_too_long":
            wanted = f"at most {error['ctx']['max_length']} characters"
    return Fault(name, got, wanted)


def shown(got: object) -> str:
    return (got if isinstance(got, str) else json.dumps(got))[:100]
