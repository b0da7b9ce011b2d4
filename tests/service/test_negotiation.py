"""The Prefer and Accept headers."""

import pytest

from service.errors import NotAcceptable
from service.negotiation import Preference, media_type, preference

OFFERED = ["application/json", "application/x-ndjson"]


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([], Preference(10, None)),
        (["wait=0"], Preference(0, "wait=0")),
        (["wait=61"], Preference(60, "wait=60")),
        (['wait="5"'], Preference(5, "wait=5")),
        (["Wait = 5 ; x=y"], Preference(5, "wait=5")),
        (["respond-async"], Preference(0, "respond-async")),
        (["respond-async", "wait=5"], Preference(5, "respond-async, wait=5")),
        (["wait=3, wait=9"], Preference(3, "wait=3")),
        (["wait=-1"], Preference(10, None)),
        (["wait=1.5"], Preference(10, None)),
        (["wait=" + "9" * 5000], Preference(60, "wait=60")),
        (["return=minimal"], Preference(10, None)),
        (["wait=²"], Preference(10, None)),
    ],
)
def test_prefer(headers: list[str], expected: Preference) -> None:
    assert preference(headers, 10, 60) == expected


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (None, "application/json"),
        ("*/*", "application/json"),
        ("application/x-ndjson", "application/x-ndjson"),
        ("Application/X-NDJSON", "application/x-ndjson"),
        ("application/json;q=0.5, application/x-ndjson", "application/x-ndjson"),
        ("*/*;q=0.1, application/x-ndjson;q=0.2", "application/x-ndjson"),
        ("application/json;q=0, */*", "application/x-ndjson"),
        ("text/html, application/*;q=0.9", "application/json"),
    ],
)
def test_accept(accept: str | None, expected: str) -> None:
    assert media_type(accept, OFFERED) == expected


@pytest.mark.parametrize(
    "accept", ["text/html", "application/json;q=0", "image/*", ";;,=", "*/*;q=x"]
)
def test_nothing_acceptable_is_told_what_there_is(accept: str) -> None:
    with pytest.raises(NotAcceptable, match="application/json or application/x-ndjson"):
        media_type(accept, OFFERED)
