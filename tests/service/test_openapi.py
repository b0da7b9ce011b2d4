"""The OpenAPI document: true to the answers, and complete."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import openapi_spec_validator
import pytest
from jsonschema import Draft202012Validator

from docs.generate import openapi_document
from formats.catalogue import FILE_FORMATS, TEXT_FORMATS
from jobs.values import JobFailure, JobState
from service import NAME, VERSION, schemas
from service.bodies import OPTIONS
from tests.service.staging import StagedQueue
from tests.service.test_jobs import NDJSON, add

ROOT = Path(__file__).parents[2]
DOCUMENT = openapi_document()


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


def test_answers_are_as_documented(url: str, clip: Path, queue: StagedQueue) -> None:
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
    for name in ("json", "none"):
        check(httpx.get(f"{url}/jobs/{done}/result?format={name}"), "/jobs/{job_id}/result")
    for name in ("coco.json", "ytvis.json", "labelstudio.json"):
        for job in (done, running, canceled, "none"):
            check(httpx.get(f"{url}/jobs/{job}/files/{name}"), f"/jobs/{{job_id}}/files/{name}")
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
    queue.set_workers()
    check(httpx.get(f"{url}/readyz"), "/readyz")


def test_each_format_is_documented_with_its_media_type() -> None:
    media_types = {name: each.media_type for name, each in TEXT_FORMATS.items()}
    media_types |= {name: each.media_type for name, each in FILE_FORMATS.items()}
    for name, media_type in media_types.items():
        answers = DOCUMENT["paths"][f"/jobs/{{job_id}}/files/{name}"]["get"]["responses"]
        assert set(answers["200"]["content"]) == {media_type}


def test_lines_of_a_result_are_as_documented(url: str, queue: StagedQueue) -> None:
    job = add(queue, JobState.SUCCEEDED).id
    answer = httpx.get(f"{url}/jobs/{job}/result", headers=NDJSON)
    for text in answer.text.splitlines():
        schemas.Frame.model_validate_json(text)


@pytest.mark.parametrize(("name", "video"), [("VideoForm", "file"), ("VideoUrl", "url")])
def test_each_body_is_documented_with_each_option(name: str, video: str) -> None:
    schema = DOCUMENT["components"]["schemas"][name]
    assert set(schema["properties"]) == {video, *OPTIONS}
    assert all("description" in option for option in schema["properties"].values())


def test_the_document_is_valid_and_so_is_each_example() -> None:
    openapi_spec_validator.validate(DOCUMENT)
    found = list(shown(DOCUMENT))
    assert len(found) > 100
    for schema, example in found:
        Draft202012Validator(schema | {"components": DOCUMENT["components"]}).validate(example)


def shown(node: Any) -> Iterator[tuple[dict[str, Any], Any]]:
    """Yield each example of a part of the document, and each default, with its schema."""
    match node:
        case {"schema": dict(schema), "example": example}:
            yield schema, example
        case {"schema": dict(schema), "examples": dict(examples)}:
            yield from ((schema, example["value"]) for example in examples.values())
        case {"title": _, "examples": list(examples)}:
            yield from ((node, example) for example in examples)
        case {"title": _, "default": default}:
            yield node, default
    match node:
        case dict():
            for each in node.values():
                yield from shown(each)
        case list():
            for each in node:
                yield from shown(each)


def test_operations_and_schemas_have_names_that_a_person_would_choose() -> None:
    names = [operation["operationId"] for _, _, operation in operations()]
    assert {"segment_video", "get_job", "get_job_result", "get_coco_json"} <= set(names)
    assert len(names) == len(set(names))
    for name in (*names, *DOCUMENT["components"]["schemas"]):
        assert not re.search(r"Body|__|_(get|post|delete)$", name)


def test_each_operation_is_told_apart_and_each_problem_has_an_example() -> None:
    for method, path, operation in operations():
        assert operation["summary"], (method, path)
        assert operation["tags"], (method, path)
        for status, answer in operation["responses"].items():
            if status == "default" or status >= "400":
                content = answer["content"]["application/problem+json"]
                assert content["examples"], (method, path, status)


def test_problems_of_a_status_have_one_order() -> None:
    for method, path, operation in operations():
        for status, answer in operation["responses"].items():
            problem = (
                answer["content"].get("application/problem+json", {}) if status > "400" else {}
            )
            slugs = [slug for slug in problem.get("examples", ()) if slug != "internal-error"]
            assert slugs == sorted(slugs), (method, path, status)


def test_the_version_is_that_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert (f"{NAME.lower()}-service", VERSION) == (project["name"], project["version"])
    assert (DOCUMENT["info"]["title"], DOCUMENT["info"]["version"]) == (NAME, VERSION)
