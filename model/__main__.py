"""Trains and measures networks: `python -m model train ...`, `python -m model evaluate ...`."""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import get_args

import torch
from lightning_fabric import Fabric
from tqdm import tqdm

from dataset import davis, jhmdb, stills
from dataset.held_out import split_davis, split_jhmdb
from dataset.values import LabelledSequence, LabelledStill, LabelledVideo
from model import checkpoint
from model.action_motion import describe_person
from model.action_motion import fit as fit_motion
from model.batches import Batches
from model.calibration import divide_scores, fit_temperature
from model.distillation import Distillation
from model.efficientnet import Branch, EfficientNetEncoder, imagenet_state, load_head
from model.network import SegmentationNetwork
from model.presets import PRESETS, build, restore
from model.r2plus1d import R2Plus1D, load_kinetics
from model.recipes import RECIPES, SMALL, Recipe
from model.training import Run, logger, steps_per_epoch, supported_precision, train
from model.validation import evaluate, score_middle
from model.weight_averaging import CUES, HEAD, MOTION, mean_weights
from pipeline.network.spec import ModelSpec
from pipeline.values import NO_ACTION, Quality

# On Linux a training step spends a quarter to two thirds of its time on page faults of large
# tensors that malloc hands back to the system at once; these keep them. They are read before a
# program starts, hence from the environment.
MALLOC = {
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": "100000000000",
    "MALLOC_TOP_PAD_": "268435456",
}

# Of those held out: enough to see a run's course, few enough to look at often.
GLANCED_CLIPS = 67


def main(arguments: Sequence[str]) -> None:
    parsed = _parser().parse_args(arguments)
    parsed.run(parsed)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m model", description=__doc__)
    commands = parser.add_subparsers(required=True)
    training = commands.add_parser("train", help="train a preset")
    training.set_defaults(run=_train)
    training.add_argument("--preset", choices=PRESETS, required=True)
    training.add_argument("--recipe", choices=RECIPES, required=True)
    training.add_argument(
        "--data", type=Path, required=True, help="holds davis/, jhmdb/ and stills/*/"
    )
    training.add_argument("--out", type=Path, required=True, help="the run's folder")
    training.add_argument("--steps", type=int, help="instead of the recipe's epochs")
    training.add_argument("--resume", action="store_true", help="go on from the folder's last.ckpt")
    training.add_argument("--weights", type=Path, help="start from these, not from ImageNet's")
    training.add_argument("--new-head", action="store_true", help="begin with a new action head")
    training.add_argument(
        "--kinetics", type=Path, help="R(2+1)D's checkpoint, for the preset `paper`"
    )
    training.add_argument(
        "--teacher", type=Path, help="weights of a `small` preset, for the recipe `distil`"
    )
    training.add_argument("--everything", action="store_true", help="hold no sequence out")
    training.add_argument("--seed", type=int, default=0)
    training.add_argument("--log-every", type=int, default=20, metavar="STEPS")
    training.add_argument("--save-every", type=int, default=250, metavar="STEPS")
    training.add_argument(
        "--frames", type=int, metavar="N", help="of a step on each device, not the recipe's"
    )
    training.add_argument(
        "--workers", type=int, default=2, metavar="N", help="processes that draw clips"
    )
    training.add_argument(
        "--short-side",
        type=int,
        metavar="PIXELS",
        help="of what the network sees, instead of the recipe's; its clips grow alike",
    )
    training.add_argument("--accelerator", default="cpu", help="cpu or cuda")
    training.add_argument(
        "--devices", type=int, default=1, help="GPUs, or processes on a CPU, that share the work"
    )
    measuring = commands.add_parser("evaluate", help="mean J on sequences of DAVIS")
    measuring.set_defaults(run=_evaluate)
    measuring.add_argument("--preset", choices=PRESETS, required=True)
    measuring.add_argument("--weights", type=Path, required=True)
    measuring.add_argument("--data", type=Path, required=True, help="holds davis/")
    measuring.add_argument("--split", help="of DAVIS, instead of what training held out of train")
    measuring.add_argument("--short-side", type=int, default=256)
    measuring.add_argument("--quality", choices=get_args(Quality), default="fast")
    for name, run, help_ in (
        ("calibrate", _calibrate, "make actions as sure as they are right, on what was held out"),
        ("fit-motion", _fit_motion, "teach an action head what motion says, on J-HMDB"),
    ):
        finishing = commands.add_parser(name, help=help_)
        finishing.set_defaults(run=run)
        finishing.add_argument("--preset", choices=PRESETS, required=True)
        finishing.add_argument("--weights", type=Path, required=True)
        finishing.add_argument(
            "--data", type=Path, required=True, help="holds jhmdb/ and, to calibrate, davis/"
        )
        finishing.add_argument("--short-side", type=int, default=256)
        finishing.add_argument("--out", type=Path, required=True, help="a .safetensors file")
    averaging = commands.add_parser("average", help="the mean of trained networks")
    averaging.set_defaults(run=_average)
    averaging.add_argument("--preset", choices=PRESETS, required=True)
    averaging.add_argument(
        "weights", type=Path, nargs="+", help="before further training, and after each run of it"
    )
    averaging.add_argument(
        "--share",
        type=float,
        help="of all but the first in the mean, 0 to 1; default: all files count alike",
    )
    averaging.add_argument(
        "--new-head", action="store_true", help="take the action heads of the runs only"
    )
    averaging.add_argument("--out", type=Path, required=True, help="a .safetensors file")
    return parser


def _average(parsed: argparse.Namespace) -> None:
    before, *after = (restore(parsed.preset, path) for path in parsed.weights)
    if not after:
        sys.exit(f"There must be two files of weights or more, got {parsed.weights[0]} alone.")
    share = len(after) / (1 + len(after)) if parsed.share is None else parsed.share
    network, about = after[-1]
    states = [trained.state_dict() for trained, _ in after]
    first = before[0].state_dict()
    if parsed.new_head:
        first = {name: value for name, value in first.items() if not name.startswith(HEAD)}
    network.load_state_dict(mean_weights(first, states, share))
    checkpoint.save(network, parsed.out, {**about, "averaged": share})


def _calibrate(parsed: argparse.Namespace) -> None:
    network, about = restore(parsed.preset, parsed.weights)
    if network.actions is None:
        sys.exit(f"{parsed.weights} must have an action head.")
    network.eval()
    _, acting = split_jhmdb(jhmdb.load(parsed.data / "jhmdb", 1, "train"))
    _, others = split_davis(davis.load(parsed.data / "davis", "train"))
    shown: list[tuple[LabelledSequence, str]] = [(clip, clip.action) for clip in acting]
    shown += [(video, NO_ACTION) for video in others if video.name not in davis.PEOPLE]
    spec = working_spec(parsed.preset, parsed.short_side)
    scores, answers = [], []
    for video, action in tqdm(shown, "calibrate", unit="clip", dynamic_ncols=True):
        found, _ = score_middle(network, video, spec)
        if found is not None:
            scores.append(found)
            answers.append(network.actions.labels.index(action))
    if not scores:
        sys.exit(f"{parsed.weights} find nothing in {len(shown)} held-out clips.")
    temperature = fit_temperature(scores, answers)
    divide_scores(network.actions, temperature)
    checkpoint.save(network, parsed.out, {**about, "temperature": round(temperature, 4)})
    print(f"Temperature {temperature:.3f}, from {len(scores)} clips.")


def _fit_motion(parsed: argparse.Namespace) -> None:
    network, about = restore(parsed.preset, parsed.weights)
    if network.actions is None or network.actions.motion is None:
        sys.exit(f"{parsed.weights} must have an action head that takes motion.")
    scores, labels = network.actions.motion, network.actions.labels[1:]
    clips, _ = split_jhmdb(jhmdb.load(parsed.data / "jhmdb", 1, "train"))
    spec = working_spec(parsed.preset, parsed.short_side)
    descriptions, answers = [], []
    for clip in tqdm(clips, "fit-motion", unit="clip", dynamic_ncols=True):
        for described in describe_person(scores, clip, spec):
            descriptions.append(described)
            answers.append(labels.index(clip.action))
    fit_motion(scores, descriptions, answers)
    checkpoint.save(network, parsed.out, about)


def _train(parsed: argparse.Namespace) -> None:
    on_cpu = parsed.accelerator == "cpu"
    if on_cpu and sys.platform == "linux" and any(name not in os.environ for name in MALLOC):
        os.environ.update(MALLOC)
        os.execv(sys.executable, [sys.executable, "-m", "model", *sys.argv[1:]])
    recipe = RECIPES[parsed.recipe]
    if parsed.short_side:
        recipe = replace(recipe, crop=recipe.crop.resized(parsed.short_side))
    if parsed.frames:
        recipe = replace(recipe, frames_per_step=parsed.frames)
    videos, held_out = _videos(parsed)
    clips, acting = _actions(parsed, recipe)
    taught = (NO_ACTION, *sorted({clip.action for clip in clips})) if recipe.action_weight else ()
    labels = taught or _labels(parsed.weights)
    batches = Batches(
        videos, clips, _stills(parsed, recipe), recipe, seed=parsed.seed, labels=taught
    )
    fabric = Fabric(
        accelerator=parsed.accelerator,
        devices=parsed.devices,
        strategy="auto" if parsed.devices == 1 else "ddp",
        precision=supported_precision(recipe.precision, parsed.accelerator),
        loggers=[logger(parsed.out)],
    )
    fabric.launch()
    torch.manual_seed(parsed.seed)
    network = build(parsed.preset, labels)
    _initialise(network, parsed, anew=parsed.new_head or recipe.trained == "classifier")
    run = Run(
        folder=parsed.out,
        steps=parsed.steps or recipe.epochs * steps_per_epoch(videos, recipe),
        seed=parsed.seed,
        resume=parsed.resume,
        log_every=parsed.log_every,
        save_every=parsed.save_every,
        workers=parsed.workers,
        about={
            "preset": parsed.preset,
            "recipe": parsed.recipe,
            "seed": parsed.seed,
            "short_side": recipe.crop.short_side,
            "frames_per_step": recipe.frames_per_step,
            "git_revision": _revision(),
            **({"labels": labels} if labels else {}),
        },
    )
    train(
        fabric,
        network,
        recipe=recipe,
        run=run,
        batches=batches,
        held_out=held_out,
        spec=working_spec(parsed.preset, recipe.crop.short_side),
        distillation=_distillation(parsed, recipe, network),
        acting=acting[:: max(1, len(acting) // GLANCED_CLIPS)] if taught else [],
    )


def _distillation(
    parsed: argparse.Namespace, recipe: Recipe, network: SegmentationNetwork
) -> Distillation | None:
    wanted = recipe.teacher_weight > 0 or recipe.hint_weight > 0
    if wanted != (parsed.teacher is not None):
        given = "no --teacher" if wanted else f"--teacher {parsed.teacher}"
        sys.exit(f"Recipe {parsed.recipe} needs {'one' if wanted else 'none'}, got {given}.")
    if not wanted:
        return None
    teacher, _ = restore(None, parsed.teacher)
    # The teacher sees pictures of about the size that it was trained with.
    scale = 2 if recipe.crop.short_side < SMALL.crop.short_side else 1
    return Distillation(teacher, network, scale)


def _videos(
    parsed: argparse.Namespace,
) -> tuple[list[LabelledVideo], list[LabelledVideo]]:
    videos = davis.load(parsed.data / "davis", "train")
    return (videos, []) if parsed.everything else split_davis(videos)


def _actions(
    parsed: argparse.Namespace, recipe: Recipe
) -> tuple[list[jhmdb.ActionClip], list[jhmdb.ActionClip]]:
    if not recipe.actions_share:
        return [], []
    clips = jhmdb.load(parsed.data / "jhmdb", 1, "train")
    return (clips, []) if parsed.everything else split_jhmdb(clips)


def _stills(parsed: argparse.Namespace, recipe: Recipe) -> list[LabelledStill]:
    if not recipe.stills_share + recipe.composites_share:
        return []
    folders = sorted((parsed.data / "stills").glob("*/"))
    return [still for folder in folders for still in stills.load(folder)]


def _initialise(network: SegmentationNetwork, parsed: argparse.Namespace, *, anew: bool) -> None:
    """Fill the network from `--weights`, ImageNet or Kinetics; a head may start `anew`."""
    if network.actions is not None and isinstance(network.actions.branch, Branch):
        imagenet = imagenet_state(network.actions.branch.variant)
        network.actions.branch.load_imagenet(imagenet)
        load_head(network.actions.widen, imagenet)
    if parsed.weights is not None:
        _require_labels(network, parsed.weights)
        checkpoint.load(
            network, parsed.weights, new=(HEAD, CUES, MOTION), anew=(HEAD,) if anew else ()
        )
    elif isinstance(network.encoder, EfficientNetEncoder):
        network.encoder.load_imagenet(imagenet_state(network.encoder.variant))
    elif isinstance(network.encoder, R2Plus1D) and parsed.kinetics is not None:
        load_kinetics(network.encoder, parsed.kinetics)


def _labels(weights: Path | None) -> tuple[str, ...]:
    """Return the labels of the action head that weights have, which is kept as it is."""
    given = () if weights is None else checkpoint.about(weights).get("labels", ())
    return tuple(str(label) for label in given) if isinstance(given, list) else ()


def _require_labels(network: SegmentationNetwork, weights: Path) -> None:
    given = checkpoint.about(weights).get("labels")
    wanted = list(network.actions.labels) if network.actions is not None else given
    if given is not None and given != wanted:
        sys.exit(f"The labels of {weights} must be {wanted}, got {given}.")


def working_spec(preset: str, short_side: int = 256) -> ModelSpec:
    """Return how a network of a preset is fed before it has been exported."""
    return ModelSpec(
        name=preset,
        version="",
        clip_length=PRESETS[preset].clip_length,
        short_side=short_side,
        long_side=2 * short_side,
        multiple=32,
        licence="",
        data="",
        measured={},
        git_revision="",
        cues=PRESETS[preset].cues,
    )


def _revision() -> str:
    found = subprocess.run(
        ["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False
    )
    return found.stdout.strip() or "unknown"


def _evaluate(parsed: argparse.Namespace) -> None:
    videos = davis.load(parsed.data / "davis", parsed.split or "train")
    if parsed.split is None:
        _, videos = split_davis(videos)
    network, _ = restore(parsed.preset, parsed.weights)
    network.eval()
    spec = working_spec(parsed.preset, parsed.short_side)
    scores = evaluate(network, videos, spec, parsed.quality)
    mean = sum(scores.values()) / len(scores)
    part = f"davis {parsed.split or 'held out'}"
    metrics = {f"J {part}": mean, **{f"J {name}": j for name, j in scores.items()}}
    print(json.dumps({name: round(j, 4) for name, j in metrics.items()}))


if __name__ == "__main__":
    main(sys.argv[1:])
