"""The commands `python -m model train` and `python -m model evaluate`."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from model import checkpoint
from model.__main__ import main
from model.presets import build
from tests.dataset.folders import write_davis, write_stills

ROOT = Path(__file__).parents[2]


def test_evaluate_prints_figures_of_the_sequences_held_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_davis(tmp_path / "davis", {"bear": 8, "swan": 8}, size=(64, 96))
    torch.manual_seed(0)
    checkpoint.save(build("small"), tmp_path / "w.safetensors", {})
    files = ["--weights", str(tmp_path / "w.safetensors"), "--data", str(tmp_path)]
    main(["evaluate", "--preset", "small", *files, "--short-side", "64"])
    figures = json.loads(capsys.readouterr().out)
    assert figures.keys() == {"J davis held out", "J bear"}
    assert 0 <= figures["J bear"] == figures["J davis held out"] <= 1


def test_train_says_how_far_it_came_and_leaves_weights(tmp_path: Path) -> None:
    write_davis(tmp_path / "davis", {"swan": 9, "bear": 8}, size=(64, 96))
    write_stills(tmp_path / "stills" / "discs", 3)
    command = [sys.executable, "-m", "model", "train", "--preset", "small"]
    command += ["--recipe", "small", "--steps", "1"]
    folders = ["--data", str(tmp_path), "--out", str(tmp_path / "run")]
    done = subprocess.run(
        [*command, *folders, "--log-every", "1"],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "2"},
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    assert "mean J" in done.stdout + done.stderr
    about = checkpoint.load(build("small"), tmp_path / "run/weights.safetensors")
    assert (about["preset"], about["recipe"], about["step"]) == ("small", "small", 1)
    assert about["git_revision"]
    assert (tmp_path / "run/last.ckpt").is_file()
    assert list((tmp_path / "run/events").iterdir())
