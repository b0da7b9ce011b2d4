"""The options of POST /segment: their defaults, ranges and what a wrong one is told."""

import json
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from jobs.values import JobRequest, Masks, Priority
from pipeline.values import Instances, Quality
from service.errors import Fault, InvalidRequest


class Options(BaseModel):
    """What a client may choose; each field's description ends with what it accepts."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    threshold: Annotated[
        float,
        Field(gt=0, lt=1, description="Foreground probability from which a pixel is in the mask."),
    ] = 0.5
    start_s: Annotated[
        float,
        Field(
            ge=0,
            allow_inf_nan=False,
            description="First second of the video to segment. Where no frame appears from here "
            "to `end_s`, it is the one on screen.",
        ),
    ] = 0.0
    end_s: Annotated[
        float | None,
        Field(gt=0, allow_inf_nan=False, description="Second to stop before; default: the end."),
    ] = None
    every: Annotated[
        int,
        Field(
            ge=1,
            le=100_000,
            description="Report each n-th frame; it has the masks that it has with 1.",
        ),
    ] = 1
    instances: Annotated[
        Instances,
        Field(
            description="`primary`: the largest part of the foreground, and parts at least half as "
            "large, as one object, track 1. `components`: each connected component apart, followed "
            "through the video."
        ),
    ] = "primary"
    quality: Annotated[
        Quality,
        Field(
            description="`fast`: one pass of the model over each clip. `best`: a second one "
            "on the part around what the first found, at its own resolution; about twice the work."
        ),
    ] = "fast"
    actions: Annotated[
        bool,
        Field(
            description="`true`: objects and tracks say what they do, if the model can tell (its "
            "`labels` in /models/default); about a third more work. `false`: they don't."
        ),
    ] = True
    masks: Annotated[
        Masks,
        Field(description="`rle`: masks as COCO run lengths. `none`: boxes and scores only."),
    ] = "rle"

    callback_url: Annotated[
        str | None,
        Field(
            max_length=1000,
            description="Posted to when the job has ended: an address of https that everybody can "
            "reach. See docs/operations.md.",
        ),
    ] = None
    priority: Annotated[
        Priority,
        Field(
            description="`high` goes before all of the client's other jobs that are `normal` or "
            "`low`, `normal` before `low`. Nobody else's jobs are done earlier or later."
        ),
    ] = "normal"

    def to_request(self, filename: str) -> JobRequest:
        """Return the options as a job's request, for an upload of that name."""
        return JobRequest(filename=filename, **self.model_dump())


WANTED: Mapping[str, str] = {
    "threshold": "a number above 0 and below 1",
    "start_s": "a number of seconds, 0 or more",
    "end_s": "a number of seconds above start_s",
    "every": "a whole number from 1 to 100000",
    "instances": "primary or components",
    "quality": "fast or best",
    "actions": "true or false",
    "masks": "rle or none",
    "callback_url": "an address of https",
    "priority": "low, normal or high",
}


def parse_options(values: Mapping[str, Any], *, strict: bool = False) -> Options:
    """Check the options of a form, or of a JSON object.

    Args:
        values: by name.
        strict: whether values have types of their own, as in JSON; else they are text.

    Raises:
        InvalidRequest: names every wrong option with what was received and what is wanted.
    """
    try:
        options = Options.model_validate(values, strict=strict)
    except ValidationError as error:
        names = dict.fromkeys(str(item["loc"][0]) for item in error.errors())
        raise InvalidRequest([_fault(name, values[name]) for name in names]) from error
    if options.end_s is not None and options.end_s <= options.start_s:
        wanted = f"a number of seconds above start_s={options.start_s:g}"
        raise InvalidRequest([Fault("end_s", _shown(values["end_s"]), wanted)])
    return options


def _fault(name: str, got: object) -> Fault:
    if name in WANTED:
        return Fault(name, _shown(got), WANTED[name])
    return Fault(name[:100], _shown(got), f"no option but {', '.join(WANTED)}")


def _shown(got: object) -> str:
    return (got if isinstance(got, str) else json.dumps(got))[:100]
