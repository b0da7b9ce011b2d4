"""Interpolation as a product of matrices, which every runtime has."""

import torch
from torch import Tensor


def tents(near: Tensor, far: Tensor, grid: int, size: int, *, smooth: bool = False) -> Tensor:
    """Return how much each of `size` pixels counts at `grid` points between two edges, 1 in all.

    Edges (F, K) are from 0 to 1 over the pixels; returns (F, K, grid, size). Tents are as wide as
    pixels, for bilinear interpolation, or with `smooth` as wide as the points are apart if that is
    more.
    """
    steps = (torch.arange(grid, device=near.device) + 0.5) / grid
    points = near.unsqueeze(-1) + (far - near).unsqueeze(-1) * steps
    # In pixels whose middles are whole numbers; beyond the outermost the edge repeats.
    places = (points * size - 0.5).clamp(min=0).clamp(max=size - 1)
    away = (places.unsqueeze(-1) - torch.arange(size, device=near.device)).abs()
    if not smooth:
        return (1 - away).clamp(min=0)
    width = ((far - near) * (size / grid)).clamp(min=1)[..., None, None]
    weights = (1 - away / width).clamp(min=0)
    return weights / weights.sum(-1, keepdim=True)
