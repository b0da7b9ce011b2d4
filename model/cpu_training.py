"""A 3-D convolution that trains on a CPU through 2-D kernels, with PyTorch's own parameters.

oneDNN's weight gradient of 3-D convolutions in bfloat16 hangs, crashes or is silently wrong, and
PyTorch's depthwise 3-D backward pass is an order of magnitude too slow. The 2-D kernels are right
and fast, and with channels last in memory every fold below is a view.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Conv3d(nn.Conv3d):
    """`torch.nn.Conv3d` with the same parameters, which trains on a CPU through 2-D kernels.

    Without gradients, on another device, or while being exported it is `torch.nn.Conv3d` itself.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Convolve (N, C, T, H, W) as `torch.nn.Conv3d` does."""
        trains = torch.is_grad_enabled() and not torch.compiler.is_exporting()
        if not trains or input.device.type != "cpu":
            return super().forward(input)
        if self.groups == 1:
            return _convolve(self, input)
        if self.groups == self.in_channels == self.out_channels:
            return _convolve_each_channel(self, input)
        return super().forward(input)


def _frames(clips: Tensor) -> Tensor:
    """Fold (N, C, T, H, W) to (N * T, C, H, W)."""
    batch, channels, frames, height, width = clips.shape
    folded = clips.permute(0, 2, 3, 4, 1).reshape(batch * frames, height, width, channels)
    return folded.permute(0, 3, 1, 2)


def _clips(frames: Tensor, batch: int) -> Tensor:
    """Unfold (N * T, C, H, W) to (N, C, T, H, W)."""
    _, channels, height, width = frames.shape
    unfolded = frames.permute(0, 2, 3, 1).reshape(batch, -1, height, width, channels)
    return unfolded.permute(0, 4, 1, 2, 3)


def _padding(layer: nn.Conv3d) -> tuple[int, int, int]:
    if isinstance(layer.padding, str):
        raise ValueError(f"Got padding {layer.padding!r}, wanted a number for each axis.")
    time, rows, columns = layer.padding
    return time, rows, columns


def _temporal_taps(layer: nn.Conv3d, clips: Tensor) -> list[Tensor]:
    """Return, for each temporal tap, the frames (N, C, T out, H, W) that it meets."""
    padded = F.pad(clips, (0, 0, 0, 0, _padding(layer)[0], _padding(layer)[0]))
    reach = layer.dilation[0] * (layer.kernel_size[0] - 1)
    last = padded.shape[2] - reach
    return [
        padded[:, :, start : start + last : layer.stride[0]]
        for start in range(0, reach + 1, layer.dilation[0])
    ]


def _convolve(layer: nn.Conv3d, clips: Tensor) -> Tensor:
    """Convolve with a kernel that mixes channels, as one 2-D convolution."""
    time, height, width = layer.kernel_size
    if time > 1 and height == width == 1 and layer.stride[1:] == (1, 1):
        return _convolve_in_time(layer, clips)
    batch, (_, rows, columns) = clips.shape[0], _padding(layer)
    # The temporal taps of a full kernel become channels of a wider picture.
    kernel = layer.weight.permute(0, 2, 1, 3, 4).flatten(1, 2)
    if time > 1:
        clips = torch.cat(_temporal_taps(layer, clips), dim=1)
    else:
        clips = clips[:, :, :: layer.stride[0]]
    stride = (layer.stride[1], layer.stride[2])
    if height == width == 1 and (rows, columns) == (0, 0):
        # A strided 1x1 has its own slow kernel: drop the pixels it skips first.
        clips, stride = clips[..., :: stride[0], :: stride[1]], (1, 1)
    convolved = F.conv2d(
        _frames(clips), kernel, layer.bias, stride, (rows, columns), tuple(layer.dilation[1:])
    )
    return _clips(convolved, batch)


def _convolve_in_time(layer: nn.Conv3d, clips: Tensor) -> Tensor:
    """Convolve with a kernel of one pixel: a picture of T rows and H * W columns."""
    batch, channels, frames, height, width = clips.shape
    picture = clips.permute(0, 2, 3, 4, 1).reshape(batch, frames, height * width, channels)
    convolved = F.conv2d(
        picture.permute(0, 3, 1, 2),
        layer.weight.squeeze(-1),
        layer.bias,
        (layer.stride[0], 1),
        (_padding(layer)[0], 0),
        (layer.dilation[0], 1),
    )
    unfolded = convolved.permute(0, 2, 3, 1).reshape(batch, -1, height, width, layer.out_channels)
    return unfolded.permute(0, 4, 1, 2, 3)


def _convolve_each_channel(layer: nn.Conv3d, clips: Tensor) -> Tensor:
    """Convolve each channel by itself, in float32: 2-D depthwise bfloat16 gradients are slow."""
    batch, given = clips.shape[0], clips.dtype
    with torch.autocast("cpu", enabled=False):
        taps = _temporal_taps(layer, clips.float())
        convolved = sum(
            F.conv2d(
                _frames(tap),
                layer.weight[:, :, index],
                layer.bias if index == 0 else None,
                (layer.stride[1], layer.stride[2]),
                _padding(layer)[1:],
                (layer.dilation[1], layer.dilation[2]),
                layer.groups,
            )
            for index, tap in enumerate(taps)
        )
        assert isinstance(convolved, Tensor)
        return _clips(convolved, batch).to(given)
