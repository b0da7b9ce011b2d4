"""The state of training: all that a step changes, and so all that a checkpoint holds."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from model.batches import Batch
from model.distillation import Distillation
from model.losses import action_cross_entropy, cross_entropy, soft_iou
from model.network import SegmentationNetwork
from model.recipes import Recipe

# What ImageNet's weights fill; the rest learns as fast as the decoder.
PRETRAINED = re.compile(r"(encoder|actions\.branch)\.(?!temporal\.|reduce\.)|actions\.widen\.")

_DECODER = ("pyramid.", "decoder.", "scores.", "cues.")
# What the names of their weights begin with.
PARTS = {
    # Of an EfficientNet: the map at 1/8, which the action head stands on, comes of stage 2.
    "masks": (
        *(f"encoder.{part}.{stage}" for part in ("stages", "temporal") for stage in range(3, 7)),
        "encoder.reduce.",
        *_DECODER,
    ),
    "decoder": _DECODER,
    "actions": ("actions.",),
    "classifier": ("actions.classifier.",),
}


@dataclass
class TrainingState:
    """All that changes in training."""

    network: SegmentationNetwork
    model: Any
    average: AveragedModel
    optimizer: torch.optim.Optimizer
    distillation: Distillation | None
    step: int

    @classmethod
    def start(
        cls,
        fabric: Fabric,
        network: SegmentationNetwork,
        recipe: Recipe,
        distillation: Distillation | None,
    ) -> "TrainingState":
        fabric.to_device(network)
        if recipe.trained != "network":
            for name, parameter in network.named_parameters():
                parameter.requires_grad_(name.startswith(PARTS[recipe.trained]))
        # torch doesn't annotate this function.
        follow = get_ema_multi_avg_fn(recipe.average)  # type: ignore[no-untyped-call]
        average = AveragedModel(network, multi_avg_fn=follow, use_buffers=True)
        optimizer = _optimizer(network, recipe)
        if distillation is not None:
            fabric.to_device(distillation.train())
            projections = list(distillation.projections.parameters())
            optimizer.add_param_group({"params": projections, "base_lr": recipe.learning_rate})
        model, optimizer = fabric.setup(network, optimizer)
        for method in ("score_actions", "score_both", "score_with_cues", "score_with_maps"):
            model.mark_forward_method(method)
        return cls(network, model, average, optimizer, distillation, step=0)

    def advance(self, fabric: Fabric, batch: Batch, recipe: Recipe, factor: float) -> Tensor:
        """Take a step, rates times `factor`; return its loss, still on the device."""
        loss = self._loss(fabric, batch, recipe)
        for group in self.optimizer.param_groups:
            group["lr"] = group["base_lr"] * factor
        self.optimizer.zero_grad(set_to_none=True)
        fabric.backward(loss)
        if self.distillation is not None:
            # Fabric does this for the network itself.
            for weight in self.distillation.projections.parameters():
                if weight.grad is not None:
                    weight.grad = cast(Tensor, fabric.all_reduce(weight.grad, reduce_op="mean"))
        # A loss that isn't finite is found when it is logged: to look at each would hold a GPU up.
        fabric.clip_gradients(self.model, self.optimizer, max_norm=5.0, error_if_nonfinite=False)
        self.optimizer.step()
        self.average.update_parameters(self.network)
        self.step += 1
        return loss.detach()

    def _loss(self, fabric: Fabric, batch: Batch, recipe: Recipe) -> Tensor:
        clips, masks, cues, boxes, answers, trust = fabric.to_device(tuple(batch))
        if self.distillation is not None:
            return self._distilled_loss(self.distillation, clips, masks, recipe)
        if recipe.cue_weight:
            logits, by_cues = self.model.score_with_cues(clips, cues)
            told = cues.flatten(1).amax(1) > 0
            of_cues = _mask_loss(by_cues[told], masks[told], recipe) if told.any() else 0.0
            return _mask_loss(logits, masks, recipe) + recipe.cue_weight * of_cues
        if not recipe.action_weight:
            return _mask_loss(self.model(clips), masks, recipe)
        if recipe.trained != "network":
            scores = self.model.score_actions(clips, boxes)
            return recipe.action_weight * action_cross_entropy(scores, answers, trust)
        logits, scores = self.model.score_both(clips, boxes)
        of_actions = action_cross_entropy(scores, answers, trust)
        return _mask_loss(logits, masks, recipe) + recipe.action_weight * of_actions

    def _distilled_loss(
        self, distillation: Distillation, clips: Tensor, masks: Tensor, recipe: Recipe
    ) -> Tensor:
        answer, wanted = distillation.teach(clips)
        logits, maps = self.model.score_with_maps(clips)
        targets = masks.float().lerp(answer, recipe.teacher_weight)
        of_maps = distillation.unlikeness(maps, wanted)
        return _mask_loss(logits, targets, recipe) + recipe.hint_weight * of_maps

    def save(self, fabric: Fabric, path: Path) -> None:
        """Write the checkpoint whole or not at all; torch's random state goes with it."""
        part = path.with_suffix(".part")
        fabric.save(part, {**self._parts(), "step": self.step, "random": torch.get_rng_state()})
        if fabric.is_global_zero:
            part.replace(path)

    def resume(self, fabric: Fabric, path: Path) -> None:
        if not path.is_file():
            raise FileNotFoundError(f"There is nothing to resume from: {path} is missing.")
        rest = fabric.load(path, self._parts())
        self.step = int(rest["step"])
        torch.set_rng_state(rest["random"])

    def _parts(self) -> dict[str, Any]:
        parts = {"network": self.network, "average": self.average, "optimizer": self.optimizer}
        if self.distillation is not None:
            parts["projections"] = self.distillation.projections
        return parts


def _mask_loss(logits: Tensor, masks: Tensor, recipe: Recipe) -> Tensor:
    loss = cross_entropy(logits, masks)
    if recipe.iou_weight:
        loss = loss + recipe.iou_weight * soft_iou(logits, masks)
    return loss


def _optimizer(network: SegmentationNetwork, recipe: Recipe) -> torch.optim.Optimizer:
    trained: dict[bool, list[nn.Parameter]] = {True: [], False: []}
    for name, parameter in network.named_parameters():
        if parameter.requires_grad:
            trained[PRETRAINED.match(name) is not None].append(parameter)
    groups = [
        {"params": trained[True], "base_lr": recipe.encoder_learning_rate},
        {"params": trained[False], "base_lr": recipe.learning_rate},
    ]
    return torch.optim.AdamW(groups, lr=recipe.learning_rate, weight_decay=recipe.weight_decay)
