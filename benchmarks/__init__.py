"""Speed and memory, measured as ratios within one run."""

from dataset.requirements import require

require("httpx")
