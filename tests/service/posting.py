"""Posting videos to `/segment`, and looking at the problems that are answered."""

import json
import time
from pathlib import Path
from typing import Any

import httpx


def post(url: str, file: Path | bytes, prefer: str | None = None, **options: str) -> httpx.Response:
    content = file if isinstance(file, bytes) else file.read_bytes()
    headers = {"Prefer": prefer} if prefer else {}
    files = {"file": ("../clip of mine.mp4", content)}
    return httpx.post(f"{url}/segment", files=files, data=options, headers=headers, timeout=30)


def post_url(url: str, body: Any, **headers: str) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    sent = {"Content-Type": "application/json", **headers}
    return httpx.post(f"{url}/segment", content=content, headers=sent, timeout=30)


def assert_problem(answer: httpx.Response, status: int, kind: str, named: str) -> dict[str, Any]:
    problem: dict[str, Any] = answer.json()
    assert answer.status_code == status, problem
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert problem["type"] == f"/problems/{kind}"
    assert problem["status"] == status
    assert named in problem["detail"]
    return problem


def wait_until(condition: Any) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)
