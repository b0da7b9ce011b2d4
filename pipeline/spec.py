"""What a model file says of itself: the spec in its ONNX metadata."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields

from pipeline.errors import ModelError

INPUT_NAME = "clips"
OUTPUT_NAME = "foreground"


@dataclass(frozen=True, kw_only=True)
class ModelSpec:
    """How to feed one model, and what it is.

    The graph takes `clips` (N, T, H, W, 3) uint8 RGB with T = `clip_length` and H, W multiples of
    `multiple`, and gives `foreground` (N, T, H, W) float32, the probability of foreground, 0 to 1.
    Casting and normalisation are inside the graph.

    Attributes:
        name: of the preset, such as `small`.
        version: of the weights, such as `2026.11.1`.
        clip_length: L, frames in a clip.
        short_side: pixels; a frame is scaled so that its shorter side has this many.
        long_side: pixels; a frame longer than this after scaling is scaled down further.
        multiple: both sides are padded up to a multiple of this many pixels.
        licence: of the weights, as an SPDX expression or a sentence.
        data: what the model was trained on.
        measured: measured figures as {name: value}, fractions not percent.
        git_revision: of the code that trained it.
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

    def to_metadata(self) -> dict[str, str]:
        """Return the spec as ONNX metadata properties, each value as JSON."""
        return {f"spec.{key}": json.dumps(value) for key, value in asdict(self).items()}

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str]) -> "ModelSpec":
        """Read the spec from ONNX metadata properties.

        Raises:
            ModelError: a field is missing or isn't JSON.
        """
        missing = [f.name for f in fields(cls) if f"spec.{f.name}" not in metadata]
        if missing:
            raise ModelError(
                f"The model's metadata lacks {', '.join(missing)}; "
                "export it with `python -m export`."
            )
        try:
            return cls(**{f.name: json.loads(metadata[f"spec.{f.name}"]) for f in fields(cls)})
        except json.JSONDecodeError as error:
            raise ModelError(f"The model's metadata isn't JSON: {error}.") from error
