"""Jobs: posted, looked at, listed, canceled and deleted."""

import uuid
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import httpx

from rotograph._sync.connection import Connection
from rotograph.blocking import run
from rotograph.errors import NotFoundError, require_result
from rotograph.job import Job
from rotograph.options import JobFilter, Options
from rotograph.uploads import Form, Progress, Source, open_source, url_of

_PAGE = "100"
# The service fetches a video (ROTOGRAPH_DOWNLOAD_TIMEOUT_S) and lists its frames before it answers.
_FETCH_S = 900.0


def submit(
    connection: Connection,
    source: Source,
    options: Options,
    *,
    fresh: bool,
    progress: Progress | None,
) -> Job:
    """Post a video. Its key makes it one job, however often it has to be sent."""
    headers = {"Prefer": "respond-async", "Idempotency-Key": str(uuid.uuid4())}
    if fresh:
        headers["Cache-Control"] = "no-cache"
    if url := url_of(source):
        given = {name: value for name, value in options.items() if value is not None}
        answer = connection.request(
            "POST",
            "/segment",
            headers=headers,
            json={"url": url} | given,
            read_timeout_s=_FETCH_S,
        )
    else:
        file, filename = run(open_source, source)
        try:
            form = Form(file, filename, dict(options), progress)
            answer = connection.request("POST", "/segment", headers=headers, form=form)
        finally:
            if file is not source:
                run(file.close)
    if answer.status_code == 202:
        return Job.from_json(answer.json())
    # It is over already: an earlier attempt made it, or it is a copy of another one.
    return look(connection, answer.headers["Location"].rpartition("/")[2])


def look(connection: Connection, job_id: str) -> Job:
    return Job.from_json((connection.request("GET", f"/jobs/{job_id}")).json())


def raise_why(connection: Connection, job_id: str) -> None:
    require_result(look(connection, job_id))


def listed(connection: Connection, wanted: JobFilter) -> Iterator[Job]:
    params: Any = {"limit": _PAGE, **wanted.params()}
    while True:
        page = (connection.request("GET", "/jobs", params=params)).json()
        for body in page["jobs"]:
            yield Job.from_json(body)
        if page["next"] is None:
            return
        # Not the whole address: the API key is for this connection's host only.
        params = httpx.URL(page["next"]).params


def cancel(connection: Connection, job_id: str) -> Job:
    return Job.from_json((connection.request("POST", f"/jobs/{job_id}/cancel")).json())


def delete(connection: Connection, job_id: str) -> None:
    look(connection, job_id)
    with suppress(NotFoundError):  # deleted by a request whose answer was lost
        connection.request("DELETE", f"/jobs/{job_id}")
