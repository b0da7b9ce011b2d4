"""The errors of the client, and which answers of the service become which.

RotographError
├── UnreachableError           nothing answers, or the connection broke each time
├── WaitTimeoutError           a job wasn't over within the time that its caller gave it
├── UnexpectedResponseError    what answered isn't this service, as a proxy's page
└── ProblemError               the service answered with a problem
    ├── RequestError           the request or its video is wrong
    │   ├── AuthenticationError    there is no API key, or it isn't in force
    │   ├── NotFoundError          no such job, or it was deleted
    │   └── NotReadyError          the job isn't over, or its result isn't made in this format yet
    ├── BusyError              the service or the key has as much to do as it may; try later
    ├── ServerError            the service's own fault
    ├── JobFailedError         the job ended without a result
    └── JobCanceledError       the job was canceled
"""

import httpx

from rotograph.job import Job, Problem

MEDIA_TYPE = "application/problem+json"


class RotographError(Exception):
    """The base of every error that the client raises on purpose."""


class UnreachableError(RotographError):
    """Nothing answers, or the connection broke each time."""


class WaitTimeoutError(RotographError, TimeoutError):
    """A job wasn't over within the time that its caller gave it; it goes on."""


class UnexpectedResponseError(RotographError):
    """What answered isn't this service, as a proxy's page."""


class ProblemError(RotographError):
    """The service answered with a problem; it may say when to try again."""

    def __init__(self, problem: Problem, retry_after_s: float | None = None) -> None:
        super().__init__(problem, retry_after_s)
        self.problem = problem
        self.retry_after_s = retry_after_s

    def __str__(self) -> str:
        return f"{self.title} ({self.status}): {self.detail}"

    @property
    def type(self) -> str:
        """What kind of problem it is; its address explains it."""
        return self.problem.type

    @property
    def slug(self) -> str:
        """The last part of the type, which never changes, such as `bad-url`."""
        return self.problem.slug

    @property
    def title(self) -> str:
        """The kind of problem, in words."""
        return self.problem.title

    @property
    def detail(self) -> str:
        """What was received and what is wanted."""
        return self.problem.detail

    @property
    def status(self) -> int:
        return self.problem.status

    @property
    def job_id(self) -> str | None:
        """The id of the job that it is about."""
        return self.problem.job_id


class RequestError(ProblemError):
    """The request or its video is wrong."""


class AuthenticationError(RequestError):
    """There is no API key, or it isn't in force."""


class NotFoundError(RequestError):
    """No such job, or it was deleted."""


class NotReadyError(RequestError):
    """The job isn't over, or its result isn't made in this format yet; ask again."""


class BusyError(ProblemError):
    """The service or the key has as much to do as it may; try later."""


class ServerError(ProblemError):
    """The service's own fault."""


class JobFailedError(ProblemError):
    """The job ended without a result; `type` says why."""


class JobCanceledError(ProblemError):
    """The job was canceled."""


_BY_SLUG: dict[str, type[ProblemError]] = {
    "job-failed": JobFailedError,
    "job-has-no-result": JobFailedError,
    "job-canceled": JobCanceledError,
}
_BY_STATUS: dict[int, type[ProblemError]] = {
    401: AuthenticationError,
    403: AuthenticationError,
    404: NotFoundError,
    425: NotReadyError,
    429: BusyError,
    503: BusyError,
}


def error_of(problem: Problem, retry_after_s: float | None = None) -> ProblemError:
    fallback = ServerError if problem.status >= 500 else RequestError
    kind = _BY_SLUG.get(problem.slug) or _BY_STATUS.get(problem.status, fallback)
    return kind(problem, retry_after_s)


def require_success(answer: httpx.Response) -> httpx.Response:
    """Return the answer; raises ProblemError, or UnexpectedResponseError if a stranger answered."""
    if answer.is_success:
        return answer
    if answer.headers.get("Content-Type") != MEDIA_TYPE:
        raise UnexpectedResponseError(
            f"{answer.url} answered {answer.status_code} {answer.reason_phrase}, which isn't an "
            f"answer of this service: {answer.text[:200]!r}."
        )
    raise error_of(Problem.from_json(answer.json()), retry_after_s(answer))


def require_result(job: Job) -> Job:
    """Return a job that succeeded; raises JobFailedError or JobCanceledError."""
    if job.problem is not None:
        raise JobFailedError(job.problem)
    if job.state == "canceled":
        done = f"{job.frames_done} of {job.frames_total}"
        raise JobCanceledError(
            Problem(
                type="/problems/job-canceled",
                title="The job was canceled",
                status=410,
                detail=f"The job was canceled after {done} frames, so that it has no result.",
                job_id=job.id,
            )
        )
    return job


def retry_after_s(answer: httpx.Response) -> float | None:
    """Return after how many seconds an answer says to ask again; None where it doesn't."""
    seconds = answer.headers.get("Retry-After", "")
    return float(seconds) if seconds.isdecimal() else None
