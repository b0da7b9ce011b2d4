"""The command `python -m export`."""

import json
import warnings
from dataclasses import replace
from pathlib import Path

import onnx
import pytest
import torch

from export.__main__ import main
from model import checkpoint
from model.presets import PRESETS, build
from pipeline.network.spec import ModelSpec
from tests.export.tiny_encoder import TinyEncoder


def test_the_file_carries_the_metrics_that_were_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny = replace(PRESETS["small"], encoder=TinyEncoder, decoder_widths=(8, 8), skips=(1, 0))
    monkeypatch.setitem(PRESETS, "small", tiny)
    torch.manual_seed(0)
    weights = tmp_path / "w.safetensors"
    checkpoint.save(build("small"), weights, {"preset": "small", "git_revision": "abc"})
    metrics = {"J_mean": 0.78, "T_sequences": ["bear"], "per_sequence": {"bear": {"J_mean": 0.9}}}
    measured = tmp_path / "davis-held-out.json"
    measured.write_text(json.dumps(metrics | {"frame_map": None}))
    out = tmp_path / "model.onnx"
    files = ["--weights", str(weights), "--measured", str(measured), "--out", str(out)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of PyTorch's exporter about itself
        main(["--preset", "small", *files, "--version", "7"])
    properties = onnx.load(out).metadata_props
    spec = ModelSpec.from_metadata({entry.key: entry.value for entry in properties})
    assert spec.measured == {"davis-held-out J_mean": 0.78}
    assert (spec.name, spec.version, spec.git_revision) == ("small", "7", "abc")
