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


class WithHead(nn.Module):
    """Layers, and beside them a head that older weights lack."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Linear(3, 2)
        self.head = nn.Linear(2, 1)


def test_a_new_part_keeps_its_weights_where_the_file_has_none_of_it(tmp_path: Path) -> None:
    old, network = nn.ModuleDict({"body": nn.Linear(3, 2)}), WithHead()
    head = network.head.weight.clone()
    checkpoint.save(old, tmp_path / "w.safetensors", {})
    with pytest.raises(checkpoint.CheckpointError, match=r"head\.weight"):
        checkpoint.load(network, tmp_path / "w.safetensors")
    checkpoint.load(network, tmp_path / "w.safetensors", new=("head.",))
    assert torch.equal(network.body.weight, old["body"].get_parameter("weight"))
    assert torch.equal(network.head.weight, head)


def test_a_new_part_is_taken_whole_where_the_file_has_it(tmp_path: Path) -> None:
    saved, network = WithHead(), WithHead()
    checkpoint.save(saved, tmp_path / "w.safetensors", {})
    checkpoint.load(network, tmp_path / "w.safetensors", new=("head.",))
    assert torch.equal(network.head.weight, saved.head.weight)
    part = nn.ModuleDict({"body": saved.body, "head": nn.Linear(2, 1, bias=False)})
    checkpoint.save(part, tmp_path / "part.safetensors", {})
    with pytest.raises(checkpoint.CheckpointError, match=r"head\.bias"):
        checkpoint.load(network, tmp_path / "part.safetensors", new=("head.",))


def test_a_part_can_begin_anew_although_the_file_has_it(tmp_path: Path) -> None:
    saved, network = WithHead(), WithHead()
    head = network.head.weight.clone()
    checkpoint.save(saved, tmp_path / "w.safetensors", {})
    checkpoint.load(network, tmp_path / "w.safetensors", anew=("head.",))
    assert torch.equal(network.body.weight, saved.body.weight)
    assert torch.equal(network.head.weight, head)


def test_half_is_read_as_float32_again(tmp_path: Path) -> None:
    saved, loaded = nn.Linear(60, 20), nn.Linear(60, 20)
    for name, half in (("whole", False), ("half", True)):
        checkpoint.save(saved, tmp_path / f"{name}.safetensors", {}, half=half)
    sizes = [(tmp_path / f"{name}.safetensors").stat().st_size for name in ("whole", "half")]
    assert sizes[1] < 0.6 * sizes[0]
    checkpoint.load(loaded, tmp_path / "half.safetensors")
    assert loaded.weight.dtype == torch.float32
    assert torch.equal(loaded.weight, saved.weight.half().float())
    assert torch.equal(loaded.bias, saved.bias)  # too small to be worth it
