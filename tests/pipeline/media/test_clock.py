"""Times that a file gives to few of its frames."""

from fractions import Fraction

import numpy as np

from pipeline.media.clock import repaired
from pipeline.media.listing import NO_TIME


def test_frames_between_those_with_times_share_the_time_between() -> None:
    pts = np.full(40, NO_TIME)
    pts[::16] = [0, 16 * 3600, 32 * 3600]
    times = repaired(pts, Fraction(1, 90_000), Fraction(25), joined=True)
    assert times.tolist() == list(range(0, 40 * 3600, 3600))
