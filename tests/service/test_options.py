"""Options: their ranges, and how a wrong one is told."""

import pytest

from jobs.values import JobRequest
from service.errors import InvalidRequest
from service.options import WANTED, Options, parse_options


def test_no_option_gives_the_defaults_of_a_job() -> None:
    assert parse_options({}).to_request("dog.mp4") == JobRequest(filename="dog.mp4", start_s=0.0)


def test_all_options_are_passed_on() -> None:
    values = {
        "threshold": "0.25",
        "start_s": "1.5",
        "end_s": "3",
        "every": "2",
        "instances": "components",
        "quality": "best",
        "actions": "false",
        "masks": "none",
        "priority": "high",
    }
    assert parse_options(values).to_request("dog.mp4") == JobRequest(
        filename="dog.mp4",
        threshold=0.25,
        start_s=1.5,
        end_s=3,
        every=2,
        instances="components",
        quality="best",
        actions=False,
        masks="none",
        priority="high",
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("threshold", "0"),
        ("threshold", "1"),
        ("threshold", "-0.5"),
        ("threshold", "nan"),
        ("threshold", "half"),
        ("threshold", ""),
        ("start_s", "-1"),
        ("start_s", "inf"),
        ("end_s", "0"),
        ("end_s", "nan"),
        ("every", "0"),
        ("every", "1.5"),
        ("every", "100001"),
        ("instances", "all"),
        ("quality", "perfect"),
        ("actions", "run"),
        ("masks", "png"),
        ("priority", "urgent"),
    ],
)
def test_a_wrong_value_is_named_with_what_is_wanted(name: str, value: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse_options({name: value})
    assert str(caught.value) == f"Got {name}={value!r}, wanted {WANTED[name]}."


def test_every_wrong_value_is_told_at_once() -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse_options({"threshold": "2", "every": "0", "color": "red"})
    assert [fault.name for fault in caught.value.faults] == ["threshold", "every", "color"]


def test_an_end_before_the_start_is_refused() -> None:
    with pytest.raises(InvalidRequest, match=r"end_s='2', wanted .* above start_s=3"):
        parse_options({"start_s": "3", "end_s": "2"})


def test_each_option_says_what_it_wants() -> None:
    assert list(WANTED) == list(Options.model_fields)
