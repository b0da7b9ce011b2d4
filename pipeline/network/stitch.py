"""One probability a frame from the clips that overlap on it."""

import sys
from collections.abc import Container, Iterable, Iterator, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray


def stitch(
    clips: Iterable[NDArray[np.float32]], starts: Sequence[int], frames: Container[int]
) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Average the probabilities (L, H, W) of clips at rising starts; yield the wanted `frames`.

    Each comes, the same to the last bit whatever else is wanted, once no later clip holds it.
    """
    sums: dict[int, NDArray[np.float32]] = {}
    counts: dict[int, int] = {}
    pairs = pairwise([*starts, sys.maxsize])
    for probabilities, (first, following) in zip(clips, pairs, strict=True):
        for frame, probability in enumerate(probabilities, first):
            if frame in frames:
                sums[frame] = sums[frame] + probability if frame in sums else probability
                counts[frame] = counts.get(frame, 0) + 1
        for frame in [frame for frame in sums if frame < following]:
            yield frame, sums.pop(frame) / np.float32(counts.pop(frame))
