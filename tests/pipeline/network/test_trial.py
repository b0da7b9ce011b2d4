"""The fastest device is one that is there and finds the same."""

from pathlib import Path

import onnxruntime
import pytest

from pipeline.network.infer import load
from pipeline.network.trial import CPU_DEVICES, try_devices
from tests.tiny_model import write_model


def test_the_fastest_of_those_that_are_there_is_chosen(tmp_path: Path) -> None:
    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("this ONNX Runtime has the CUDA provider")
    model = write_model(tmp_path / "tiny.onnx")
    trial = try_devices(model, threads=1)
    assert {*trial.clip_ms, *trial.refused} == {*CPU_DEVICES, "cuda"}
    assert {"cpu", "openvino"} <= set(trial.clip_ms)
    assert trial.clip_ms[trial.device] == min(trial.clip_ms.values())
    assert load(model, trial.device, 1).device == trial.device
    assert "needs CUDAExecutionProvider" in trial.refused["cuda"]
