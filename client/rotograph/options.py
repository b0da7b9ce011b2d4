"""What can be asked for: the options of a job, and the formats of its result."""

from typing import Literal, TypedDict

Instances = Literal["primary", "components"]
Quality = Literal["fast", "best"]
Masks = Literal["rle", "none"]
Priority = Literal["low", "normal", "high"]
Format = Literal[
    "json",
    "ndjson",
    "coco.json",
    "ytvis.json",
    "cvat.xml",
    "labelstudio.json",
    "davis.zip",
    "overlay.mp4",
    "alpha.webm",
    "mattes.zip",
]


class Options(TypedDict, total=False):
    """What may be asked for; docs/api.md of the service says what each means."""

    threshold: float
    start_s: float
    end_s: float
    every: int
    instances: Instances
    min_track_s: float
    quality: Quality
    actions: bool
    masks: Masks
    callback_url: str
    priority: Priority
