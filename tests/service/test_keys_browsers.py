"""What browsers are told and which of their requests are refused."""

import re
from urllib.parse import urljoin

import httpx
import pytest

from service.settings import Settings
from tests.service.conftest import Serve
from tests.service.posting import assert_problem

SITE = "https://example.org"
SENT = (
    "Authorization",
    "Cache-Control",
    "Idempotency-Key",
    "Last-Event-ID",
    "Prefer",
    "X-Request-ID",
)


@pytest.mark.parametrize("path", ["/livez", "/jobs", "/jobs/none", "/nowhere", "/openapi.json"])
def test_answers_run_nothing_and_are_kept_nowhere(url: str, path: str) -> None:
    headers = httpx.get(url + path).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"


@pytest.mark.parametrize("path", ["/", "/docs"])
def test_pages_load_from_this_service_only(url: str, path: str) -> None:
    page = httpx.get(url + path)
    policy = page.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'self';")
    assert "unsafe" not in policy
    assert "http" not in policy
    loaded = re.findall(r'(?:src|href)="([^"#]+)"', page.text)
    assert len(loaded) >= 3
    for address in loaded:
        answer = httpx.get(urljoin(f"{url}{path}", address))
        assert answer.status_code == 200, address
        assert answer.headers["Cache-Control"] in {"private, no-cache", "no-store"}
        again = {"If-None-Match": answer.headers.get("ETag", "")}
        if address.startswith("/static/"):
            assert httpx.get(f"{url}{address}", headers=again).status_code == 304


@pytest.mark.parametrize("path", ["/static/none.js", "/static/../app.py", "/swagger/", "/redoc"])
def test_pages_have_no_other_files(url: str, path: str) -> None:
    assert_problem(httpx.get(url + path), 404, "not-found", "")


@pytest.mark.parametrize("path", ["/", "/static/main.js", "/swagger/swagger-ui.css"])
def test_a_wrong_range_of_a_page_is_a_problem_too(url: str, path: str) -> None:
    whole = httpx.get(url + path)
    part = httpx.get(url + path, headers={"Range": "bytes=0-9"})
    assert (part.status_code, part.content) == (206, whole.content[:10])
    answer = httpx.get(url + path, headers={"Range": "lines=1-2"})
    assert_problem(answer, 422, "invalid-request", "Range must be parts such as")
    answer = httpx.get(url + path, headers={"Range": "bytes=99999999-"})
    assert_problem(answer, 416, "range-not-satisfiable", f"{len(whole.content)} bytes")


def test_other_sites_are_refused_and_learn_nothing(url: str) -> None:
    foreign = {"Origin": SITE}
    answer = httpx.get(f"{url}/jobs", headers=foreign)
    assert_problem(answer, 403, "foreign-origin", "'https://example.org'")
    assert "Access-Control-Allow-Origin" not in answer.headers
    posted = httpx.post(f"{url}/segment", headers=foreign, files={"file": b"x"})
    assert_problem(posted, 403, "foreign-origin", "ROTOGRAPH_CORS_ORIGINS")
    rebound = httpx.get(f"{url}/jobs", headers={"Host": "evil.example:8000"})
    assert_problem(rebound, 403, "foreign-origin", "'evil.example:8000'")
    asked = httpx.options(
        f"{url}/jobs", headers={**foreign, "Access-Control-Request-Method": "DELETE"}
    )
    assert asked.status_code == 405
    assert "Access-Control-Allow-Origin" not in asked.headers


def test_the_own_site_is_served(url: str) -> None:
    assert httpx.get(f"{url}/jobs", headers={"Origin": url}).status_code == 200
    port = url.rsplit(":", 1)[1]
    for host in (f"localhost:{port}", f"[::1]:{port}", "127.0.0.1"):
        assert httpx.get(f"{url}/jobs", headers={"Host": host}).status_code == 200


def test_sites_that_are_named_are_let_in(serve: Serve) -> None:
    url = serve(Settings(cors_origins=(SITE,)))
    answer = httpx.get(f"{url}/jobs", headers={"Origin": SITE})
    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == SITE
    readable = answer.headers["Access-Control-Expose-Headers"].split(", ")
    assert {"Location", "Retry-After", "X-Request-ID"} <= set(readable)
    asked = httpx.options(
        f"{url}/jobs/x",
        headers={
            "Origin": SITE,
            "Access-Control-Request-Method": "DELETE",
            "Access-Control-Request-Headers": ", ".join(SENT),
        },
    )
    assert asked.status_code == 200
    assert "DELETE" in asked.headers["Access-Control-Allow-Methods"]
    allowed = asked.headers["Access-Control-Allow-Headers"].lower().split(", ")
    assert {name.lower() for name in SENT} <= set(allowed)
    other = httpx.get(f"{url}/jobs", headers={"Origin": "https://other.example"})
    assert_problem(other, 403, "foreign-origin", "other.example")


def test_who_serves_anybody_serves_any_site(serve: Serve) -> None:
    url = serve(Settings(allow_anonymous=True))
    headers = {"Origin": SITE, "Host": "example.net"}
    assert httpx.get(f"{url}/jobs", headers=headers).status_code == 200


def test_a_published_port_is_served_under_a_loopback_name_only(serve: Serve) -> None:
    url = serve(Settings(host="0.0.0.0", allow_anonymous="local"))
    assert httpx.get(f"{url}/jobs", headers={"Host": "localhost:8000"}).status_code == 200
    rebound = httpx.get(f"{url}/jobs", headers={"Host": "evil.example:8000"})
    assert_problem(rebound, 403, "foreign-origin", "'evil.example:8000'")
    other = httpx.get(f"{url}/jobs", headers={"Origin": SITE})
    assert_problem(other, 403, "foreign-origin", SITE)
