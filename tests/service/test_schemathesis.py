"""Requests drawn from the OpenAPI document: whatever they are, each is answered as it says."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import APIOperation, Case, GenerationMode
from schemathesis.core.result import Ok
from schemathesis.specs.openapi import checks

from jobs.values import JobFailure, JobState
from service.settings import Settings
from tests.service.conftest import serving
from tests.service.scripted_renderings import ScriptedRenderings
from tests.service.staging import StagedQueue
from tests.service.test_jobs import add
from tests.service.test_openapi import DOCUMENT

CHECKS = [
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]
OPERATIONS = [
    found.ok()
    for found in schemathesis.openapi.from_dict(DOCUMENT).get_all_operations()
    if isinstance(found, Ok)
]
PACES = settings(
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)

Jobs = Callable[[], Sequence[str]]
Operation = APIOperation[Any, Any, Any, Any]


def check(operation: Operation, base_url: str, job_ids: Sequence[str], count: int) -> None:
    """Send requests of an operation, right and wrong ones, to jobs that there are and others."""
    paths: list[dict[str, str] | None] = [None]
    if "{job_id}" in operation.path:
        paths += [{"job_id": job_id} for job_id in job_ids]
    cases = st.one_of(
        [
            operation.as_strategy(mode, path_parameters=path)
            for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
            for path in paths
        ]
    )

    @settings(PACES, max_examples=count)
    @given(cases)
    def send(case: Case[Any]) -> None:
        answer = case.call(base_url, timeout=30)
        told = f"{case.as_curl_command()}\n{answer.status_code} {answer.content[:500]!r}"
        assert answer.status_code < 500, told
        assert str(answer.status_code) in operation.definition.raw["responses"], told
        case.validate_response(answer, checks=CHECKS)

    send()


@pytest.fixture(scope="module")
def over_staged_jobs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Jobs]]:
    """The app, and a function that gives it jobs as new."""
    folder = tmp_path_factory.mktemp("data")

    def jobs() -> Sequence[str]:
        queue.reset()
        failure = JobFailure("BrokenVideo", "A packet is damaged.")
        states = (JobState.SUCCEEDED, JobState.CANCELED)
        made = [add(queue, state) for state in states]
        made.append(add(queue, JobState.FAILED, failure=failure))
        return [job.id for job in made]

    with (
        closing(StagedQueue(folder)) as queue,
        serving(Settings(wait_s=1), queue, ScriptedRenderings(folder)) as url,
    ):
        yield url, jobs


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.label)
def test_the_app_answers_as_documented(
    over_staged_jobs: tuple[str, Jobs], operation: Operation
) -> None:
    url, jobs = over_staged_jobs
    check(operation, url, jobs(), count=40)
