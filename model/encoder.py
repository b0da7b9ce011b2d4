"""What every encoder offers."""

from torch import Tensor, nn


class Encoder(nn.Module):
    """What every encoder offers: feature maps of normalised clips, finest first.

    Attributes:
        channels: C of each feature map, finest first.
        mean: of R, G and B in 0 to 1, which the clips are shifted by.
        std: of R, G and B in 0 to 1, which the clips are divided by.
    """

    channels: tuple[int, ...]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    def forward(self, clips: Tensor) -> list[Tensor]:
        """Map normalised clips (N, 3, T, H, W) to maps (N, C, T, H, W), finest first."""
        raise NotImplementedError
