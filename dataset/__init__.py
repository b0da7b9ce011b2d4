"""Labelled videos and stills in their official layouts, as numpy arrays."""

from dataset.requirements import require

require("numpy", "PIL", "scipy", "tqdm")
