"""What can be asked of the service, as tasks that either client carries out."""

import uuid
from dataclasses import replace
from pathlib import Path

from client.errors import JobFailed, NotThere, require_result
from client.job import Job, State
from client.options import Options
from client.retries import Retries, answered
from client.steps import Call, Task, Tell
from client.uploads import Form, Progress, Source, opened, url_of
from client.values import Result

_PAGE = "100"
# The service fetches a video (SEGMENT_DOWNLOAD_TIMEOUT_S) and lists its frames before it answers.
_FETCH_S = 900.0


def submit(
    source: Source, options: Options, fresh: bool, progress: Progress | None, retries: Retries
) -> Task[Job]:
    """Post a video. Its key makes it one job, however often it has to be sent."""
    headers = {"Prefer": "respond-async", "Idempotency-Key": str(uuid.uuid4())}
    if fresh:
        headers["Cache-Control"] = "no-cache"
    call = Call("POST", "/segment", headers=headers)
    if url := url_of(source):
        given = {name: value for name, value in options.items() if value is not None}
        named = replace(call, json={"url": url} | given, silence_s=_FETCH_S)
        answer = yield from answered(named, retries)
    else:
        with opened(source) as (file, filename):
            form = Form(file, filename, dict(options), progress)
            answer = yield from answered(replace(call, form=form), retries)
    job_id = answer.headers["Location"].rpartition("/")[2]
    if answer.status_code == 202:
        return Job.of(answer.json())
    # It is over already: an earlier attempt made it, or it is a copy of another one.
    return (yield from look(job_id, retries))


def look(job_id: str, retries: Retries) -> Task[Job]:
    """Look how a job stands."""
    answer = yield from answered(Call("GET", f"/jobs/{job_id}"), retries)
    return Job.of(answer.json())


def result(job_id: str, source: Path | None, retries: Retries) -> Task[Result]:
    """Get a whole result."""
    call = Call("GET", f"/jobs/{job_id}/result", {"format": "json"})
    try:
        answer = yield from answered(call, retries)
    except JobFailed:
        yield from tell_why(job_id, retries)
        raise
    return Result.of(answer.json(), source)


def tell_why(job_id: str, retries: Retries) -> Task[None]:
    """Raise why a job has no result, if it has none."""
    job = yield from look(job_id, retries)
    require_result(job)


def jobs(state: State | None, retries: Retries) -> Task[None]:
    """Tell each job, newest first."""
    params = {"limit": _PAGE} if state is None else {"limit": _PAGE, "state": state}
    call = Call("GET", "/jobs", params)
    while True:
        answer = yield from answered(call, retries)
        page = answer.json()
        for body in page["jobs"]:
            yield Tell(Job.of(body))
        if page["next"] is None:
            return
        call = Call("GET", page["next"])


def cancel(job_id: str, retries: Retries) -> Task[Job]:
    """Cancel a job that isn't final."""
    answer = yield from answered(Call("POST", f"/jobs/{job_id}/cancel"), retries)
    return Job.of(answer.json())


def delete(job_id: str, retries: Retries) -> Task[None]:
    """Delete a job, canceled first if need be."""
    yield from look(job_id, retries)
    for _ in range(2):  # the first one cancels a job that isn't final
        try:
            answer = yield from answered(Call("DELETE", f"/jobs/{job_id}"), retries)
        except NotThere:  # deleted by a request whose answer was lost
            return
        if answer.status_code == 204:
            return


def id_of(job: Job | str) -> str:
    """Return the id of a job that is given as itself or by its id."""
    return job if isinstance(job, str) else job.id


def path_of(source: Source) -> Path | None:
    """Return the path of what was posted, if it is a file of this machine."""
    if not isinstance(source, str | Path) or url_of(source):
        return None
    return Path(source)
