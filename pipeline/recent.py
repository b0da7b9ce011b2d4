"""What an object does at the moment: told from its latest frames, not from one alone."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

# What a frame counts for beside the one after it: the last 20 frames, three quarters of a second,
# make up two thirds of what is told.
FADING = 0.95


@dataclass
class RecentActions:
    """The mean of a track's log-probabilities, in which earlier frames fade.

    Attributes:
        sums: {label: the faded sum of its log-probabilities}; empty before the first frame.
        weight: the faded number of frames.
    """

    sums: dict[str, float] = field(default_factory=dict)
    weight: float = 0.0

    def add(self, scores: Mapping[str, float]) -> dict[str, float]:
        """Take the log-probabilities of the track's next frame.

        Returns:
            {label: log-probability} of what the object does now; empty where nothing was told.
        """
        if not scores:
            return {}
        self.sums = {
            label: FADING * self.sums.get(label, 0.0) + score for label, score in scores.items()
        }
        self.weight = FADING * self.weight + 1
        means = {label: total / self.weight for label, total in self.sums.items()}
        whole = math.log(math.fsum(math.exp(mean) for mean in means.values()))
        return {label: mean - whole for label, mean in means.items()}
