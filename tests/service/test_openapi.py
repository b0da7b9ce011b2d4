"""The OpenAPI document: true to the answers, and complete."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator

from formats.catalogue import TEXT_FORMATS
from jobs.values import JobFailure, JobState
from service import examples
from service.app import create_app
from service.formats import Coco, Ytvis, content
from service.options import NAMES
from service.schemas import FrameBody, JobBody, JobList, ModelCard, Ready, Result
from service.settings import Settings
from service.version import NAME, VERSION
from tests.service.fakes import FakeKeys, FakeQueue, FakeRenderings, FakeUploads
from tests.service.test_jobs import NDJSON, add

ROOT = Path(__file__).parents[2]
DOCUMENT = create_app(
    Settings(), FakeQueue(), FakeUploads(Path()), FakeKeys(), FakeRenderings(Path())
).openapi()


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def check(answer: httpx.Response, path: str) -> None:
    """Hold an answer against what the document says of its operation."""
    operation = DOCUMENT["paths"][path][answer.request.method.lower()]
    documented = operation["responses"][str(answer.status_code)]  # `default` is for 500 only
    if not answer.content:
        assert "content" not in documented
        return
    media_type = answer.headers["Content-Type"].split(";")[0]
    schema = documented["content"][media_type]["schema"] | {"components": DOCUMENT["components"]}
    Draft202012Validator(schema).validate(answer.json())


def test_answers_are_as_documented(url: str, clip: Path, queue: FakeQueue) -> None:
    files = {"file": clip.read_bytes()}
    done = add(queue, JobState.SUCCEEDED).id
    running = add(queue, JobState.RUNNING).id
    failed = add(queue, JobState.FAILED, failure=JobFailure("BrokenVideo", "Bad.")).id
    canceled = add(queue, JobState.CANCELED).id
    queue.outcome = JobState.SUCCEEDED
    for path in ("/livez", "/readyz", "/version", "/models/default", "/jobs", "/jobs?limit=0"):
        check(httpx.get(url + path), path.split("?")[0])
    for job in (done, running, failed, canceled, "none"):
        check(httpx.get(f"{url}/jobs/{job}"), "/jobs/{job_id}")
        check(httpx.get(f"{url}/jobs/{job}/result"), "/jobs/{job_id}/result")
    check(
        httpx.get(f"{url}/jobs/{done}/result", headers={"Accept": "a/b"}), "/jobs/{job_id}/result"
    )
    for name in ("json", "coco", "ytvis", "labelstudio", "none"):
        check(httpx.get(f"{url}/jobs/{done}/result?format={name}"), "/jobs/{job_id}/result")
    for slug in ("not-a-video", "none"):
        check(httpx.get(f"{url}/problems/{slug}"), "/problems/{slug}")
    check(httpx.post(f"{url}/segment", files=files, timeout=30), "/segment")
    check(httpx.post(f"{url}/segment", files=files, data={"every": "0"}), "/segment")
    check(httpx.post(f"{url}/segment", files={"file": b"x"}, timeout=30), "/segment")
    check(httpx.post(f"{url}/segment", content=b"x"), "/segment")
    queue.outcome = JobState.QUEUED
    headers = {"Prefer": "respond-async"}
    check(httpx.post(f"{url}/segment", files=files, headers=headers), "/segment")
    for job in (running, done, "none"):
        check(httpx.post(f"{url}/jobs/{job}/cancel"), "/jobs/{job_id}/cancel")
        check(httpx.delete(f"{url}/jobs/{job}"), "/jobs/{job_id}")
    queue.alive = []
    check(httpx.get(f"{url}/readyz"), "/readyz")


def test_each_text_format_has_its_media_type_documented() -> None:
    operation = DOCUMENT["paths"]["/jobs/{job_id}/result"]["get"]
    documented = operation["responses"]["200"]["content"]
    assert {each.media_type for each in TEXT_FORMATS.values()} <= set(documented)
    examples_of_json = documented["application/json"]["examples"]
    schema = documented["application/json"]["schema"] | {"components": DOCUMENT["components"]}
    for example in examples_of_json.values():
        Draft202012Validator(schema).validate(example["value"])


def test_lines_of_a_result_are_as_documented(url: str, queue: FakeQueue) -> None:
    job = add(queue, JobState.SUCCEEDED).id
    answer = httpx.get(f"{url}/jobs/{job}/result", headers=NDJSON)
    for text in answer.text.splitlines():
        FrameBody.model_validate_json(text)


@pytest.mark.parametrize(
    ("model", "example"),
    [
        (Result, examples.RESULT),
        (FrameBody, examples.FRAME),
        (Coco, content()["application/json"]["examples"]["coco"]["value"]),
        (Ytvis, content()["application/json"]["examples"]["ytvis"]["value"]),
        (JobBody, examples.RUNNING_JOB),
        (JobBody, examples.CANCELED_JOB),
        (JobList, examples.JOB_LIST),
        (Ready, examples.READY),
        (ModelCard, examples.MODEL_CARD),
    ],
)
def test_examples_are_valid(model: type[JobBody], example: dict[str, Any]) -> None:
    body = model.model_validate(example)
    assert body.model_dump(mode="json", exclude_unset=True) == example


@pytest.mark.parametrize(
    ("media_type", "video"), [("multipart/form-data", "file"), ("application/json", "url")]
)
def test_each_body_is_documented_with_each_option(media_type: str, video: str) -> None:
    body = DOCUMENT["paths"]["/segment"]["post"]["requestBody"]["content"][media_type]
    schema = body["schema"]
    Draft202012Validator.check_schema(schema)
    assert set(schema["properties"]) == {video, *NAMES}
    assert all("description" in option for option in schema["properties"].values())
    for example in body["examples"].values():
        Draft202012Validator(schema).validate(example["value"])


def test_each_operation_is_told_apart_and_each_problem_has_an_example() -> None:
    for method, path, operation in operations():
        assert operation["summary"], (method, path)
        assert operation["tags"], (method, path)
        for status, answer in operation["responses"].items():
            if status == "default" or status >= "400":
                content = answer["content"]["application/problem+json"]
                assert content["examples"], (method, path, status)


def test_the_version_is_that_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert (f"{NAME.lower()}-service", VERSION) == (project["name"], project["version"])
    assert (DOCUMENT["info"]["title"], DOCUMENT["info"]["version"]) == (NAME, VERSION)
