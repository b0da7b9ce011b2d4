"""What training minimises: cross-entropy and, for small objects, a soft intersection over union."""

import torch.nn.functional as F
from torch import Tensor


def cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """Mean softmax cross-entropy over background and foreground.

    A softmax over two classes equals the sigmoid of their difference, which the networks give.

    Args:
        logits: (N, T, H, W), foreground score minus background score.
        targets: (N, T, H, W), 1 on the foreground.

    Source: Hou et al., BMVC 2019, Section 3.2, "Finally, a softmax cross entropy loss".
    """
    return F.binary_cross_entropy_with_logits(logits.float(), targets.float())


def soft_iou(logits: Tensor, targets: Tensor) -> Tensor:
    """One minus the intersection over union of probabilities, per clip, averaged.

    Source: Rahman and Wang, "Optimizing Intersection-Over-Union in Deep Neural Networks for Image
    Segmentation", ISVC 2016, Equations 3 to 5.
    """
    wanted = targets.float().flatten(1)
    found = logits.float().sigmoid().flatten(1)
    intersection = (found * wanted).sum(1)
    union = (found + wanted - found * wanted).sum(1)
    # One pixel of slack keeps clips without foreground from dividing by zero.
    return (1 - (intersection + 1) / (union + 1)).mean()


def action_cross_entropy(scores: Tensor, answers: Tensor, trust: Tensor) -> Tensor:
    """Mean softmax cross-entropy of the actions of all frames.

    Args:
        scores: (N, T, labels), unnormalised log-probabilities.
        answers: (N,) int64, the right label of each clip.
        trust: (N, T), 0 to 1: what each frame's answer is worth.

    Source: Hou et al., BMVC 2019, Section 4; smoothed labels: Szegedy et al., "Rethinking the
    Inception Architecture for Computer Vision", CVPR 2016, Section 7.
    """
    of_frames = answers.unsqueeze(1).expand(-1, scores.shape[1])
    losses = F.cross_entropy(
        scores.flatten(0, 1).float(), of_frames.flatten(), reduction="none", label_smoothing=0.1
    )
    return (trust.flatten() * losses).mean()
