"""Problems (RFC 9457): how each error becomes an answer, and how the OpenAPI document shows it."""

import logging
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from jobs.database import OUTAGES
from jobs.errors import (
    DatabaseAway,
    JobError,
    JobNotFinished,
    KeyUnknown,
    QueueFull,
    StoreAway,
    TooManyJobs,
)
from pipeline.errors import PipelineError
from service.errors import (
    INTERNAL_ERROR,
    KINDS,
    BeyondTheFile,
    Fault,
    InvalidRequest,
    MethodNotAllowed,
    MetricsClosed,
    NotFound,
    NotReady,
    NotRendered,
    RendererBusy,
    ServiceError,
    TooManyRequests,
    Unauthorized,
    UploadTooLarge,
    UploadTooSlow,
    kind_of,
)
from service.schemas import FaultBody, Problem

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_S = 1
JOBS_RETRY_AFTER_S = 5  # the end of a job, or of an outage, takes longer than a look

_log = logging.getLogger(__name__)


def problem_response(problem: Problem, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """Answer with a problem."""
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
            request_id=request.state.request_id,
            job=request.path_params.get("job_id"),
        )
        request.state.problem = kind_of(type(error)).slug  # for the log and the figures
        if isinstance(error, InvalidRequest):
            faults = [FaultBody.of(fault) for fault in error.faults]
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
        return await answer_error(
            request, InvalidRequest([_fault(item) for item in error.errors()])
        )

    @app.exception_handler(HTTPException)
    async def answer_http(request: Request, error: HTTPException) -> JSONResponse:
        path = request.url.path[:200]
        if error.status_code == KINDS[MethodNotAllowed].status:
            allowed = (error.headers or {}).get("Allow", "")
            wrong = MethodNotAllowed(f"Got {request.method} {path}, wanted {allowed}.")
            answer = await answer_error(request, wrong)
            answer.headers["Allow"] = allowed
            return answer
        wanted = "one of /openapi.json"
        return await answer_error(request, NotFound(f"Got the path {path!r}, wanted {wanted}."))


def problem_answers(*errors: type[Exception]) -> dict[int | str, dict[str, Any]]:
    """Describe in a route's `responses` how it answers these errors, each with an example."""
    answers: dict[int | str, dict[str, Any]] = {}
    # The word `default` also keeps FastAPI from documenting answers of its own.
    keyed = [(str(kind_of(error).status), kind_of(error)) for error in errors]
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
    if (retry_after_s := _retry_after_s(error)) is not None:
        return {"Retry-After": str(retry_after_s)}
    match error:
        case Unauthorized() | KeyUnknown() | MetricsClosed():
            return {"WWW-Authenticate": "Bearer"}
        case BeyondTheFile():
            return {"Content-Range": f"bytes */{error.size}"}
        case UploadTooLarge() | UploadTooSlow():
            # The rest of the body isn't wanted: without this it would be read to its end.
            return {"Connection": "close"}
        case _:
            return {}


def _retry_after_s(error: Exception) -> int | None:
    match error:
        case JobNotFinished() | NotReady() | NotRendered() | RendererBusy():
            return RETRY_AFTER_S
        case TooManyRequests():
            return error.retry_after_s
        case TooManyJobs() | QueueFull() | StoreAway() | DatabaseAway():
            return JOBS_RETRY_AFTER_S
        case _:
            return None


def _fault(error: Mapping[str, Any]) -> Fault:
    """Put FastAPI's word on a wrong query parameter into ours."""
    name = str(error["loc"][-1])[:100]
    if error["type"] == "extra_forbidden":
        return Fault(name, str(error["input"])[:100], "no such parameter")
    wanted = str(error["msg"]).removeprefix("Input should be ")
    return Fault(name, str(error["input"])[:100], wanted[:1].lower() + wanted[1:])
