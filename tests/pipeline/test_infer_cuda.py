"""A GPU finds what the CPU finds; skipped where there is none."""

from pathlib import Path

import numpy as np
import pytest
import torch

from pipeline.infer import OnnxActionSession, load

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
MODEL = Path(__file__).parents[2] / "weights/default.onnx"
BOXES = np.array([[[0.1, 0.2, 0.6, 0.9]]] * 8, np.float32)


@pytest.fixture(scope="module")
def sessions() -> tuple[OnnxActionSession, OnnxActionSession]:
    on_gpu, on_cpu = load(MODEL, "cuda"), load(MODEL, "cpu")
    assert isinstance(on_gpu, OnnxActionSession)
    assert isinstance(on_cpu, OnnxActionSession)
    return on_gpu, on_cpu


def test_the_session_says_where_it_runs(sessions: tuple[OnnxActionSession, ...]) -> None:
    assert (sessions[0].device, sessions[0].provider) == ("cuda", "CUDAExecutionProvider")


@pytest.mark.parametrize("size", [(256, 448), (448, 256), (32, 64)])
def test_masks_and_actions_are_those_of_the_cpu(
    sessions: tuple[OnnxActionSession, OnnxActionSession], size: tuple[int, int]
) -> None:
    clip = np.random.default_rng(0).integers(0, 256, (1, 8, *size, 3), np.uint8)
    (found, features), (wanted, their_features) = (s.describe(clip) for s in sessions)
    np.testing.assert_allclose(found, wanted, atol=1e-3)
    on_gpu, on_cpu = sessions
    actions = np.exp(on_gpu.classify(features[0], BOXES))
    np.testing.assert_allclose(
        actions, np.exp(on_cpu.classify(their_features[0], BOXES)), atol=1e-3
    )
