"""Runs a model over sequences, and scores sequences in processes side by side."""

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import TypeVar

import cv2
from tqdm import tqdm

from dataset.values import LabelledSequence
from evaluation.predictions import write
from evaluation.region import Mask

S = TypeVar("S", bound=LabelledSequence)
R = TypeVar("R")


Predict = Callable[[LabelledSequence], Iterator[Mask]]
"""Gives the T masks (H, W) of a sequence, bool."""


def predict(segment: Predict, sequences: Sequence[LabelledSequence], folder: Path) -> None:
    with tqdm(desc="segmenting", total=_frames(sequences), unit="frame", disable=None) as bar:
        for sequence in sequences:
            for _ in write(folder, sequence, segment(sequence)):
                bar.update()


def score_each(score: Callable[[Path, S], R], folder: Path, sequences: Sequence[S]) -> dict[str, R]:
    """Score each sequence in a process of its own core; `score` must be a module's function."""
    workers = min(os.cpu_count() or 1, len(sequences))
    context = multiprocessing.get_context("spawn")  # a fork would copy the model's threads halfway
    scores: dict[str, R] = {}
    with (
        tqdm(desc="scoring", total=_frames(sequences), unit="frame", disable=None) as bar,
        ProcessPoolExecutor(workers, context, initializer=cv2.setNumThreads, initargs=(1,)) as pool,
    ):
        # The longest first, so that no core is left with a long one at the end.
        order = sorted(sequences, key=len, reverse=True)
        running = {pool.submit(score, folder, sequence): sequence for sequence in order}
        try:
            for done in as_completed(running):
                sequence = running[done]
                scores[sequence.name] = done.result()
                bar.update(len(sequence))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return {sequence.name: scores[sequence.name] for sequence in sequences}


def _frames(sequences: Sequence[LabelledSequence]) -> int:
    return sum(len(sequence) for sequence in sequences)
