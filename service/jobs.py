"""The jobs: list, look, cancel, delete, and get the video back."""

import mimetypes
from typing import Annotated

import anyio.to_thread
from fastapi import APIRouter, Query, Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from jobs.errors import JobNotFound, StoreAway
from jobs.values import JobFilter, JobState
from service import examples, schemas
from service.dependencies import Shared
from service.errors import FILE, JOB, LIST, InvalidRequest
from service.negotiation import FileAnswer, attachment
from service.problems import problem_answers
from service.schemas import JobList

JSON = "application/json"
# Whatever was uploaded: no browser may take it for a page and run what is in it.
POLICY = "default-src 'none'; sandbox; frame-ancestors 'none'"
UNKNOWN = "application/octet-stream"
_MEDIA = {
    "video/*": {"schema": {"type": "string", "contentMediaType": "video/*"}},
    UNKNOWN: {"schema": {"type": "string", "contentMediaType": UNKNOWN}},
}

router = APIRouter(tags=["jobs"])


class Page(BaseModel):
    """Which jobs to list."""

    model_config = ConfigDict(extra="forbid")

    state: Annotated[
        list[JobState], Field(description="Only jobs in this state, or one of several.")
    ] = []
    label: Annotated[
        list[Annotated[str, Field(pattern="^[^:]+:")]],
        Field(description="Only jobs with this label, as `name:value`, or with all of several."),
    ] = []
    created_after: Annotated[
        AwareDatetime | None, Field(description="Only jobs accepted then or later.")
    ] = None
    created_before: Annotated[
        AwareDatetime | None, Field(description="Only jobs accepted earlier.")
    ] = None
    limit: Annotated[int, Field(ge=1, le=100, description="Jobs on the page.")] = 20
    cursor: Annotated[str | None, Field(description="From `next` of the page before.")] = None


@router.get(
    "/jobs",
    summary="List the jobs, newest first",
    responses={
        200: {"content": {JSON: {"example": examples.JOB_LIST}}},
        **problem_answers(LIST, {InvalidRequest}),
    },
)
def list_jobs(page: Annotated[Page, Query()], shared: Shared) -> JobList:
    """Jobs that come meanwhile don't move others to another page."""
    wanted = JobFilter(
        states=page.state,
        created_after=page.created_after,
        created_before=page.created_before,
        labels=dict(label.split(":", 1) for label in page.label),
    )
    jobs, cursor, total = shared.queue.list(wanted, page.limit, page.cursor)
    following = page.model_copy(update={"cursor": cursor}).model_dump(mode="json")
    query = {name: value for name, value in following.items() if value is not None}
    return JobList(
        jobs=[schemas.Job.of(job, shared.links) for job in jobs],
        total=total,
        next=shared.links.jobs(query) if cursor else None,
    )


@router.get(
    "/jobs/{job_id}",
    summary="Look at a job",
    responses={
        200: {
            "content": {JSON: {"example": examples.RUNNING_JOB}},
            "headers": examples.PREFERENCE_HEADER,
        },
        **problem_answers(JOB),
    },
    openapi_extra={"parameters": [examples.PREFER]},
)
async def get_job(job_id: str, request: Request, response: Response, shared: Shared) -> schemas.Job:
    """Its state, how far it is, and why it failed if it did.

    With `Prefer: wait=N` the answer comes when the state changes, or after N seconds.
    """
    prefer = shared.preference(request)
    job = await shared.wait(request, await shared.job(job_id), prefer.wait_s, for_change=True)
    response.headers.update(prefer.headers)
    return schemas.Job.of(job, shared.links)


@router.post(
    "/jobs/{job_id}/cancel",
    summary="Cancel a job",
    response_description="The job, canceled now unless it was final.",
    responses={
        200: {"content": {JSON: {"example": examples.CANCELED_JOB}}},
        **problem_answers(JOB),
    },
)
def cancel_job(job_id: str, request: Request, shared: Shared) -> schemas.Job:
    """A job that is final stays as it is, so that this may be sent again.

    What was found of the job until then can still be read, as NDJSON.
    """
    before, after = shared.queue.get(job_id), shared.queue.cancel(job_id)
    request.state.canceled = not before.state.final and after.state is JobState.CANCELED
    return schemas.Job.of(after, shared.links)


@router.delete(
    "/jobs/{job_id}",
    summary="Delete a job",
    status_code=204,
    response_description="The job is gone, with its upload and result.",
    responses=problem_answers(JOB, {StoreAway}),
)
def delete_job(job_id: str, request: Request, shared: Shared) -> None:
    """A queued or running job is canceled first."""
    request.state.canceled = not shared.queue.get(job_id).state.final
    shared.queue.delete(job_id)


@router.get(
    "/jobs/{job_id}/video",
    summary="Get the video of a job",
    response_class=FileAnswer,
    response_description="The file as it was uploaded.",
    responses={
        200: {"content": _MEDIA},
        206: {"description": "The part that `Range` asks for.", "content": _MEDIA},
        304: {"description": "`If-None-Match` names it."},
        **problem_answers(JOB, FILE, {InvalidRequest}),
    },
)
async def get_job_video(job_id: str, shared: Shared) -> FileAnswer:
    """For players, which ask for parts of it with `Range`."""
    job = await anyio.to_thread.run_sync(shared.queue.get, job_id)
    uploads = shared.uploads
    path = await anyio.to_thread.run_sync(uploads.find, uploads.upload(job.id))
    if path is None:
        raise JobNotFound(f"Job {job_id!r} was deleted.")
    headers = {
        "Content-Disposition": attachment(job.request.filename),
        "Content-Security-Policy": POLICY,
    }
    return FileAnswer(path, 200, headers, media_type(job.request.filename))


def media_type(filename: str) -> str:
    """Guess a video's type from its name; anything else is unknown.

    >>> media_type("dog.mp4"), media_type("dog.html"), media_type("dog")
    ('video/mp4', 'application/octet-stream', 'application/octet-stream')
    """
    guessed, _ = mimetypes.guess_type(filename)
    return guessed if guessed is not None and guessed.startswith("video/") else UNKNOWN
