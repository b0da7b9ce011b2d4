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
ACTIONS_NAME = "actions"


@dataclass(frozen=True, kw_only=True)
class ModelSpec:
    """How to feed one model, and what it is.

    The graph takes `clips` (N, T, H, W, 3) uint8 RGB with T = `clip_length` and H, W multiples of
    `multiple`, and gives `foreground` (N, T, H, W) float32, the probability of foreground, 0 to 1.
    Casting and normalisation are inside the graph.

    A model that takes cues takes `cues` (N, T, H / 2, W / 2, 3) uint8 beside `clips`: the motion
    maps of `pipeline.network.motion`, which are 0 where nothing is known.

    A model that names actions gives `shared` (N, C, T, h, w) float32, too, and has two more files
    beside the first, with the same spec. The graph in `features_file` takes `shared` and gives
    `features` (N, T, C, h, w) float32: it is a file of its own so that who wants no actions needn't
    run it. The one in `actions_file` takes `features` (F, C, h, w) of F frames and `boxes`
    (F, K, 4) float32, left, top, right and bottom edge from 0 to 1 over the picture (H, W), and
    gives `actions` (F, K, labels) float32, log-probabilities.

    Attributes:
        name: of the preset, such as `small`.
        version: of the weights, such as `2026.11.1`.
        clip_length: L, frames in a clip.
        short_side: pixels; a frame is scaled so that its shorter side has this many.
        long_side: pixels; a frame longer than this after scaling is scaled down further.
        multiple: both sides are padded up to a multiple of this many pixels.
        licence: of the weights, as an SPDX expression or a sentence.
        data: what the model was trained on.
        measured: measured metrics as {name: value}, fractions not percent.
        git_revision: of the code that trained it.
        labels: of the actions, in the order of the scores; none if the model only segments.
        cues: whether the model takes cues.
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
        """Read the spec from ONNX metadata properties.

        Raises:
            ModelError: a field is missing or isn't JSON.
        """
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
    """Return where the features of a model that names actions lie.

    >>> features_file(Path("weights/default.onnx")).name
    'default-features.onnx'
    """
    return model.with_name(f"{model.stem}-features{model.suffix}")


def actions_file(model: Path) -> Path:
    """Return where the classifier of a model that names actions lies.

    >>> actions_file(Path("weights/default.onnx")).name
    'default-actions.onnx'
    """
    return model.with_name(f"{model.stem}-actions{model.suffix}")
