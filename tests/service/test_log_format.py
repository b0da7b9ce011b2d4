"""Log lines: one event a line, whatever is in it."""

import logging
import sys

from service.log_format import KeyValueFormatter


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
