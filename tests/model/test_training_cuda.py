"""Training on a GPU is training as on a CPU; skipped where there is no GPU."""

import copy
import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from lightning_fabric import Fabric

from dataset import davis, jhmdb
from model.__main__ import working_spec
from model.augmentation import Crop
from model.batches import Batches
from model.presets import build
from model.recipes import ACTIONS, Precision
from model.training import Run, logger, train
from tests.dataset.folders import write_davis, write_jhmdb

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
LABELS = ("none", "run", "walk")


@pytest.mark.parametrize("preset", ["small", "paper"])
def test_gradients_are_those_of_the_cpu(preset: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)
    torch.manual_seed(0)
    network = build(preset).eval()
    clips = torch.randint(0, 256, (1, 4, 32, 64, 3), dtype=torch.uint8)
    gradients = []
    for device in ("cpu", "cuda"):
        moved = copy.deepcopy(network).to(device)
        torch.autograd.backward(moved(clips.to(device)).square().mean())
        gradients.append(
            {n: p.grad.cpu() for n, p in moved.named_parameters() if p.grad is not None}
        )
    wanted, found = gradients
    assert wanted.keys() == found.keys()
    largest = max(gradient.norm() for gradient in wanted.values())
    for name, gradient in wanted.items():
        assert (found[name] - gradient).norm() < 1e-3 * gradient.norm() + 1e-5 * largest, name


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_masks_and_actions_are_trained(tmp_path: Path, precision: Precision) -> None:
    videos = davis.load(write_davis(tmp_path / "davis", {"swan": 9, "bear": 8}), "train")
    root = write_jhmdb(tmp_path / "jhmdb", {"run": ["a_run_b"], "walk": ["a_walk_b"]})
    clips = jhmdb.load(root, 1, "train")
    recipe = replace(
        ACTIONS,
        crop=Crop(32, 64, 40, (0.75, 1.5)),
        frames_per_step=8,
        clip_lengths=(8, 1),
        stills_share=0.0,
        precision=precision,
    )
    torch.manual_seed(0)
    folder = tmp_path / "run"
    for steps, resume in ((2, False), (4, True)):
        train(
            Fabric(accelerator="cuda", devices=1, precision=precision, loggers=[logger(folder)]),
            build("small", LABELS),
            recipe=recipe,
            run=Run(
                folder=folder,
                steps=steps,
                seed=1,
                resume=resume,
                log_every=2,
                save_every=2,
                about={"labels": LABELS},
                workers=2,
            ),
            batches=Batches(videos[:1], clips, [], recipe, seed=1, labels=LABELS),
            held_out=videos[1:],
            spec=working_spec("small", short_side=64),
            acting=clips[:1],
        )
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines if "loss" in line] == [2, 4]
    assert all(line["loss"] > 0 for line in lines if "loss" in line)
    assert {"actions", "actions/truth"} <= lines[-1].keys()
