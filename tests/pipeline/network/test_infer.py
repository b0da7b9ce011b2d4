"""A session runs one of our model files on the device asked for, or says why not."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import pipeline.network
from pipeline.errors import ModelError, ProviderError
from pipeline.network.graph import Device
from pipeline.network.infer import Session, load
from tests.tiny_model import SPEC, write_model

PROVIDERS: dict[Device, str] = {"cpu": "CPUExecutionProvider", "openvino": "OpenVINO CPU f32"}
on_each_device = pytest.mark.parametrize("device", PROVIDERS)


@on_each_device
def test_a_model_says_what_it_is_and_finds_the_red(tmp_path: Path, device: Device) -> None:
    session: Session = load(write_model(tmp_path / "tiny.onnx"), device, threads=1)
    assert session.spec == SPEC
    assert (session.device, session.provider) == (device, PROVIDERS[device])
    clips = np.random.default_rng(0).integers(0, 256, (2, 8, 32, 64, 3), np.uint8)
    probability = session.run(clips)
    assert probability.dtype == np.float32
    np.testing.assert_allclose(probability, clips[..., 0] / 255, rtol=1e-6)


@pytest.mark.parametrize(
    ("shape", "dtype"),
    [
        ((1, 7, 32, 32, 3), np.uint8),
        ((1, 8, 32, 33, 3), np.uint8),
        ((1, 8, 32, 32, 4), np.uint8),
        ((8, 32, 32, 3), np.uint8),
        ((1, 8, 32, 32, 3), np.float32),
    ],
)
def test_clips_of_another_shape_are_refused(
    tmp_path: Path, shape: tuple[int, ...], dtype: type
) -> None:
    session = load(write_model(tmp_path / "tiny.onnx"), "cpu", threads=1)
    with pytest.raises(ValueError, match=r"must be \(N, 8, H, W, 3\) uint8.*multiples of 32"):
        session.run(np.zeros(shape, dtype))


@on_each_device
def test_a_missing_or_damaged_file_is_refused(tmp_path: Path, device: Device) -> None:
    with pytest.raises(ModelError, match="There is no model file"):
        load(tmp_path / "none.onnx", device)
    model = write_model(tmp_path / "tiny.onnx")
    content = model.read_bytes()
    for damaged in (b"", b"not a model", content[: len(content) // 2]):
        model.write_bytes(damaged)
        with pytest.raises(ModelError, match=r"tiny\.onnx can't be loaded"):
            load(model, device)


@on_each_device
def test_a_model_that_isnt_ours_is_refused(tmp_path: Path, device: Device) -> None:
    path = tmp_path / "other.onnx"
    with pytest.raises(ModelError, match="metadata lacks name, version"):
        load(write_model(path, metadata={}), device)
    with pytest.raises(ModelError, match=r"must take clips.*, got .*images"):
        load(write_model(path, input_name="images"), device)
    with pytest.raises(ModelError, match=r"must take clips \(N, 8, H, W, 3\)"):
        load(write_model(path, channels=4), device)
    short = SPEC.to_metadata() | {"spec.clip_length": "4"}
    with pytest.raises(ModelError, match=r"must take clips \(N, 4, H, W, 3\)"):
        load(write_model(path, metadata=short), device)
    moving = replace(SPEC, cues=True).to_metadata()
    with pytest.raises(ModelError, match=r"must take cues \(N, 8, H, W, 3\), got .*4"):
        load(write_model(path, metadata=moving, cue_channels=4), device)


def test_a_device_that_isnt_there_is_an_error(tmp_path: Path) -> None:
    import onnxruntime  # noqa: PLC0415 - after pipeline.network.infer, which keeps it from reporting

    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("this ONNX Runtime has the CUDA provider")
    with pytest.raises(ProviderError, match=r"needs CUDAExecutionProvider.*or ask for cpu"):
        load(write_model(tmp_path / "tiny.onnx"), "cuda")


def test_openvino_that_isnt_installed_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    monkeypatch.delitem(sys.modules, "pipeline.network.openvino_graph", raising=False)
    monkeypatch.delattr(pipeline.network, "openvino_graph", raising=False)
    with pytest.raises(ProviderError, match=r"needs OpenVINO.*or ask for cpu"):
        load(write_model(tmp_path / "tiny.onnx"), "openvino")


def test_metadata_of_before_there_were_labels_is_read(tmp_path: Path) -> None:
    older = {key: value for key, value in SPEC.to_metadata().items() if key != "spec.labels"}
    assert load(write_model(tmp_path / "tiny.onnx", metadata=older), "cpu", threads=1).spec == SPEC


def test_a_model_with_labels_has_to_share_its_features(tmp_path: Path) -> None:
    labelled = SPEC.to_metadata() | {"spec.labels": '["none", "run"]'}
    with pytest.raises(ModelError, match="and give foreground of 4 axes and shared of 5 axes"):
        load(write_model(tmp_path / "tiny.onnx", metadata=labelled), "cpu")


PROGRAM = """
import sys
from pathlib import Path

from pipeline.network.infer import load

load(Path(sys.argv[1]), sys.argv[2])
"""


@on_each_device
def test_the_runtime_leaves_no_identifier_of_this_machine(tmp_path: Path, device: Device) -> None:
    # Without these names: the runtimes are silent by themselves where they see a test.
    told = {"CI", "ORT_DISABLE_TELEMETRY", "XDG_CACHE_HOME", "XDG_DATA_HOME"}
    home = tmp_path / "home"
    home.mkdir()
    environment = {name: value for name, value in os.environ.items() if name not in told}
    subprocess.run(
        [sys.executable, "-c", PROGRAM, write_model(tmp_path / "tiny.onnx"), device],
        env=environment | {"HOME": str(home)},
        check=True,
    )
    assert list(home.rglob("*")) == []
