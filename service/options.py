"""The options of POST /segment, from a form or a JSON object."""

import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

from pydantic import TypeAdapter, ValidationError

from jobs.values import JobRequest, Options
from service.errors import Fault, InvalidRequest
from service.problems import fault_of, shown

NAMES = tuple(field.name for field in fields(Options))
_CHECKED = TypeAdapter(Options)

SCHEMA: Mapping[str, Any] = _CHECKED.json_schema()["properties"]
"""The options as the OpenAPI document shows them, by name."""


def parse_options(values: Mapping[str, Any], *, strict: bool = False) -> Options:
    """Check the options of a form, or of a JSON object.

    Args:
        values: by name.
        strict: whether values have types of their own, as in JSON; else they are text.

    Raises:
        InvalidRequest: names every wrong option with what was received and what is wanted.
    """
    try:
        options = _CHECKED.validate_json(json.dumps(values), strict=strict)
    except ValidationError as error:
        first = {item["loc"][0]: item for item in reversed(error.errors())}
        faults = [fault_of(first[name], among=NAMES) for name in values if name in first]
        raise InvalidRequest(*faults) from error
    if options.end_s is not None and options.end_s <= options.start_s:
        wanted = f"greater than start_s={options.start_s:g}"
        raise InvalidRequest(Fault("end_s", shown(values["end_s"]), wanted))
    return options


def to_request(options: Options, filename: str) -> JobRequest:
    """Return the options as a job's request, for an upload of that name."""
    return JobRequest(filename=filename, **asdict(options))
