"""The network that a file of weights is of."""

from pathlib import Path

import pytest

from model import checkpoint
from model.checkpoint import CheckpointError
from model.presets import build, restore


def test_weights_may_say_which_preset_they_are_of(tmp_path: Path) -> None:
    saved = build("small-still")
    checkpoint.save(saved, tmp_path / "w.safetensors", {"preset": "small-still"})
    restored, about = restore(None, tmp_path / "w.safetensors")
    assert about == {"preset": "small-still"}
    assert restored.state_dict().keys() == saved.state_dict().keys()


@pytest.mark.parametrize("about", [{}, {"preset": "huge"}])
def test_weights_that_do_not_say_so_are_refused(tmp_path: Path, about: dict[str, object]) -> None:
    checkpoint.save(build("small-still"), tmp_path / "w.safetensors", about)
    with pytest.raises(CheckpointError, match=r"preset of .* must be one of .*, got (None|huge)"):
        restore(None, tmp_path / "w.safetensors")
