"""Options: their ranges, and how a wrong one is told."""

import json
from dataclasses import fields

import pytest

from jobs.values import JobRequest, Options
from service.bodies import OPTION_SCHEMAS, OPTIONS, parse_options, to_request
from service.errors import InvalidRequest


def test_no_option_gives_the_defaults_of_a_job() -> None:
    assert to_request(parse_options({}), "dog.mp4") == JobRequest(filename="dog.mp4")


def test_an_empty_field_of_a_form_is_not_given() -> None:
    assert parse_options(dict.fromkeys(OPTIONS, "")) == Options()
    with pytest.raises(InvalidRequest, match="threshold must be a valid number, got ''"):
        parse_options({"threshold": ""}, strict=True)


@pytest.mark.parametrize(
    "labels",
    [
        {"": "a"},
        {"a b": "c"},
        {"a:b": "c"},
        {"a": 1},
        {"a": None},
        {"a": "x\n"},
        {"a": "x" * 256},
        {"x" * 64: ""},
        {str(n): "" for n in range(21)},
    ],
)
def test_labels_are_a_few_short_texts(labels: dict[str, object]) -> None:
    for given, strict in ((labels, True), (json.dumps(labels), False)):
        with pytest.raises(InvalidRequest) as caught:
            parse_options({"labels": given}, strict=strict)
        assert [fault.name for fault in caught.value.faults] == ["labels"]


def test_all_options_are_passed_on() -> None:
    values = {
        "threshold": "0.25",
        "start_s": "1.5",
        "end_s": "3",
        "every": "2",
        "instances": "components",
        "min_track_s": "0.5",
        "quality": "best",
        "actions": "false",
        "masks": "none",
        "priority": "high",
        "labels": '{"project": "cats"}',
    }
    assert to_request(parse_options(values), "dog.mp4") == JobRequest(
        filename="dog.mp4",
        threshold=0.25,
        start_s=1.5,
        end_s=3,
        every=2,
        instances="components",
        min_track_s=0.5,
        quality="best",
        actions=False,
        masks="none",
        priority="high",
        labels={"project": "cats"},
    )


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("threshold", "0", "greater than 0"),
        ("threshold", "1", "less than 1"),
        ("threshold", "-0.5", "greater than 0"),
        ("threshold", "nan", "less than 1"),
        ("threshold", "half", "a valid number"),
        ("start_s", "-1", "greater than or equal to 0"),
        ("start_s", "inf", "a finite number"),
        ("end_s", "0", "greater than 0"),
        ("end_s", "nan", "a finite number"),
        ("every", "0", "greater than or equal to 1"),
        ("every", "1.5", "a valid integer"),
        ("every", "100001", "less than or equal to 100000"),
        ("instances", "all", "'primary' or 'components'"),
        ("min_track_s", "-0.1", "greater than or equal to 0"),
        ("min_track_s", "2.5", "less than or equal to 2"),
        ("min_track_s", "nan", "less than or equal to 2"),
        ("quality", "perfect", "'fast' or 'best'"),
        ("actions", "run", "true or false"),
        ("masks", "png", "'rle' or 'none'"),
        ("callback_url", "x" * 1001, "at most 1000 characters"),
        ("priority", "urgent", "'low', 'normal' or 'high'"),
        ("labels", "cats", 'an object in JSON, such as {"project": "cats"}'),
        ("labels", "[]", "an object"),
    ],
)
def test_a_wrong_value_is_named_with_what_is_wanted(name: str, value: str, wanted: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse_options({name: value})
    shown = value[:100] or "''"
    assert str(caught.value) == f"{name} must be {wanted}, got {shown}."
    assert caught.value.faults[0].wanted == wanted


def test_every_wrong_value_is_told_at_once() -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse_options({"threshold": "2", "every": "0", "color": "red"})
    assert [fault.name for fault in caught.value.faults] == ["threshold", "every", "color"]
    assert f"'color' is not one of {', '.join(OPTIONS)}." in str(caught.value)


def test_an_end_before_the_start_is_refused() -> None:
    with pytest.raises(InvalidRequest, match=r"end_s must be greater than start_s=3, got 2\."):
        parse_options({"start_s": "3", "end_s": "2"})


def test_each_option_is_described() -> None:
    assert [field.name for field in fields(Options)] == list(OPTION_SCHEMAS)
    assert all("description" in option for option in OPTION_SCHEMAS.values())
