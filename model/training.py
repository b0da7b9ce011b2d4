"""Trains a preset: steps, validation, checkpoints, log; a run that stopped goes on where it was."""

import json
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import torch
from lightning_fabric import Fabric
from lightning_fabric.loggers.tensorboard import TensorBoardLogger
from torch import Tensor, nn
from tqdm import tqdm

from dataset.jhmdb import ActionClip
from dataset.values import LabelledSequence
from model import checkpoint
from model.batches import Batches
from model.distillation import Distillation
from model.network import SegmentationNetwork
from model.recipes import Precision, Recipe
from model.training_state import TrainingState
from model.validation import glance, glance_actions, segment_with
from pipeline.network.spec import ModelSpec

WARM_UP_STEPS = 100


@dataclass(frozen=True, kw_only=True)
class Run:
    """Where and how long a run trains.

    The folder takes `last.ckpt`, which `resume` goes on from, `weights.safetensors`, `log.jsonl`
    and TensorBoard's events. So many `workers`, or else the process that trains, draw clips.
    """

    folder: Path
    steps: int
    seed: int
    resume: bool
    log_every: int
    save_every: int
    about: dict[str, object]
    workers: int = 0


def train(
    fabric: Fabric,
    network: SegmentationNetwork,
    *,
    recipe: Recipe,
    run: Run,
    batches: Batches,
    held_out: Sequence[LabelledSequence],
    spec: ModelSpec,
    acting: Sequence[ActionClip] = (),
    distillation: Distillation | None = None,
) -> None:
    """Train a network and leave its averaged weights in the run's folder.

    It is validated on `held_out`, its action head on `acting`. Raises FileNotFoundError without a
    checkpoint to resume from, FloatingPointError if the loss isn't finite, and saves nothing then.
    """
    run.folder.mkdir(parents=True, exist_ok=True)
    batches = batches.share(fabric.global_rank, fabric.world_size)
    state = TrainingState.start(fabric, network, recipe, distillation)
    if run.resume:
        state.resume(fabric, run.folder / "last.ckpt")
    log = Log(fabric, run.folder)
    progress = tqdm(
        total=run.steps,
        initial=state.step,
        unit="step",
        dynamic_ncols=True,
        disable=not fabric.is_global_zero,
    )
    epoch_steps = steps_per_epoch(batches.videos, recipe)
    losses: list[Tensor] = []
    started = time.monotonic()
    for batch in batches.ahead(state.step, run.steps, run.workers):
        network.train()
        if state.step >= recipe.fixed_norm_from * run.steps:
            _fix_norm(network)
        factor = rate_factor(state.step, run.steps, epoch_steps, recipe)
        losses.append(state.advance(fabric, batch, recipe, factor))
        progress.update()
        if len(losses) == run.log_every:
            mean = _mean(losses, state.step)
            seconds = (time.monotonic() - started) / len(losses)
            log.write(state.step, {"loss": mean, "rate": factor, "step_s": seconds})
            progress.set_postfix(loss=f"{mean:.3f}")
            losses, started = [], time.monotonic()
        if state.step % run.save_every == 0 or state.step == run.steps:
            before = time.monotonic()
            _mean(losses, state.step)
            best = cast(SegmentationNetwork, state.average.module) if recipe.average else network
            if fabric.is_global_zero:
                _validate(fabric, best, held_out, acting, spec, log=log, step=state.step)
                about = {**run.about, "step": state.step}
                checkpoint.save(best, run.folder / "weights.safetensors", about)
            state.save(fabric, run.folder / "last.ckpt")
            started += time.monotonic() - before
    progress.close()


class Log:
    """What a run measures, as TensorBoard's events and as lines of JSON."""

    def __init__(self, fabric: Fabric, folder: Path):
        self.fabric = fabric
        self.path = folder / "log.jsonl"

    def write(self, step: int, values: dict[str, float]) -> None:
        """Add the values measured at a step; of several devices the first one writes."""
        if not self.fabric.is_global_zero:
            return
        self.fabric.log_dict(values, step)
        rounded = {name: float(f"{value:.5g}") for name, value in values.items()}
        with self.path.open("a") as log:
            log.write(json.dumps({"step": step, **rounded}) + "\n")


def supported_precision(wanted: Precision, accelerator: str) -> Precision:
    """Return the precision, float32 where a CPU's bfloat16 would be ten times slower."""
    if wanted == "32-true" or accelerator != "cpu":
        return wanted
    capability = torch.backends.cpu.get_cpu_capability()
    if capability == "AVX512":
        return wanted
    tqdm.write(f"This CPU's {capability} can't do {wanted}, training in 32-true instead.")
    return "32-true"


def steps_per_epoch(videos: Sequence[LabelledSequence], recipe: Recipe) -> int:
    return max(1, round(sum(len(video) for video in videos) / recipe.frames_per_step))


def rate_factor(step: int, steps: int, epoch_steps: int, recipe: Recipe) -> float:
    """Return what the learning rates are multiplied by at a step, counted from 0."""
    if recipe.decay == "exponential":
        return float(0.95 ** (step // epoch_steps))
    warm = min(1.0, (step + 1) / WARM_UP_STEPS)
    return warm * 0.5 * (1 + math.cos(math.pi * step / max(1, steps)))


def _mean(losses: Sequence[Tensor], step: int) -> float:
    mean = float(torch.stack(list(losses)).mean()) if losses else 0.0
    if not math.isfinite(mean):
        raise FloatingPointError(
            f"The loss must be a number, got {mean} in the {len(losses)} steps before step {step}."
        )
    return mean


def _fix_norm(network: nn.Module) -> None:
    """Let batch norm use its gathered statistics, as it will when serving."""
    for part in network.modules():
        if isinstance(part, nn.BatchNorm2d | nn.BatchNorm3d):
            part.eval()


def _validate(
    fabric: Fabric,
    network: SegmentationNetwork,
    held_out: Sequence[LabelledSequence],
    acting: Sequence[ActionClip],
    spec: ModelSpec,
    *,
    log: Log,
    step: int,
) -> None:
    network.eval()
    with fabric.autocast():
        scores = glance(segment_with(network), held_out, spec) if held_out else {}
        right = glance_actions(network, acting, held_out, spec) if acting else {}
    if scores:
        mean = sum(scores.values()) / len(scores)
        log.write(step, {"J": mean, **{f"J/{name}": j for name, j in scores.items()}})
        each = ", ".join(f"{name} {j:.2f}" for name, j in scores.items())
        tqdm.write(f"step {step}: mean J {mean:.3f} of {each}")
    if right:
        log.write(step, right)
        tqdm.write(f"step {step}: " + ", ".join(f"{name} {x:.3f}" for name, x in right.items()))


def logger(folder: Path) -> TensorBoardLogger:
    return TensorBoardLogger(root_dir=folder, name=None, version="events")
