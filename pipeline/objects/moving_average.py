"""What an object does at the moment: the exponential moving average of its predicted actions."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

# Seconds in which a frame comes to count for half: the last three quarters of a second make up
# about two thirds of what is told.
HALF_LIFE_S = 0.54


@dataclass
class ActionAverage:
    """The exponential moving average of a track's log-probabilities, by time.

    `sums` and `weight` are the faded sums of them and of frames up to the one at `at_s`.
    """

    sums: dict[str, float] = field(default_factory=dict)
    weight: float = 0.0
    at_s: float | None = None

    def add(self, scores: Mapping[str, float], time_s: float) -> dict[str, float]:
        """Take the log-probabilities of the next frame; return those of now, if it has any."""
        if not scores:
            return {}
        kept = 1.0 if self.at_s is None else 0.5 ** ((time_s - self.at_s) / HALF_LIFE_S)
        self.sums = {
            label: kept * self.sums.get(label, 0.0) + score for label, score in scores.items()
        }
        self.weight = kept * self.weight + 1
        self.at_s = time_s
        means = {label: total / self.weight for label, total in self.sums.items()}
        whole = math.log(math.fsum(math.exp(mean) for mean in means.values()))
        return {label: mean - whole for label, mean in means.items()}
