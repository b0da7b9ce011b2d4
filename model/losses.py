"""What training minimises: cross-entropy and, for small objects, a soft intersection over union."""

import torch.nn.functional as F
from torch import Tensor


def cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """Mean softmax cross-entropy over background and foreground, both (N, T, H, W).

    Logits are foreground score minus background score: a softmax over two classes equals the
    sigmoid of their difference. Source: Hou et al., BMVC 2019, Section 3.2.
    """
    return F.binary_cross_entropy_with_logits(logits.float(), targets.float())


def soft_iou(logits: Tensor, targets: Tensor) -> Tensor:
    """One minus the intersection over union of probabilities, per clip, averaged.

    Source: Rahman and Wang, "Optimizing Intersection-Over-Union", ISVC 2016, Equations 3 to 5.
    """
    wanted = targets.float().flatten(1)
    found = logits.float().sigmoid().flatten(1)
    intersection = (found * wanted).sum(1)
    union = (found + wanted - found * wanted).sum(1)
    # One pixel of slack keeps clips without foreground from dividing by zero.
    return (1 - (intersection + 1) / (union + 1)).mean()


def action_cross_entropy(scores: Tensor, answers: Tensor, trust: Tensor) -> Tensor:
    """Mean softmax cross-entropy of scores (N, T, labels), times what answers (N,) are worth.

    Source: Hou et al., BMVC 2019, Section 4; Szegedy et al., CVPR 2016, Section 7 (smoothed
    labels).
    """
    of_frames = answers.unsqueeze(1).expand(-1, scores.shape[1])
    losses = F.cross_entropy(
        scores.flatten(0, 1).float(), of_frames.flatten(), reduction="none", label_smoothing=0.1
    )
    return (trust.flatten() * losses).mean()
