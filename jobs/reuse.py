"""The result of a finished job given to another one that asks for the same."""

import json
import shutil

from jobs.admission import CachedResult
from jobs.store import JobStore


def copy_result(store: JobStore, cached: CachedResult, job_id: str) -> None:
    """Copy a job's result to a new one; FileNotFoundError: it was deleted, and nothing is left."""
    copied = 0
    try:
        for segment in range(cached.segments):
            with (
                store.open(store.frames(cached.job_id, segment)) as lines,
                store.writing(store.frames(job_id, segment)) as path,
                path.open("w", encoding="utf-8") as copy,
            ):
                shutil.copyfileobj(lines, copy)
            copied += 1
        summary = json.loads(store.read(store.summary(cached.job_id)))
        with store.writing(store.summary(job_id)) as path:
            path.write_text(json.dumps(summary | {"id": job_id}), "utf-8")
    except FileNotFoundError:
        for segment in range(copied):
            store.remove(store.frames(job_id, segment))
        raise
