"""The pyramid as runtimes compute it fast: the same sums, frame by frame by 2-D kernels."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.pyramid import PyramidPooling


class FramewisePyramid(nn.Module):
    """A pyramid of separable convolutions that gives what the trained one it is made of gives.

    Runtimes have no fast kernel for dilated depthwise convolutions in 3-D. On larger maps the three
    passes over memory would cost more than these kernels save.
    """

    def __init__(self, pyramid: PyramidPooling):
        super().__init__()
        self.dilated = nn.ModuleList(_Separable(branch) for branch in pyramid.dilated)
        self.pointwise = _Pointwise(pyramid.pointwise)
        self.frame = pyramid.frame.project if pyramid.frame is not None else None
        self.project = _Pointwise(pyramid.project)

    def forward(self, features: Tensor) -> Tensor:
        length = features.shape[2]
        frames = features.transpose(1, 2).flatten(0, 1)
        branches = [branch(frames, length) for branch in self.dilated]
        branches.append(self.pointwise(frames))
        if self.frame is not None:
            mean = frames.mean(dim=(2, 3), keepdim=True)
            pooled = F.conv2d(mean, self.frame.weight[:, :, 0], self.frame.bias).relu()
            branches.append(pooled.expand(-1, -1, frames.shape[2], frames.shape[3]))
        out: Tensor = self.project(torch.cat(branches, dim=1))
        return _clips(out, length).transpose(1, 2)


class _Pointwise(nn.Module):
    """A 1x1x1 convolution with the batch normalisation and the ReLU after it."""

    def __init__(self, block: nn.Module):
        super().__init__()
        convolution, norm = _parts(block)[-3:-1]
        assert isinstance(convolution, nn.Conv3d)
        assert isinstance(norm, nn.BatchNorm3d)
        self.convolution, self.norm = convolution, norm

    def forward(self, frames: Tensor) -> Tensor:
        norm = self.norm
        # Runtimes fold the one into the other; done here, weights kept as float16 would be others.
        projected = F.conv2d(frames, self.convolution.weight[:, :, 0], self.convolution.bias)
        return F.batch_norm(
            projected, norm.running_mean, norm.running_var, norm.weight, norm.bias, eps=norm.eps
        ).relu()


class _Separable(nn.Module):
    """A separable 3-D convolution: one depthwise 2-D kernel for each frame that it reaches."""

    def __init__(self, block: nn.Module):
        super().__init__()
        depthwise = _parts(block)[0]
        assert isinstance(depthwise, nn.Conv3d)
        self.depthwise = depthwise
        self.pointwise = _Pointwise(block)

    def forward(self, frames: Tensor, length: int) -> Tensor:
        layer = self.depthwise
        time = layer.kernel_size[0]
        sums: Tensor | None = None
        for tap in range(time):
            convolved = F.conv2d(
                frames,
                layer.weight[:, :, tap],
                padding=layer.padding[1:],
                dilation=layer.dilation[1:],
                groups=layer.groups,
            )
            of_tap = _clips(convolved, length)
            # A frame meets the one `shift` after it; those outside the clip are zeros.
            shift = (tap - time // 2) * layer.dilation[0]
            if shift < 0:
                of_tap = F.pad(of_tap[:, :shift], (0, 0, 0, 0, 0, 0, -shift, 0))
            elif shift > 0:
                of_tap = F.pad(of_tap[:, shift:], (0, 0, 0, 0, 0, 0, 0, shift))
            sums = of_tap if sums is None else sums + of_tap
        assert sums is not None
        out: Tensor = self.pointwise(sums.flatten(0, 1))
        return out


def _clips(frames: Tensor, length: int) -> Tensor:
    """Unfold (N * T, C, H, W) to (N, T, C, H, W)."""
    return frames.reshape(-1, length, *frames.shape[1:])


def is_separable(pyramid: PyramidPooling) -> bool:
    """Tell whether `FramewisePyramid` can stand for it."""
    layers = [_parts(branch)[0] for branch in pyramid.dilated]
    return all(isinstance(each, nn.Conv3d) and each.groups == each.in_channels for each in layers)


def _parts(block: nn.Module) -> Sequence[nn.Module]:
    return list(block.children())
