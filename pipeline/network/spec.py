"""What a model file says of itself: the spec in its ONNX metadata."""

import json
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, fields
from pathlib import Path

from pipeline.errors import ModelError

INPUT_NAME = "clips"
CUES_NAME = "cues"
CUES = 3
"""Channels of cues, which are those of a motion map."""
OUTPUT_NAME = "foreground"
SHARED_NAME = "shared"
FEATURES_NAME = "features"
BOXES_NAME = "boxes"
FLOW_NAME = "flow"
ACTIONS_NAME = "actions"


@dataclass(frozen=True, kw_only=True)
class ModelSpec:
    """How to feed one model, and what it is; `licence` is of its weights, `measured` are fractions.

    The graph takes `clips` (N, T, H, W, 3) uint8 RGB, T = `clip_length`, H and W multiples of
    `multiple`, and gives `foreground` (N, T, H, W) float32, probabilities; it normalises inside.
    Frames are scaled until the shorter side has `short_side` pixels or the longer one `long_side`.
    With `cues` it takes `cues` (N, T, H / 2, W / 2, 3) uint8: the maps of
    `pipeline.network.motion`, 0 where nothing is known.

    With `labels` of actions it gives `shared` (N, C, T, h, w) float32, too. `features_file`, apart
    since not everyone wants actions, makes `features` (N, T, C, h, w) of it; `actions_file` makes
    log-probabilities `actions` (F, K, labels) of F frames' features and `boxes` (F, K, 4) float32:
    left, top, right, bottom, from 0 to 1 over the picture (H, W). It may also take `flow`
    (F, H / 2, W / 2, 2) float32: how far pixels move by themselves, picture pixels a second.
    """

    name: str
    version: str
    clip_length: int
    short_side: int
    long_side: int
    multiple: int
    licence: str
    data: str
    measured: Mapping[str, float]
    git_revision: str
    labels: tuple[str, ...] = ()
    cues: bool = False

    def to_metadata(self) -> dict[str, str]:
        """Return the spec as ONNX metadata properties, each value as JSON."""
        return {f"spec.{key}": json.dumps(value) for key, value in asdict(self).items()}

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str]) -> "ModelSpec":
        """Read the spec from ONNX metadata; ModelError if a field is missing or isn't JSON."""
        wanted = [f.name for f in fields(cls) if f.default is MISSING]
        missing = [name for name in wanted if f"spec.{name}" not in metadata]
        if missing:
            raise ModelError(
                f"The model's metadata lacks {', '.join(missing)}; "
                "export it with `python -m export`."
            )
        try:
            values = {
                f.name: json.loads(metadata[f"spec.{f.name}"])
                for f in fields(cls)
                if f"spec.{f.name}" in metadata
            }
        except json.JSONDecodeError as error:
            raise ModelError(f"The model's metadata isn't JSON: {error}.") from error
        return cls(**values | {"labels": tuple(values.get("labels", ()))})


def features_file(model: Path) -> Path:
    return model.with_name(f"{model.stem}-features{model.suffix}")


def actions_file(model: Path) -> Path:
    return model.with_name(f"{model.stem}-actions{model.suffix}")
