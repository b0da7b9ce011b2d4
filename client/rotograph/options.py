"""What can be asked for: the options of a job, and the formats of its result."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, TypedDict

from rotograph.job import State

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
    labels: Mapping[str, str]


@dataclass(frozen=True)
class JobFilter:
    """Which jobs to list; times with a zone, or local ones."""

    states: Collection[State] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    created_after: datetime | None = None
    created_before: datetime | None = None

    def params(self) -> dict[str, str | list[str]]:
        times = {"created_after": self.created_after, "created_before": self.created_before}
        return {
            "state": list(self.states),
            "label": [f"{name}:{value}" for name, value in self.labels.items()],
            **{name: time.astimezone().isoformat() for name, time in times.items() if time},
        }
