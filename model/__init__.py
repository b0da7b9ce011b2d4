"""The network of Hou et al. (BMVC 2019) and its training."""

from dataset.requirements import require

require("torch", "lightning_fabric", "safetensors")
