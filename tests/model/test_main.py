"""The commands `python -m model train` and `python -m model evaluate`."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from model import checkpoint
from model.__main__ import MALLOC, main
from model.presets import build
from tests.dataset.folders import write_davis, write_jhmdb, write_stills
from tests.processes import untraced

ROOT = Path(__file__).parents[2]


def test_evaluate_prints_metrics_of_the_sequences_held_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_davis(tmp_path / "davis", {"surf": 8, "swan": 8}, size=(64, 96))
    torch.manual_seed(0)
    checkpoint.save(build("small"), tmp_path / "w.safetensors", {})
    files = ["--weights", str(tmp_path / "w.safetensors"), "--data", str(tmp_path)]
    main(["evaluate", "--preset", "small", *files, "--short-side", "64"])
    metrics = json.loads(capsys.readouterr().out)
    assert metrics.keys() == {"J davis held out", "J surf"}
    assert 0 <= metrics["J surf"] == metrics["J davis held out"] <= 1


def save_with(path: Path, value: float, labels: tuple[str, ...] = ()) -> str:
    """Write weights of `small` that are all of one value."""
    network = build("small", labels)
    for weight in network.parameters():
        weight.data.fill_(value)
    checkpoint.save(network, path, {"labels": labels} if labels else {})
    return str(path)


def test_average_of_several_runs(tmp_path: Path) -> None:
    labels = ("none", "run")
    files = [save_with(tmp_path / f"{value}.safetensors", value, labels) for value in (1, 2, 6)]
    out = tmp_path / "mean.safetensors"
    network = build("small", labels)
    means = []
    for more in ([], ["--share", "0.5"], ["--new-head"]):
        main(["average", "--preset", "small", *files, *more, "--out", str(out)])
        checkpoint.load(network, out)
        assert network.actions is not None
        means += [network.scores.weight[0, 0].item(), network.actions.widen.weight[0, 0].item()]
    # All alike; half of it the first; all alike but for the head, which is of the runs only.
    assert means == pytest.approx([3, 3, 2.5, 2.5, 3, 4])
    with pytest.raises(SystemExit, match="two files of weights or more"):
        main(["average", "--preset", "small", files[0], "--out", str(out)])


def test_calibrate_changes_how_sure_actions_are_and_nothing_else(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_davis(tmp_path / "davis", {"surf": 8, "swan": 8}, size=(64, 96))
    write_jhmdb(tmp_path / "jhmdb", {"run": [f"{film}_run_a" for film in "abcdefgh"]})
    labels = ("none", "run")
    torch.manual_seed(0)
    before = build("small", labels)
    before.scores.bias.data.fill_(50)  # all is foreground
    checkpoint.save(before, tmp_path / "w.safetensors", {"labels": labels})
    files = ["--weights", str(tmp_path / "w.safetensors"), "--out", str(tmp_path / "c.safetensors")]
    main(["calibrate", "--preset", "small", *files, "--data", str(tmp_path), "--short-side", "64"])
    after = build("small", labels)
    temperature = checkpoint.load(after, tmp_path / "c.safetensors")["temperature"]
    assert isinstance(temperature, float)
    assert f"Temperature {temperature:.3f}, from" in capsys.readouterr().out
    changed = {
        name
        for name, weight in after.state_dict().items()
        if not weight.equal(before.state_dict()[name])
    }
    assert changed <= {"actions.classifier.weight", "actions.classifier.bias"}
    assert after.actions is not None
    assert before.actions is not None
    torch.testing.assert_close(
        after.actions.classifier.weight * temperature,
        before.actions.classifier.weight,
        rtol=1e-3,
        atol=1e-6,
    )


def train(data: Path, *more: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run a training command on tiny data; with `MALLOC` it needn't start itself anew."""
    write_davis(data / "davis", {"swan": 9, "surf": 8}, size=(64, 96))
    write_stills(data / "stills" / "discs", 3)
    folders = ["--data", str(data), "--out", str(data / "run")]
    return subprocess.run(
        [sys.executable, "-m", "model", "train", *folders, "--log-every", "1", *more],
        cwd=ROOT,
        env=untraced() | {"OMP_NUM_THREADS": "1"} | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )


SMALL = ("--preset", "small", "--recipe", "small", "--steps", "1")


def test_train_says_how_far_it_came_and_leaves_weights(tmp_path: Path) -> None:
    done = train(tmp_path, *SMALL, "--workers", "1")
    assert done.returncode == 0, done.stderr
    assert "mean J" in done.stdout + done.stderr
    about = checkpoint.load(build("small"), tmp_path / "run/weights.safetensors")
    assert (about["preset"], about["recipe"], about["step"]) == ("small", "small", 1)
    assert about["git_revision"]
    assert (tmp_path / "run/last.ckpt").is_file()
    assert list((tmp_path / "run/events").iterdir())


def test_two_devices_train_one_network(tmp_path: Path) -> None:
    done = train(tmp_path, *SMALL, "--devices", "2", "--workers", "0", **MALLOC)
    assert done.returncode == 0, done.stderr
    assert (done.stdout + done.stderr).count("mean J") == 1  # one of them validates
    lines = [json.loads(line) for line in (tmp_path / "run/log.jsonl").read_text().splitlines()]
    assert ["loss" in line for line in lines] == [True, False]
    assert checkpoint.load(build("small"), tmp_path / "run/weights.safetensors")["step"] == 1


def test_a_recipe_without_its_teacher_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in MALLOC.items():
        monkeypatch.setenv(name, value)
    write_davis(tmp_path / "davis", {"swan": 9, "surf": 8}, size=(64, 96))
    write_stills(tmp_path / "stills" / "discs", 3)
    write_jhmdb(tmp_path / "jhmdb", {"run": ["a_run_b"]})
    folders = ["--data", str(tmp_path), "--out", str(tmp_path / "run")]
    with pytest.raises(SystemExit, match="Recipe distil needs one, got no --teacher"):
        main(["train", *folders, "--preset", "paper", "--recipe", "distil", "--steps", "1"])
