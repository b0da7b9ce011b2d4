"""Times for frames whose file gives them none that rise."""

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from pipeline.media.listing import NO_TIME, REORDERED, is_jump, usual_step


def repaired(
    pts: NDArray[np.int64], time_base: Fraction, rate: Fraction, *, joined: bool
) -> NDArray[np.int64]:
    """Return times (T,) that rise from 0, with each jump of the clock closed by the usual duration.

    A clock jumps where it goes back by more than frames are reordered, goes on only after long in a
    container that is often joined, or goes far ahead to come back. Else times are those of the
    file: `pts` (T,) in the order of decoding, `NO_TIME` where unknown, but for one at least.

    >>> pts = np.array([1500, 1540, 9000, 1620, 1660, NO_TIME, 1740, 1780, 20, 60, 140])
    >>> repaired(pts, Fraction(1, 1000), Fraction(25), joined=False).tolist()
    [0, 40, 80, 120, 160, 200, 240, 280, 320, 360, 440]
    """
    known = np.flatnonzero(pts != NO_TIME)
    steps = np.diff(pts[known]) // np.diff(known)
    usual = usual_step(steps) or max(1, round(1 / (rate * time_base)))
    # A frame without a time comes the usual duration after the last one that has one.
    last = known[np.maximum(np.searchsorted(known, np.arange(len(pts)), side="right") - 1, 0)]
    times = pts[last] + (np.arange(len(pts)) - last) * usual
    steps = np.diff(times)
    jumps = (steps < -REORDERED * usual) | _undone(steps, usual)
    if joined:
        jumps |= is_jump(steps, time_base)
    pieces = np.split(times, np.flatnonzero(jumps) + 1)
    steps = np.diff(np.concatenate([np.sort(piece) for piece in pieces]))
    steps = np.where(jumps | (steps <= 0), usual, steps)
    return np.concatenate([[0], np.cumsum(steps)]).astype(np.int64)


def _undone(steps: NDArray[np.int64], usual: int) -> NDArray[np.bool_]:
    """Tell which steps far ahead the clock takes back later, to go on where it was."""
    undone = np.zeros(len(steps), bool)
    since = 0
    for back in np.flatnonzero(steps < -REORDERED * usual).tolist():
        ahead = since + int(np.argmax(steps[since : back + 1]))
        returned = steps[ahead : back + 1].sum() > -REORDERED * usual
        undone[ahead] = returned and steps[ahead] > REORDERED * usual
        since = back + 1
    return undone
