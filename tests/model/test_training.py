"""A few steps of training, stopped and resumed."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from lightning_fabric import Fabric

from dataset import davis, jhmdb, stills
from dataset.values import LabelledVideo
from model import checkpoint, presets
from model.__main__ import working_spec
from model.augmentation import Crop
from model.batches import Batches
from model.presets import build, restore
from model.recipes import (
    ACTIONS,
    ACTIONS_HEAD,
    ACTIONS_PROBE,
    MOTION_FURTHER,
    PAPER,
    SMALL,
    Recipe,
)
from model.training import Run, logger, rate_factor, supported_precision, train
from tests.dataset.folders import write_davis, write_jhmdb, write_stills

RECIPE = replace(SMALL, crop=Crop(32, 64, 40, (0.75, 1.5)), frames_per_step=8, precision="32-true")


@pytest.fixture
def videos(tmp_path: Path) -> list[LabelledVideo]:
    root = write_davis(tmp_path / "davis", {"swan": 9, "bear": 8}, size=(64, 96))
    return davis.load(root, "train")


def run_steps(
    folder: Path, videos: list[LabelledVideo], steps: int, *, resume: bool, whole: int = 4
) -> dict[str, torch.Tensor]:
    """Train up to `steps` of a run of `whole` steps; return the network's averaged weights."""
    torch.manual_seed(0)
    network = build("small")
    recipe: Recipe = replace(RECIPE, decay="exponential")  # doesn't depend on the run's length
    run = Run(
        folder=folder,
        steps=steps,
        seed=1,
        resume=resume,
        log_every=2,
        save_every=2,
        about={"preset": "small"},
    )
    train(
        Fabric(accelerator="cpu", devices=1, precision=recipe.precision, loggers=[logger(folder)]),
        network,
        recipe=replace(recipe, fixed_norm_from=whole),
        run=run,
        batches=Batches(videos[:1], [], stills.load(folder.parent / "stills"), recipe, seed=1),
        held_out=videos[1:],
        spec=working_spec("small", short_side=64),
    )
    assert checkpoint.load(network, folder / "weights.safetensors") == {
        "preset": "small",
        "step": steps,
    }
    return network.state_dict()


def test_a_resumed_run_ends_where_an_unbroken_one_does(
    tmp_path: Path, videos: list[LabelledVideo]
) -> None:
    write_stills(tmp_path / "stills", 3)
    unbroken = run_steps(tmp_path / "unbroken", videos, 4, resume=False)
    run_steps(tmp_path / "broken", videos, 2, resume=False)
    resumed = run_steps(tmp_path / "broken", videos, 4, resume=True)
    for name, value in unbroken.items():
        torch.testing.assert_close(resumed[name], value, rtol=1e-4, atol=1e-5)
    lines = [json.loads(line) for line in (tmp_path / "broken/log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [2, 2, 4, 4]
    assert {"J", "J/bear"} <= lines[1].keys()
    assert {"loss", "rate", "step_s"} <= lines[0].keys()


def test_refuses_to_resume_from_nothing(tmp_path: Path, videos: list[LabelledVideo]) -> None:
    write_stills(tmp_path / "stills", 3)
    with pytest.raises(FileNotFoundError, match=r"last\.ckpt"):
        run_steps(tmp_path / "new", videos, 2, resume=True)


def test_rates_of_the_recipes() -> None:
    assert rate_factor(0, 1000, 10, SMALL) == pytest.approx(0.01)
    assert rate_factor(500, 1000, 10, SMALL) == pytest.approx(0.5)
    assert rate_factor(999, 1000, 10, SMALL) < 1e-4
    assert rate_factor(9, 1000, 10, PAPER) == 1.0
    assert rate_factor(25, 1000, 10, PAPER) == pytest.approx(0.95**2)


@pytest.mark.parametrize(
    ("capability", "accelerator", "precision"),
    [("AVX2", "cpu", "32-true"), ("AVX512", "cpu", "bf16-mixed"), ("AVX2", "cuda", "bf16-mixed")],
)
def test_trains_in_float32_where_bfloat16_is_emulated(
    capability: str, accelerator: str, precision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: capability)
    assert supported_precision("bf16-mixed", accelerator) == precision
    assert supported_precision("32-true", accelerator) == "32-true"


@pytest.mark.parametrize(
    "recipe",
    [ACTIONS, ACTIONS_HEAD, ACTIONS_PROBE],
    ids=["jointly", "the head alone", "its last layer"],
)
def test_an_action_head_is_trained(
    recipe: Recipe, tmp_path: Path, videos: list[LabelledVideo]
) -> None:
    root = write_jhmdb(tmp_path / "jhmdb", {"run": ["a_run_b"], "walk": ["a_walk_b"]})
    clips, labels = jhmdb.load(root, 1, "train"), ("none", "run", "walk")
    recipe = replace(
        recipe,
        crop=RECIPE.crop,
        frames_per_step=4,
        clip_lengths=(2, 1),
        stills_share=0.0,
        precision="32-true",
    )
    torch.manual_seed(0)
    network = build("small", labels)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    folder = tmp_path / "run"
    train(
        Fabric(accelerator="cpu", devices=1, precision=recipe.precision, loggers=[logger(folder)]),
        network,
        recipe=recipe,
        run=Run(
            folder=folder,
            steps=2,
            seed=1,
            resume=False,
            log_every=2,
            save_every=2,
            about={"labels": labels},
        ),
        batches=Batches(videos[:1], clips, [], recipe, seed=1, labels=labels),
        held_out=videos[1:],
        spec=working_spec("small", short_side=64),
        acting=clips[:1],
    )
    last = json.loads((folder / "log.jsonl").read_text().splitlines()[-1])
    assert {"actions", "actions/truth", "none"} <= last.keys()
    restored, about = restore("small", folder / "weights.safetensors")
    assert about["labels"] == list(labels)
    assert restored.actions is not None
    assert restored.actions.labels == labels
    after = network.state_dict()
    changed = {name for name in before if not before[name].equal(after[name])}
    if recipe.trained == "classifier":
        assert changed == {"actions.classifier.weight", "actions.classifier.bias"}
    else:
        parts = {"actions"} if recipe.trained == "actions" else set(dict(network.named_children()))
        assert {name.partition(".")[0] for name in changed} == parts


def test_masks_are_trained_and_no_action_changes(
    tmp_path: Path, videos: list[LabelledVideo]
) -> None:
    write_stills(tmp_path / "stills", 5)
    recipe = replace(
        MOTION_FURTHER,
        crop=RECIPE.crop,
        frames_per_step=4,
        clip_lengths=(2, 1),
        actions_share=0.0,
        precision="32-true",
    )
    torch.manual_seed(0)
    network = build(replace(presets.SMALL, cues=True), ("none", "run")).eval()
    clips = torch.randint(256, (1, 2, 32, 64, 3), dtype=torch.uint8)
    boxes = torch.tensor([[[2.0, 2, 20, 20]] * 2])

    def answers() -> tuple[torch.Tensor, torch.Tensor]:
        with torch.inference_mode():
            return network.eval().score_actions(clips, boxes), network(clips)

    actions, masks = answers()
    folder = tmp_path / "run"
    train(
        Fabric(accelerator="cpu", devices=1, precision=recipe.precision, loggers=[logger(folder)]),
        network,
        recipe=recipe,
        run=Run(folder=folder, steps=2, seed=1, resume=False, log_every=2, save_every=2, about={}),
        batches=Batches(videos[:1], [], stills.load(tmp_path / "stills"), recipe, seed=1),
        held_out=[],
        spec=working_spec("small", short_side=64),
    )
    after_actions, after_masks = answers()
    assert after_actions.equal(actions)
    assert not after_masks.equal(masks)
