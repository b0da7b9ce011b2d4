"""Weights on disk as safetensors, which say what they are and run no code when read."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import nn

# Smaller tensors hold next to nothing, and some of them are scales and biases that float16 would
# round for no gain.
FEWEST_HALVED = 1024


class CheckpointError(Exception):
    """A file of weights can't be read or doesn't fit the network."""


def save(
    network: nn.Module, path: Path, about: Mapping[str, object], *, half: bool = False
) -> None:
    """Write a network's weights whole or not at all; with `half` large tensors become float16."""
    path.parent.mkdir(parents=True, exist_ok=True)
    weights = {
        name: value.detach().cpu().contiguous() for name, value in network.state_dict().items()
    }
    if half:
        weights = {
            name: value.half() if value.numel() >= FEWEST_HALVED else value
            for name, value in weights.items()
        }
    part = path.with_suffix(".part")
    save_file(weights, part, {key: json.dumps(value) for key, value in about.items()})
    part.chmod(0o644)  # safetensors writes files that only their owner can read
    part.replace(path)


def about(path: Path) -> dict[str, object]:
    """Return what `save` was told about weights; CheckpointError if they aren't safetensors."""
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{path} must be a safetensors file: {error}.") from error
    return {key: json.loads(value) for key, value in metadata.items()}


def load(
    network: nn.Module, path: Path, *, new: Sequence[str] = (), anew: Sequence[str] = ()
) -> dict[str, object]:
    """Read weights into a network of the same shape, and return what `save` was told about them.

    Parts whose names begin with `new` keep their weights if the file lacks them as a whole, those
    with `anew` always. Raises CheckpointError if names or shapes differ otherwise.
    """
    metadata = about(path)
    weights = load_file(path)
    lacking = [part for part in new if not any(name.startswith(part) for name in weights)]
    kept = (*lacking, *anew)
    if kept:
        own = network.state_dict()
        weights = {name: value for name, value in weights.items() if not name.startswith(kept)}
        weights |= {name: value for name, value in own.items() if name.startswith(kept)}
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        raise CheckpointError(f"{path} must hold weights of this network: {error}") from error
    return metadata
