"""The metrics of video object segmentation and the reports that print them."""

from dataset.requirements import require

require("scipy", "tqdm")
