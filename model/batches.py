"""The clips of each training step, drawn ahead in threads."""

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from dataset.values import LabelledSequence, LabelledStill
from model.augmentation import Clip, still_clip, video_clip
from model.recipes import Recipe

THREADS = 2
AHEAD = 6


@dataclass(frozen=True)
class Batch:
    """What one step trains on.

    Attributes:
        clips: (N, T, H, W, 3) uint8, RGB.
        masks: (N, T, H, W) bool.
    """

    clips: NDArray[np.uint8]
    masks: NDArray[np.bool_]


class Batches:
    """Draws the batch of any step; the same step always gives the same batch.

    Since nothing is remembered between steps, a run that is resumed sees what it would have seen.

    Args:
        videos: to cut clips from, at least one.
        actions: videos of people who act, at least one if the recipe wants any.
        stills: to set in motion, at least three if the recipe wants any.
        recipe: says how.
        seed: draws everything.

    Raises:
        ValueError: there are too few videos or stills.
    """

    def __init__(
        self,
        videos: Sequence[LabelledSequence],
        actions: Sequence[LabelledSequence],
        stills: Sequence[LabelledStill],
        recipe: Recipe,
        seed: int,
    ):
        if not videos:
            raise ValueError("Got no videos to train on, wanted at least one.")
        if recipe.actions_share > 0 and not actions:
            raise ValueError("Got no videos of actions to train on, wanted at least one.")
        if recipe.stills_share > 0 and len(stills) < 3:
            raise ValueError(f"Got {len(stills)} stills to train on, wanted at least 3.")
        self.videos = videos
        self.actions = actions
        self.stills = stills
        self.recipe = recipe
        self.seed = seed
        # Steps pass through the stills in this order, so that few come twice.
        self.order = np.random.default_rng(seed).permutation(len(stills))
        cv2.setNumThreads(1)

    def batch(self, step: int) -> Batch:
        """Draw the batch of a step, counted from 0."""
        lengths = self.recipe.clip_lengths
        length = lengths[step % len(lengths)]
        count = max(1, self.recipe.frames_per_step // length)
        drawn = [self._clip(step, index, length) for index in range(count)]
        clips, masks = zip(*drawn, strict=True)
        return Batch(np.stack(clips), np.stack(masks))

    def _clip(self, step: int, index: int, length: int) -> Clip:
        generator = np.random.default_rng([self.seed, step, index])
        chance = generator.random()
        if chance >= self.recipe.stills_share:
            from_actions = chance < self.recipe.stills_share + self.recipe.actions_share
            videos = self.actions if from_actions else self.videos
            video = videos[int(generator.integers(len(videos)))]
            return video_clip(video, length, self.recipe.crop, generator)
        most = self.recipe.frames_per_step // min(self.recipe.clip_lengths)
        still = self.stills[self.order[(step * most + index) % len(self.stills)]]
        first, second = (self.stills[int(i)] for i in generator.integers(len(self.stills), size=2))
        return still_clip(still, (first, second), length, self.recipe.crop, generator)

    def ahead(self, start: int, stop: int) -> Iterator[Batch]:
        """Yield the batches of steps `start` to `stop`, drawing a few ahead."""
        with ThreadPoolExecutor(THREADS, thread_name_prefix="clips") as threads:
            waiting: deque[Future[Batch]] = deque()
            for step in range(start, stop):
                waiting.append(threads.submit(self.batch, step))
                if len(waiting) > AHEAD:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
