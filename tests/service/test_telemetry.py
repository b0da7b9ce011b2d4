"""Log lines: one event a line, whatever is in it."""

import json
import logging
import subprocess
import sys

import pytest

from service.supervisor import REFUSED
from service.telemetry import JsonFormatter, KeyValueFormatter


def test_a_traceback_and_hostile_text_stay_on_one_line() -> None:
    try:
        raise ValueError("first\nlevel=error second")
    except ValueError:
        record = logging.getLogger("a").makeRecord(
            "a", logging.ERROR, "f", 1, 'got "%s"', ("x\ny",), sys.exc_info(), extra={"job": "j 1"}
        )
    text = KeyValueFormatter().format(record)
    assert "\n" not in text
    assert 'event="got \\"x\\ny\\""' in text
    assert 'job="j 1"' in text
    assert "ValueError: first\\nlevel=error second" in text


def test_a_line_of_json_holds_whatever_is_in_it() -> None:
    try:
        raise ValueError("first\nsecond")
    except ValueError:
        extra = {"job": "j\u2028\ud800", "status": 200, "took": float("nan"), "key": None}
        record = logging.getLogger("a").makeRecord(
            "a", logging.ERROR, "f", 1, 'got "%s"', ("x\ny",), sys.exc_info(), extra=extra
        )
    text = JsonFormatter().format(record)
    assert len(text.splitlines()) == 1
    line = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} isn't JSON"))
    assert line["event"] == 'got "x\ny"'
    assert (line["job"], line["status"], line["took"], line["key"]) == (
        "j\u2028\ud800",
        200,
        "nan",
        None,
    )
    assert line["traceback"].endswith("ValueError: first\nsecond")


@pytest.mark.parametrize(("asked", "told"), [("json", "ROTOGRAPH_PORT"), ("JSON", "LOG_FORMAT")])
def test_a_refusal_has_the_format_that_was_asked_for(asked: str, told: str) -> None:
    api = subprocess.run(
        [sys.executable, "-m", "service", "api"],
        env={"ROTOGRAPH_LOG_FORMAT": asked, "ROTOGRAPH_PORT": "0"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert api.returncode == REFUSED
    (line,) = api.stderr.splitlines()
    if asked == "json":
        assert json.loads(line)["event"] == "refuse to start"
        assert told in json.loads(line)["reason"]
    assert "refuse to start" in line
    assert told in line
