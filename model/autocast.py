"""Where autocast is switched off: sums that bfloat16 is too coarse or too slow for."""

from contextlib import AbstractContextManager, nullcontext

import torch


def without_autocast(device: str) -> AbstractContextManager[object]:
    """Switch autocast off, on the devices that have it: `meta`, which counts operations, hasn't."""
    if torch.amp.is_autocast_available(device):
        return torch.autocast(device, enabled=False)
    return nullcontext()
