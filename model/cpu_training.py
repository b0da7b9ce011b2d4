"""A 3-D convolution that trains through 2-D kernels, with PyTorch's own parameters.

oneDNN's weight gradient of 3-D convolutions in bfloat16 hangs, crashes or is silently wrong, and
PyTorch's depthwise 3-D backward pass is an order of magnitude too slow. The 2-D kernels are right
and fast, and with channels last in memory every fold below is a view. On an H200, depthwise 2-D
kernels, one temporal tap after the other, bring a step of `small` from 61 ms to 29.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable


class Conv3d(nn.Conv3d):
    """`torch.nn.Conv3d` that trains by 2-D kernels on a CPU and, if it is depthwise, on a GPU.

    It has to pad with zeros and have one group or, of stride 1 and without bias, one for each
    channel; else training raises ValueError.
    """

    def forward(self, input: Tensor) -> Tensor:
        trains = torch.is_grad_enabled() and not torch.compiler.is_exporting()
        on_cpu = input.device.type == "cpu"
        if not trains or (self.groups == 1 and not on_cpu):
            return super().forward(input)
        zeros = self.padding_mode == "zeros"
        if zeros and self.groups == 1:
            return _convolve(self, input)
        depthwise = self.groups == self.in_channels == self.out_channels
        if zeros and depthwise and self.stride == (1, 1, 1) and self.bias is None:
            if not on_cpu:
                return convolve_each_tap(self, input)
            with torch.autocast("cpu", enabled=False):
                # torch doesn't annotate `apply`.
                convolved: Tensor = _Depthwise.apply(input, self.weight, self)  # type: ignore[no-untyped-call]
                return convolved
        raise ValueError(
            "To train on a CPU a 3-D convolution must have zero padding and one group, or one for "
            f"each channel with stride 1 and no bias, got {self}."
        )


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
        raise ValueError(f"padding must be a number for each axis, got {layer.padding!r}.")
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
    time, height, width = layer.kernel_size
    if time > 1 and height == width == 1 and layer.stride[1:] == (1, 1):
        return _convolve_in_time(layer, clips)
    batch, (_, rows, columns) = clips.shape[0], _padding(layer)
    # The temporal taps of a full kernel become channels of a wider picture.
    kernel = layer.weight.permute(0, 2, 1, 3, 4).flatten(1, 2)
    if time > 1 or _padding(layer)[0] > 0:
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


def convolve_each_tap(layer: nn.Conv3d, clips: Tensor) -> Tensor:
    """Convolve depthwise with stride 1, one temporal tap after the other, as GPUs do it fast."""
    batch, frames = clips.shape[0], clips.shape[2]
    last = frames + 2 * _padding(layer)[0] - layer.dilation[0] * (layer.kernel_size[0] - 1)
    sums: Tensor | None = None
    for tap in range(layer.kernel_size[0]):
        # Output frame t meets input frame t + shift; those outside the clip meet zeros.
        shift = tap * layer.dilation[0] - _padding(layer)[0]
        start, stop = max(0, -shift), min(last, frames - shift)
        if start >= stop:
            continue
        of_tap = F.conv2d(
            _frames(clips[:, :, start + shift : stop + shift]),
            layer.weight[:, :, tap],
            None,
            (1, 1),
            _padding(layer)[1:],
            tuple(layer.dilation[1:]),
            layer.groups,
        )
        placed = F.pad(_clips(of_tap, batch), (0, 0, 0, 0, start, last - stop))
        sums = placed if sums is None else sums + placed
    if sums is None:
        raise ValueError(f"{layer} needs frames that a tap meets, got {frames}.")
    return sums


class _Depthwise(torch.autograd.Function):
    """A depthwise convolution of stride 1, in float32: bfloat16 depthwise gradients are slow."""

    @staticmethod
    def forward(ctx: Any, clips: Tensor, weight: Tensor, layer: nn.Conv3d) -> Tensor:
        ctx.save_for_backward(clips, weight)
        ctx.layer = layer
        convolved = F.conv3d(
            clips.float(), weight, None, 1, _padding(layer), layer.dilation, layer.groups
        )
        return convolved.to(clips.dtype)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        clips, weight = ctx.saved_tensors
        layer, gradient = ctx.layer, gradient.float()
        of_clips = of_weight = None
        if ctx.needs_input_grad[0]:
            # The gradient of the input is the convolution of the gradient with flipped taps.
            reach = [d * (k - 1) for d, k in zip(layer.dilation, layer.kernel_size, strict=True)]
            padding = [r - p for r, p in zip(reach, _padding(layer), strict=True)]
            of_clips = F.conv3d(
                gradient, weight.flip(2, 3, 4), None, 1, padding, layer.dilation, layer.groups
            ).to(clips.dtype)
        if ctx.needs_input_grad[1]:
            of_weight = _weight_gradient(layer, clips.float(), gradient)
        return of_clips, of_weight, None


def _weight_gradient(layer: nn.Conv3d, clips: Tensor, gradient: Tensor) -> Tensor:
    """Return the weight gradient of a depthwise convolution, one temporal tap after the other."""
    frames = clips.shape[2]
    of_taps = []
    for tap in range(layer.kernel_size[0]):
        # Output frame t meets input frame t + shift; those outside the clip meet zeros.
        shift = tap * layer.dilation[0] - _padding(layer)[0]
        start, stop = max(0, -shift), min(gradient.shape[2], frames - shift)
        if start >= stop:
            of_taps.append(torch.zeros_like(layer.weight[:, :, tap]))
            continue
        _, of_tap, _ = torch.ops.aten.convolution_backward(
            _frames(gradient[:, :, start:stop]),
            _frames(clips[:, :, start + shift : stop + shift]),
            layer.weight[:, :, tap],
            None,
            (1, 1),
            _padding(layer)[1:],
            layer.dilation[1:],
            False,
            (0, 0),
            layer.groups,
            (False, True, False),
        )
        of_taps.append(of_tap)
    return torch.stack(of_taps, dim=2)
