"""The clips of each training step, drawn ahead by other processes."""

import copy
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from dataset.davis import PEOPLE
from dataset.jhmdb import ActionClip
from dataset.values import LabelledSequence, LabelledStill
from model.augmentation import Clip, action_clip, still_clip, video_clip
from model.boxes import jittered, tight_boxes
from model.composites import STILLS, composite_clip
from model.recipes import Recipe
from pipeline.network.motion import SCALE, MotionEstimator
from pipeline.network.spec import CUES
from pipeline.values import NO_ACTION

AHEAD = 3  # batches of each process
# Many stills show people, and nothing says which: their answer `none` counts for little.
STILLS_TRUST = 0.1


class Batch(NamedTuple):
    """What one step trains on.

    `clips` are (N, T, H, W, 3) uint8 RGB, `masks` (N, T, H, W) bool, `cues` (N, T, H / 2, W / 2, 3)
    uint8, `boxes` (N, T, 4) float32 around the masks, `answers` (N,) int64 the clips' labels, and
    `trust` (N, T) float32 what these are worth in each frame, 0 to 1.
    """

    clips: Tensor
    masks: Tensor
    cues: Tensor
    boxes: Tensor
    answers: Tensor
    trust: Tensor


@dataclass(frozen=True)
class _Drawn:
    """A clip with its cues, the label of its object and what that label is worth."""

    clip: Clip
    cues: NDArray[np.uint8]
    label: str = NO_ACTION
    trust: float = 0.0


class Batches(Dataset[Batch]):
    """Draws the batch of any step, which is always the same, so that a run can be resumed.

    Raises ValueError for too few videos or stills, of which there must be three if the recipe wants
    any, or for a label without a video.
    """

    def __init__(
        self,
        videos: Sequence[LabelledSequence],
        actions: Sequence[ActionClip],
        stills: Sequence[LabelledStill],
        recipe: Recipe,
        *,
        seed: int,
        labels: Sequence[str] = (),
    ):
        if not videos:
            raise ValueError("There must be at least one video to train on, got none.")
        if recipe.actions_share > 0 and not actions:
            raise ValueError("There must be at least one video of actions to train on, got none.")
        if recipe.stills_share + recipe.composites_share > 0 and len(stills) < 3:
            raise ValueError(f"There must be at least 3 stills to train on, got {len(stills)}.")
        if labels and NO_ACTION not in labels:
            raise ValueError(f"{NO_ACTION} must be among the labels, got {', '.join(labels)}.")
        lacking = set(labels) - {NO_ACTION} - {clip.action for clip in actions if labels}
        if lacking:
            raise ValueError(f"There is no video of {', '.join(sorted(lacking))}.")
        self.videos = videos
        self.actions = actions
        self.stills = stills
        self.recipe = recipe
        self.device, self.devices = 0, 1
        self.seed = seed
        self.labels = tuple(labels)
        self.clips_of = {
            label: [clip for clip in actions if clip.action == label]
            for label in self.labels
            if label != NO_ACTION
        }
        # Steps pass through the stills in this order, so that few come twice.
        self.order = np.random.default_rng(seed).permutation(len(stills))
        cv2.setNumThreads(1)

    def share(self, device: int, devices: int) -> "Batches":
        """Return what one of several devices, counted from 0, trains on: each has its own clips."""
        own = copy.copy(self)
        own.device, own.devices = device, devices
        return own

    def __getitem__(self, step: int) -> Batch:
        lengths = self.recipe.clip_lengths
        length = lengths[step % len(lengths)]
        count = max(1, self.recipe.frames_per_step // length)
        indices = range(self.device * count, (self.device + 1) * count)
        drawn = [self._draw(step, index, length) for index in indices]
        clips, masks = zip(*(one.clip for one in drawn), strict=True)
        cues = np.stack([one.cues for one in drawn])
        boxes = np.stack(
            [self._boxes(step, index, m) for index, m in zip(indices, masks, strict=True)]
        )
        seen = np.isfinite(boxes[..., 0])
        trust = np.array([[one.trust] for one in drawn], np.float32) * seen
        answers = [self.labels.index(one.label) if self.labels else 0 for one in drawn]
        drawn_arrays = (
            np.stack(clips),
            np.stack(masks),
            cues,
            np.nan_to_num(boxes),
            np.array(answers),
        )
        return Batch(*(torch.from_numpy(array) for array in (*drawn_arrays, trust)))

    def _boxes(self, step: int, index: int, masks: NDArray[np.bool_]) -> NDArray[np.float32]:
        generator = np.random.default_rng([self.seed, step, index, 1])
        return jittered(tight_boxes(masks), generator)

    def _draw(self, step: int, index: int, length: int) -> _Drawn:
        generator = np.random.default_rng([self.seed, step, index])
        if not self.recipe.cue_weight:
            clip, label, trust = self._choose(step, index, length, generator)
            return _Drawn(clip, _no_cues(clip[1]), label, trust)
        close = generator.random() < self.recipe.close_up_share
        moves = length > 1 and generator.random() >= self.recipe.still_share
        beyond = 1 if length > 1 else 0  # a neighbour on either side, towards which things move
        wider, label, trust = self._choose(step, index, length + 2 * beyond, generator, close)
        inside = slice(beyond, beyond + length)
        frames, masks = wider[0][inside], wider[1][inside]
        cues = MotionEstimator().maps(list(wider[0]))[inside] if moves else _no_cues(masks)
        return _Drawn((frames, masks), cues, label, trust)

    def _choose(
        self,
        step: int,
        index: int,
        length: int,
        generator: np.random.Generator,
        close: bool = False,
    ) -> tuple[Clip, str, float]:
        """Draw a clip, the label of its object and what that label is worth."""
        recipe, crop = self.recipe, self.recipe.crop
        chance = generator.random()
        # A single picture shows no motion: where one is wanted, a still takes a composite's place.
        composites_share = recipe.composites_share if length > 1 else 0.0
        stills_share = recipe.stills_share + recipe.composites_share - composites_share
        if chance < stills_share:
            others = [self._any_still(generator) for _ in range(2)]
            clip = still_clip(self._still(step, index), others, length, crop, generator)
            return clip, NO_ACTION, STILLS_TRUST
        chance -= stills_share
        if chance < composites_share:
            others = [self._any_still(generator) for _ in range(STILLS - 1)]
            drawn = [self._still(step, index), *others]
            return composite_clip(drawn, length, crop, generator), NO_ACTION, STILLS_TRUST
        chance -= composites_share
        if chance >= recipe.actions_share:
            video = self.videos[int(generator.integers(len(self.videos)))]
            trust = 0.0 if video.name in PEOPLE else 1.0
            return video_clip(video, length, crop, generator, close=close), NO_ACTION, trust
        if not self.labels:
            acting = self.actions[int(generator.integers(len(self.actions)))]
            return video_clip(acting, length, crop, generator, close=close), NO_ACTION, 0.0
        label = list(self.clips_of)[int(generator.integers(len(self.clips_of)))]
        clips = self.clips_of[label]
        acting = clips[int(generator.integers(len(clips)))]
        closer = replace(crop, scales=recipe.action_scales)
        return action_clip(acting, length, closer, generator), label, 1.0

    def _still(self, step: int, index: int) -> LabelledStill:
        """Return the still whose turn it is, so that few come twice."""
        most = self.devices * self.recipe.frames_per_step // min(self.recipe.clip_lengths)
        return self.stills[int(self.order[(step * most + index) % len(self.stills)])]

    def _any_still(self, generator: np.random.Generator) -> LabelledStill:
        return self.stills[int(generator.integers(len(self.stills)))]

    def ahead(self, start: int, stop: int, workers: int) -> Iterable[Batch]:
        """Return the batches of steps `start` to `stop`, drawn ahead by processes, if any."""
        return DataLoader(
            self,
            batch_size=None,
            sampler=range(start, stop),
            num_workers=workers,
            prefetch_factor=AHEAD if workers else None,
            # A fork would copy the threads of training halfway.
            multiprocessing_context="spawn" if workers else None,
            worker_init_fn=_draw_alone,
            pin_memory=torch.cuda.is_available(),
        )


def _no_cues(masks: NDArray[np.bool_]) -> NDArray[np.uint8]:
    length, height, width = masks.shape
    return np.zeros((length, height // SCALE, width // SCALE, CUES), np.uint8)


def _draw_alone(_worker: int) -> None:
    """Keep a process that draws to one thread: there is one for each core."""
    cv2.setNumThreads(1)
