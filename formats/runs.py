"""Masks as plain run lengths, in the order of rows or of columns."""

import numpy as np
from numpy.typing import NDArray


def run_lengths(pixels: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Count the pixels of each run of (N,), N at least 1; the first, of background, may be empty.

    >>> run_lengths(np.array([True, True, False])).tolist()
    [0, 2, 1]
    >>> run_lengths(np.array([False, True, True])).tolist()
    [1, 2]
    """
    changes = np.flatnonzero(pixels[1:] != pixels[:-1]) + 1
    lengths = np.diff(changes, prepend=0, append=len(pixels))
    return np.concatenate([[0], lengths]) if pixels[0] else lengths
