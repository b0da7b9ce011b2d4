"""Every device finds what ONNX Runtime finds on the CPU, with the shipped model."""

import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch

from pipeline.errors import ProviderError
from pipeline.network.graph import Device
from pipeline.network.infer import ActionModelSession, load
from pipeline.network.openvino_graph import computes_bfloat16
from pipeline.network.self_test import moving_square, small_flow

MODEL = Path(__file__).parents[3] / "weights/default.onnx"
BOXES = np.array([[[0.1, 0.1, 0.5, 0.5], [0.95, 0.9, 1.0, 0.95]]] * 8, np.float32)
SIZES = [(256, 448), (448, 256), (32, 64)]

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")


@cache
def session_on(device: Device) -> ActionModelSession:
    session = load(MODEL, device, threads=1)
    assert isinstance(session, ActionModelSession)
    return session


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    ("device", "provider"),
    [
        pytest.param("cuda", "CUDAExecutionProvider", marks=needs_gpu),
        ("openvino", "OpenVINO CPU f32"),
    ],
)
def test_masks_and_actions_are_those_of_the_cpu(
    device: Device, provider: str, size: tuple[int, int]
) -> None:
    session, on_cpu = session_on(device), session_on("cpu")
    assert (session.device, session.provider) == (device, provider)
    assert session.spec == on_cpu.spec
    clip = moving_square(8, *size)
    found, features = session.describe(clip)
    wanted, wanted_features = on_cpu.describe(clip)
    assert np.abs(found - wanted).max() < 1e-3
    assert np.mean((found > 0.5) != (wanted > 0.5)) <= 1e-3
    np.testing.assert_array_equal(session.run(clip), found)
    flow = small_flow(clip)
    actions = np.exp(session.classify(features[0], BOXES, flow))
    assert actions.shape == (8, 2, len(session.spec.labels))
    wanted_actions = np.exp(on_cpu.classify(wanted_features[0], BOXES, flow))
    assert np.abs(actions - wanted_actions).max() < 1e-3


@pytest.mark.skipif(not computes_bfloat16(), reason="this processor doesn't compute in bfloat16")
def test_bfloat16_is_near_to_the_cpu() -> None:
    session = session_on("openvino-bf16")
    assert session.provider == "OpenVINO CPU bf16"
    clip = moving_square(8, 256, 448)
    found, wanted = session.run(clip), session_on("cpu").run(clip)
    assert 0.01 < np.mean(wanted > 0.5) < 0.9
    assert np.mean((found > 0.5) != (wanted > 0.5)) < 0.01


@pytest.mark.skipif(computes_bfloat16(), reason="this processor computes in bfloat16")
def test_bfloat16_is_refused_where_the_processor_lacks_it() -> None:
    with pytest.raises(
        ProviderError, match=r"needs a processor that computes in bfloat16.*Ask for openvino"
    ):
        load(MODEL, "openvino-bf16")


@pytest.mark.parametrize("device", ["cpu", "openvino"])
def test_what_a_session_gave_stays_when_it_runs_again(device: Device) -> None:
    session = session_on(device)
    clip = moving_square(8, 64, 64)
    first = session.run(clip)
    kept = first.copy()
    session.run(255 - clip)
    np.testing.assert_array_equal(first, kept)


def test_signals_still_come_when_openvino_has_freed_a_model() -> None:
    program = (
        "import signal, sys\n"
        "from pathlib import Path\n"
        "from pipeline.network.infer import load\n"
        "signal.signal(signal.SIGUSR1, lambda *_: print('came'))\n"
        "load(Path(sys.argv[1]), 'openvino')\n"
        "signal.raise_signal(signal.SIGUSR1)\n"
    )
    run = [sys.executable, "-c", program, str(MODEL)]
    done = subprocess.run(run, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "came\n"), done.stderr
