"""The shipped model's three files in OpenVINO: the masks and actions are those of ONNX Runtime."""

from pathlib import Path

import numpy as np
import openvino
import pytest
from numpy.typing import NDArray

from pipeline.infer import OnnxActionSession, load
from pipeline.spec import (
    ACTIONS_NAME,
    BOXES_NAME,
    FEATURES_NAME,
    INPUT_NAME,
    OUTPUT_NAME,
    SHARED_NAME,
    actions_file,
    features_file,
)

MODEL = Path(__file__).parents[2] / "weights" / "default.onnx"


def moving(height: int, width: int) -> NDArray[np.uint8]:
    """A bright square that crosses a grainy ground: a clip (1, 8, H, W, 3)."""
    clip = np.random.default_rng(0).integers(40, 80, (1, 8, height, width, 3), np.uint8)
    for index in range(8):
        clip[0, index, 40:120, 40 + 8 * index : 120 + 8 * index] = (220, 90, 40)
    return clip


def in_openvino(
    model: Path, given: dict[str, NDArray[np.generic]], outputs: list[str]
) -> list[NDArray[np.float32]]:
    core = openvino.Core()
    # Else it may compute in bfloat16, where the processor can.
    compiled = core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    found = compiled(given)
    return [found[compiled.output(name)] for name in outputs]


@pytest.mark.parametrize(("height", "width"), [(256, 320), (320, 256)])
def test_openvino_finds_and_names_what_onnx_runtime_does(height: int, width: int) -> None:
    session = load(MODEL, "cpu")
    assert isinstance(session, OnnxActionSession)
    clip = moving(height, width)
    probabilities, features = session.describe(clip)
    boxes = np.array([[[0.1, 0.1, 0.5, 0.5]]], np.float32).repeat(8, 0)
    actions = session.classify(features[0], boxes)
    assert 0.01 < (probabilities > 0.5).mean() < 0.9

    found, shared = in_openvino(MODEL, {INPUT_NAME: clip}, [OUTPUT_NAME, SHARED_NAME])
    (described,) = in_openvino(features_file(MODEL), {SHARED_NAME: shared}, [FEATURES_NAME])
    given = {FEATURES_NAME: described[0], BOXES_NAME: boxes}
    (named,) = in_openvino(actions_file(MODEL), given, [ACTIONS_NAME])
    assert np.abs(found - probabilities).max() < 1e-3
    assert np.mean((found > 0.5) != (probabilities > 0.5)) <= 1e-3
    assert np.abs(np.exp(named) - np.exp(actions)).max() < 1e-3
