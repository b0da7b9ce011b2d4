"""What every encoder offers."""

from torch import Tensor, nn


class Encoder(nn.Module):
    """Feature maps of clips normalised by `mean` and `std`, of R, G and B in 0 to 1."""

    channels: tuple[int, ...]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    def forward(self, clips: Tensor) -> list[Tensor]:
        """Map normalised clips (N, 3, T, H, W) to maps (N, C, T, H, W), finest first."""
        raise NotImplementedError
