"""Weights on disk."""

from pathlib import Path

import pytest
import torch
from torch import nn

from model import checkpoint


def test_weights_come_back_with_what_is_known_of_them(tmp_path: Path) -> None:
    torch.manual_seed(0)
    saved, loaded = nn.Linear(3, 2), nn.Linear(3, 2)
    checkpoint.save(saved, tmp_path / "run" / "w.safetensors", {"preset": "small", "step": 7})
    about = checkpoint.load(loaded, tmp_path / "run" / "w.safetensors")
    assert about == {"preset": "small", "step": 7}
    assert torch.equal(saved.weight, loaded.weight)
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["w.safetensors"]


def test_refuses_weights_of_another_network(tmp_path: Path) -> None:
    checkpoint.save(nn.Linear(3, 2), tmp_path / "w.safetensors", {})
    with pytest.raises(checkpoint.CheckpointError, match="of this network"):
        checkpoint.load(nn.Linear(3, 4), tmp_path / "w.safetensors")


@pytest.mark.parametrize("content", [b"", b"not safetensors"])
def test_refuses_a_broken_file(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "w.safetensors").write_bytes(content)
    with pytest.raises(checkpoint.CheckpointError, match=r"w\.safetensors"):
        checkpoint.load(nn.Linear(3, 2), tmp_path / "w.safetensors")
