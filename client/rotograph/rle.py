"""COCO run lengths turned into masks, with NumPy alone."""

import numpy as np
from numpy.typing import NDArray

_FIRST = ord("0")
_BITS = 5
_MORE = 0x20  # another character of the same number follows
_NEGATIVE = 0x10  # in a number's last character


def decode(height: int, width: int, counts: str) -> NDArray[np.bool_]:
    """Return a mask (H, W) from compressed run lengths; raises ValueError if they don't fill it.

    >>> bool(decode(3, 5, "0?").all())
    True
    """
    runs = _runs(counts)
    if (runs < 0).any() or runs.sum() != height * width:
        raise ValueError(
            f"Runs must be of {height * width} pixels for {height}x{width}, got {runs.sum()}."
        )
    colours = np.arange(len(runs)) % 2 == 1
    return np.repeat(colours, runs).reshape(width, height).T


def _runs(counts: str) -> NDArray[np.int64]:
    """Read the lengths of the runs, background first.

    A number is written in pieces of five bits, the lowest first, and from the fourth on is the
    difference to the run before the last: so long edges take few characters.
    """
    pieces = np.frombuffer(counts.encode("ascii"), np.uint8).astype(np.int64) - _FIRST
    last = np.flatnonzero(pieces & _MORE == 0)
    if not len(last) or last[-1] != len(pieces) - 1:
        raise ValueError(f"Run lengths end within a number: {counts[-20:]!r}.")
    first = np.concatenate(([0], last[:-1] + 1))
    places = np.arange(len(pieces)) - np.repeat(first, last - first + 1)
    numbers = np.add.reduceat((pieces & (_MORE - 1)) << (_BITS * places), first)
    signs = np.where(pieces[last] & _NEGATIVE, 1 << (_BITS * (places[last] + 1)), 0)
    runs = numbers - signs
    runs[1::2] = np.cumsum(runs[1::2])
    runs[2::2] = np.cumsum(runs[2::2])
    return runs
