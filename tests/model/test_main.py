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
from tests.dataset.folders import write_davis, write_jhmdb, write_stills

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


def train(data: Path, *more: str) -> "subprocess.CompletedProcess[str]":
    """Run a training command on tiny data."""
    write_davis(data / "davis", {"swan": 9, "bear": 8}, size=(64, 96))
    write_stills(data / "stills" / "discs", 3)
    folders = ["--data", str(data), "--out", str(data / "run")]
    return subprocess.run(
        [sys.executable, "-m", "model", "train", *folders, "--log-every", "1", *more],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )


SMALL = ("--preset", "small", "--recipe", "small", "--steps", "1")


def test_train_says_how_far_it_came_and_leaves_weights(tmp_path: Path) -> None:
    done = train(tmp_path, *SMALL)
    assert done.returncode == 0, done.stderr
    assert "mean J" in done.stdout + done.stderr
    about = checkpoint.load(build("small"), tmp_path / "run/weights.safetensors")
    assert (about["preset"], about["recipe"], about["step"]) == ("small", "small", 1)
    assert about["git_revision"]
    assert (tmp_path / "run/last.ckpt").is_file()
    assert list((tmp_path / "run/events").iterdir())


def test_two_devices_train_one_network(tmp_path: Path) -> None:
    done = train(tmp_path, *SMALL, "--devices", "2")
    assert done.returncode == 0, done.stderr
    assert (done.stdout + done.stderr).count("mean J") == 1  # one of them validates
    lines = [json.loads(line) for line in (tmp_path / "run/log.jsonl").read_text().splitlines()]
    assert ["loss" in line for line in lines] == [True, False]
    assert checkpoint.load(build("small"), tmp_path / "run/weights.safetensors")["step"] == 1


def test_a_recipe_without_its_teacher_is_refused(tmp_path: Path) -> None:
    write_jhmdb(tmp_path / "jhmdb", {"run": ["a_run_b"]})
    done = train(tmp_path, "--preset", "paper", "--recipe", "distil", "--steps", "1")
    assert done.returncode == 1
    assert "Got no --teacher, wanted one for recipe distil." in done.stderr
