"""Addresses in answers: absolute, below the path that a proxy shows, from proxies that may say."""

import json
import os
from collections.abc import Callable, Iterator
from itertools import chain, cycle
from pathlib import Path

import httpx
import pytest

from jobs.values import JobState
from service.settings import Settings, SettingsError, load_settings
from tests import nginx
from tests.service.conftest import Serve
from tests.service.posting import post
from tests.service.staging import StagedQueue
from tests.service.test_jobs import add

Behind = Callable[..., str]
PREFIX = {"X-Forwarded-Prefix": "/video"}


@pytest.mark.parametrize("stripped", [True, False])
@pytest.mark.parametrize("told", [True, False])
def test_addresses_are_below_the_path_that_a_proxy_shows(
    serve: Serve, queue: StagedQueue, stripped: bool, told: bool
) -> None:
    url = serve(Settings() if told else Settings(root_path="/video"))
    headers = PREFIX if told else {}
    asked = url if stripped else f"{url}/video"
    first, _ = add(queue, JobState.SUCCEEDED), add(queue, JobState.QUEUED)
    with httpx.Client(headers=headers | {"X-Forwarded-Proto": "https"}) as client:
        page = client.get(f"{asked}/jobs?limit=1").json()
        assert page["next"].startswith(f"{url}/video/jobs?limit=1&cursor=".replace("http", "https"))
        job = client.get(f"{asked}/jobs/{first.id}").json()
        assert job["result"] == f"{url}/video/jobs/{first.id}/result".replace("http", "https")
        missing = client.get(f"{asked}/jobs/none").json()
        assert missing["type"] == "/video/problems/job-not-found"
        assert client.get(f"{asked}/problems/bad-url").json()["type"] == "/video/problems/bad-url"
        document = client.get(f"{asked}/openapi.json").json()
        assert document["servers"] == [{"url": "/video"}]
        for path in ("/", "/docs", "/static/main.js", "/swagger/swagger-ui.css"):
            assert client.get(asked + path).status_code == 200
        if not stripped:
            assert client.get(asked).headers["Location"] == "/video/"


@pytest.mark.parametrize("prefix", ["video", "/a b", "//", "/video?x", "/../x\\", "/a, /b"])
def test_a_prefix_that_is_no_path_is_left_aside(
    serve: Serve, queue: StagedQueue, prefix: str
) -> None:
    url, job = serve(Settings()), add(queue, JobState.SUCCEEDED)
    shown = httpx.get(f"{url}/jobs/{job.id}", headers={"X-Forwarded-Prefix": prefix}).json()
    assert shown["result"] == f"{url}/jobs/{job.id}/result"


def test_only_trusted_proxies_are_believed(serve: Serve, queue: StagedQueue) -> None:
    job = add(queue, JobState.SUCCEEDED)
    headers = PREFIX | {"X-Forwarded-Proto": "https"}
    for trusted, believed in (("10.0.0.0/8", False), ("127.0.0.0/8", True), ("*", True)):
        url = serve(Settings(trusted_proxies=(trusted,)))
        shown = httpx.get(f"{url}/jobs/{job.id}", headers=headers).json()
        below = url.replace("http", "https") + "/video" if believed else url
        assert shown["result"] == f"{below}/jobs/{job.id}/result"


@pytest.mark.parametrize(
    ("name", "value", "named"),
    [
        ("ROOT_PATH", "video", "ROTOGRAPH_ROOT_PATH must match pattern"),
        ("TRUSTED_PROXIES", "proxy", "ROTOGRAPH_TRUSTED_PROXIES must be addresses, networks such"),
    ],
)
def test_settings_that_name_no_proxy_are_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, named: str
) -> None:
    monkeypatch.setenv(f"ROTOGRAPH_{name}", value)
    with pytest.raises(SettingsError, match=named):
        load_settings()


@pytest.fixture
def behind(serve: Serve, tmp_path: Path) -> Iterator[Behind]:
    """Start a service behind an nginx that shows it below /video, as the documentation says."""
    executable = nginx.installed()
    if executable is None:
        missing = "There is no nginx: `apt-get install nginx`."
        if "CI" in os.environ:
            pytest.fail(missing)
        pytest.skip(missing)
    stopped = []

    def start(*, buffering: str, stripped: bool) -> str:
        url = serve(Settings(root_path="/video", wait_s=0))
        server = nginx.documented().replace("location / {", "location /video/ {")
        server = server.replace("buffering off", f"buffering {buffering}")
        server = server.replace("http://127.0.0.1:8000", url + ("/" if stripped else ""))
        running = nginx.running(executable, server, tmp_path)
        stopped.append(running)
        return f"{running.__enter__()}/video"

    yield start
    for running in stopped:
        running.__exit__(None, None, None)


@pytest.mark.parametrize(("buffering", "stripped"), [("off", False), ("on", True)])
def test_nginx_shows_the_service_below_a_path(
    behind: Behind,
    queue: StagedQueue,
    clip: Path,
    buffering: str,
    stripped: bool,
) -> None:
    url = behind(buffering=buffering, stripped=stripped)
    queue.outcome = JobState.RUNNING
    answer = post(url, clip)
    assert answer.status_code == 202
    job = answer.headers["Location"]
    assert job == f"{url}/jobs/{answer.json()['id']}"
    missing = httpx.get(f"{url}/nothing").json()
    assert missing["type"] == "/video/problems/not-found"
    assert "/video/nothing" in missing["detail"]
    _check_that_streams_are_passed_on_at_once(job, queue)
    content = clip.read_bytes()
    part = httpx.get(f"{job}/video", headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, content[10:20])
    assert httpx.get(f"{url}/").status_code == 200
    assert httpx.get(url.removesuffix("/video") + "/video").headers["Location"].endswith("/video/")


def _check_that_streams_are_passed_on_at_once(job: str, queue: StagedQueue) -> None:
    """Read each event and line before the next is made, which a buffer would hold back."""
    job_id = job.rpartition("/")[2]
    changes = chain([JobState.SUCCEEDED], cycle([None]))
    with (
        httpx.stream("GET", f"{job}/events", timeout=20) as events,
        httpx.stream("GET", f"{job}/result?format=ndjson", timeout=20) as lines,
    ):
        told = events.iter_lines()
        shown = lines.iter_lines()
        assert next(told) == "event: progress"
        queue.change(job_id, frames_done=1, frames_ready=1)
        assert json.loads(next(shown))["index"] == 0
        assert "event: frames" in iter(told.__next__, "id: running-1-1")
        queue.change(job_id, frames_done=10, frames_ready=10, state=next(changes))
        assert [json.loads(line)["index"] for line in shown] == list(range(1, 10))
        assert "event: succeeded" in told
