"""The errors of the client, and which answers of the service become which.

ClientError
├── Unreachable      nothing answers, or the connection broke each time
├── NotInTime        a job wasn't over within the time that its caller gave it
├── NotOurs          what answered isn't this service, as a proxy's page
└── ProblemError     the service answered with a problem
    ├── Refused      the request or its video is wrong
    │   ├── KeyRefused   there is no API key, or it isn't in force
    │   └── NotThere     no such job, or it was deleted
    ├── Busy         the service or the key has as much to do as it may; try later
    ├── Broken       the service's own fault
    ├── JobFailed    the job ended without a result
    └── JobCanceled  the job was canceled
"""

import httpx

from client.job import Job, Problem

MEDIA_TYPE = "application/problem+json"


class ClientError(Exception):
    """The base of every error that the client raises on purpose."""


class Unreachable(ClientError):  # noqa: N818 - the name says the state, as httpx's errors do
    """Nothing answers, or the connection broke each time."""


class NotInTime(ClientError, TimeoutError):  # noqa: N818 - see Unreachable
    """A job wasn't over within the time that its caller gave it; it goes on."""


class NotOurs(ClientError):  # noqa: N818 - see Unreachable
    """What answered isn't this service, as a proxy's page."""


class ProblemError(ClientError):
    """The service answered with a problem.

    Attributes:
        problem: as it was told.
        retry_after_s: when the service says that it can be tried again.
    """

    def __init__(self, problem: Problem, retry_after_s: float | None = None) -> None:
        super().__init__(problem, retry_after_s)
        self.problem = problem
        self.retry_after_s = retry_after_s

    def __str__(self) -> str:
        """Say what was received and what is wanted."""
        return f"{self.title} ({self.status}): {self.detail}"

    @property
    def type(self) -> str:
        """What kind of problem it is; it never changes, and its address explains it."""
        return self.problem.type

    @property
    def title(self) -> str:
        """The kind in words."""
        return self.problem.title

    @property
    def detail(self) -> str:
        """What was received and what is wanted."""
        return self.problem.detail

    @property
    def status(self) -> int:
        """Of HTTP."""
        return self.problem.status

    @property
    def job(self) -> str | None:
        """Id of the job that it is about."""
        return self.problem.job


class Refused(ProblemError):  # noqa: N818 - see Unreachable
    """The request or its video is wrong."""


class KeyRefused(Refused):
    """There is no API key, or it isn't in force."""


class NotThere(Refused):
    """No such job, or it was deleted."""


class Busy(ProblemError):  # noqa: N818 - see Unreachable
    """The service or the key has as much to do as it may; try later."""


class Broken(ProblemError):  # noqa: N818 - see Unreachable
    """The service's own fault."""


class JobFailed(ProblemError):  # noqa: N818 - see Unreachable
    """The job ended without a result; `type` says why."""


class JobCanceled(ProblemError):  # noqa: N818 - see Unreachable
    """The job was canceled."""


_BY_TYPE: dict[str, type[ProblemError]] = {
    "/problems/job-failed": JobFailed,
    "/problems/job-has-no-result": JobFailed,
    "/problems/job-canceled": JobCanceled,
}
_BY_STATUS: dict[int, type[ProblemError]] = {
    401: KeyRefused,
    403: KeyRefused,
    404: NotThere,
    429: Busy,
    503: Busy,
}


def error_of(problem: Problem, retry_after_s: float | None = None) -> ProblemError:
    """Return the error for a problem, to be raised."""
    fallback = Broken if problem.status >= 500 else Refused
    kind = _BY_TYPE.get(problem.type) or _BY_STATUS.get(problem.status, fallback)
    return kind(problem, retry_after_s)


def require_success(answer: httpx.Response) -> httpx.Response:
    """Return an answer that was read, if it is the one that was asked for.

    Raises:
        ProblemError: the service answered with a problem.
        NotOurs: something else answered.
    """
    if answer.is_success:
        return answer
    if answer.headers.get("Content-Type") != MEDIA_TYPE:
        raise NotOurs(
            f"Got {answer.status_code} {answer.reason_phrase} from {answer.url}, which isn't an "
            f"answer of this service: {answer.text[:200]!r}."
        )
    raise error_of(Problem.of(answer.json()), retry_after_s(answer))


def require_result(job: Job) -> Job:
    """Return a job that succeeded.

    Raises:
        JobFailed: it failed.
        JobCanceled: it was canceled.
    """
    if job.problem is not None:
        raise JobFailed(job.problem)
    if job.state == "canceled":
        done = f"{job.frames_done} of {job.frames_total}"
        raise JobCanceled(
            Problem(
                type="/problems/job-canceled",
                title="The job was canceled",
                status=410,
                detail=f"The job was canceled after {done} frames, so that it has no result.",
                job=job.id,
            )
        )
    return job


def retry_after_s(answer: httpx.Response) -> float | None:
    """Return when an answer says that one may ask again; None where it doesn't."""
    told = answer.headers.get("Retry-After", "")
    return float(told) if told.isdecimal() else None
