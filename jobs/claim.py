"""Taking a segment from the queue of DBOS, beside the one that this worker has not finished."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from dbos import DBOS
from dbos._core import WorkflowHandleFuture, execute_dequeued_workflow
from dbos._dbos import _get_dbos_instance
from dbos._utils import GlobalParams, generate_uuid

from jobs.database import QUEUE


def claim_next(expect: Callable[[str, int], None], ended: Callable[[str], None]) -> bool:
    """Take the workflow that is next for this worker, start it in a thread; say if there was one.

    DBOS's own thread takes none while one runs, and no function of DBOS does: a test holds this,
    and the requirements hold the version. `expect` is told its id and place before it starts,
    `ended` its id afterwards.
    """
    with ThreadPoolExecutor(1) as thread:  # whose work isn't taken for a part of this workflow
        return thread.submit(_claim_next, expect, ended).result()


def _claim_next(expect: Callable[[str, int], None], ended: Callable[[str], None]) -> bool:
    dbos = _get_dbos_instance()
    queue = DBOS.retrieve_queue(QUEUE)
    assert queue is not None
    token = generate_uuid()
    claimed, _ = dbos._sys_db.start_queued_workflows(
        queue, GlobalParams.executor_id, GlobalParams.app_version, None, owner_xid=token
    )
    for status in dbos._sys_db.get_workflow_statuses(claimed):
        name = status["workflow_uuid"]
        expect(name, status["priority"] or 0)
        handle = execute_dequeued_workflow(dbos, status, token)
        if isinstance(handle, WorkflowHandleFuture):
            handle.future.add_done_callback(_calling(ended, name))
        else:  # it was canceled meanwhile
            ended(name)
    return len(claimed) > 0


def _calling(ended: Callable[[str], None], name: str) -> Callable[[object], None]:
    return lambda _: ended(name)
