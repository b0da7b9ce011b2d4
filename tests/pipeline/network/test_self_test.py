"""A device that computes wrongly is found out before it serves."""

from pathlib import Path
from typing import cast

import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.errors import ProviderError
from pipeline.network.infer import ActionModelSession, ModelSession, load
from pipeline.network.self_test import check, moving_square
from tests.tiny_model import write_action_model, write_model

SHIPPED = Path(__file__).parents[3] / "weights/default.onnx"


class Wrong:
    """A session whose probabilities are another's, changed."""

    def __init__(self, right: ModelSession, factor: float) -> None:
        self.right, self.factor = right, factor
        self.spec, self.device, self.provider = right.spec, "cuda", "CUDAExecutionProvider"

    def run(
        self, clips: NDArray[np.uint8], _cues: NDArray[np.uint8] | None = None, /
    ) -> NDArray[np.float32]:
        return self.right.run(clips) * np.float32(self.factor)


class WrongActions(Wrong):
    """The same with the right masks, and all actions alike."""

    def describe(
        self, clips: NDArray[np.uint8], _cues: NDArray[np.uint8] | None = None, /
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        return cast(ActionModelSession, self.right).describe(clips)

    def classify(
        self,
        features: NDArray[np.float32],
        boxes: NDArray[np.float32],
        flow: NDArray[np.float32],
        /,
    ) -> NDArray[np.float32]:
        scores = cast(ActionModelSession, self.right).classify(features, boxes, flow)
        return np.full_like(scores, -np.log(scores.shape[-1]))


def test_openvino_passes_with_the_shipped_model() -> None:
    check(load(SHIPPED, "openvino"), SHIPPED)


def test_the_clip_has_something_to_find() -> None:
    found = load(SHIPPED, "cpu").run(moving_square(8, 128, 192))
    assert 0.1 < np.mean(found > 0.5) < 0.5


@pytest.mark.parametrize("factor", [0, 0.5, np.nan])
def test_other_masks_are_refused(tmp_path: Path, factor: float) -> None:
    model = write_model(tmp_path / "tiny.onnx")
    right = load(model, "cpu")
    check(Wrong(right, 1), model)
    with pytest.raises(ProviderError, match=r"Device cuda finds other masks than the CPU.*at most"):
        check(Wrong(right, factor), model)


def test_other_actions_are_refused(tmp_path: Path) -> None:
    model = write_action_model(tmp_path / "tiny.onnx", ["none", "run"])
    right = load(model, "cpu")
    check(right, model)
    with pytest.raises(ProviderError, match="Device cuda finds other actions than the CPU"):
        check(WrongActions(right, 1), model)
