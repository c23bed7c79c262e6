"""Soft tokens that tell the language model what mask was drawn.

A language model as small as `nano`'s does not find a position in the image by itself; given the places of the
mask's regions as code tokens it learns to name them in minutes. The published presets answer from the prompt and
have no such tokens.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from prsmed.model.regions import largest

OCCUPANCY_GRID = 8
OCTAVES = 4


class MaskTokens(nn.Module):
    """Codes a mask as tokens: of each region its place across and down the image, and what the whole looks like.

    One token an axis: a language model learns to read two words from two tokens far sooner than from one.

    Args:
        image_dim: Channels C of the image features.
        hidden_size: The language model's width.
        num_regions: How many regions are coded, largest first, R: as many as an answer describes.
    """

    def __init__(self, image_dim: int, hidden_size: int, num_regions: int) -> None:
        super().__init__()
        self.num_regions = num_regions
        self.axes = nn.ModuleList(nn.Linear(3 * (1 + 2 * OCTAVES), hidden_size) for _ in range(2 * num_regions))
        self.look = nn.Linear(image_dim + OCCUPANCY_GRID**2 + 1, hidden_size)
        self.image_norm = nn.LayerNorm(image_dim)
        self.norm = nn.LayerNorm(hidden_size)
        self.nothing = nn.Parameter(torch.randn(2 * num_regions + 1, hidden_size))

    def forward(self, mask: Tensor, dense: Tensor) -> Tensor:
        """Tokens ``(B, 2R + 1, hidden_size)`` of binary masks ``(B, 1, S, S)`` over image features ``(B, C, h, w)``.

        A region that is not there has tokens of its own, the same for every image; so has the look of an empty mask.
        Nothing flows back into the mask.
        """
        mask = mask.detach().float()
        area = mask.mean(dim=(2, 3))  # (B, 1)
        parts = largest(mask, self.num_regions)
        profiles = [parts[:, n // 2].sum(dim=1 + n % 2) for n in range(2 * self.num_regions)]  # across, down, across...
        places = [axis(_extent(profile)) for axis, profile in zip(self.axes, profiles, strict=True)]
        cover = nn.functional.adaptive_avg_pool2d(mask, (dense.shape[2], dense.shape[3]))
        under = (dense * cover).sum(dim=(2, 3)) / cover.sum(dim=(2, 3)).clamp(min=1e-6)
        look = self.look(torch.cat([self.image_norm(under), _occupancy(mask), area.sqrt()], dim=1))
        tokens = self.norm(torch.stack([*places, look], dim=1))
        is_there = torch.stack([*(profile.amax(dim=1) for profile in profiles), area[:, 0]], dim=1) > 0
        return torch.where(is_there.unsqueeze(2), tokens, self.nothing)


def _extent(profile: Tensor) -> Tensor:
    """Codes ``(B, 3 * (1 + 2 * OCTAVES))`` of centroid, first and last pixel of profiles ``(B, S)``."""
    size = profile.shape[1]
    centers = (torch.arange(size, device=profile.device, dtype=profile.dtype) + 0.5) * (2 / size) - 1  # -1..1
    covered = profile > 0
    centroid = (profile * centers).sum(dim=1) / profile.sum(dim=1).clamp(min=1)
    first = torch.where(covered, centers, 1.0).amin(dim=1)
    last = torch.where(covered, centers, -1.0).amax(dim=1)
    values = torch.stack([centroid, first, last], dim=1).unsqueeze(2)  # (B, 3, 1)
    angles = values * (math.pi / 2) * 2.0 ** torch.arange(OCTAVES, device=profile.device, dtype=profile.dtype)
    return torch.cat([values, angles.sin(), angles.cos()], dim=2).flatten(1)


def _occupancy(mask: Tensor) -> Tensor:
    """Share of each cell of a coarse grid that is covered, relative to the fullest cell: the mask's shape."""
    grid = nn.functional.adaptive_avg_pool2d(mask, OCCUPANCY_GRID).flatten(1)
    return grid / grid.amax(dim=1, keepdim=True).clamp(min=1e-6)
