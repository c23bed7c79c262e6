"""Soft tokens that tell the language model what mask was drawn.

A language model as small as `nano`'s does not find a position in the image by itself; given the mask's place
as one code token it learns to name it in minutes. The published presets answer from the prompt and have no
such tokens.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

OCCUPANCY_GRID = 8
FREQUENCIES = 8


class MaskTokens(nn.Module):
    """Codes a mask as two tokens: where it is, and what the image looks like under it."""

    def __init__(self, image_dim: int, hidden_size: int) -> None:
        super().__init__()
        places = 6 * 2 * FREQUENCIES + 2 + OCCUPANCY_GRID**2
        self.place = nn.Sequential(nn.Linear(places, hidden_size), nn.GELU(), nn.Linear(hidden_size, hidden_size))
        self.look = nn.Sequential(nn.LayerNorm(image_dim), nn.Linear(image_dim, hidden_size))
        self.norm = nn.LayerNorm(hidden_size)

    def forward(self, mask: Tensor, dense: Tensor) -> Tensor:
        """Tokens ``(B, 2, hidden_size)`` of binary masks ``(B, 1, S, S)`` over features ``(B, C, h, w)``.

        An empty mask says "not there". Nothing flows back into the mask.
        """
        mask = mask.detach().float()
        place = self.place(torch.cat([_geometry(mask), _occupancy(mask)], dim=1))
        cover = nn.functional.adaptive_avg_pool2d(mask, (dense.shape[-2], dense.shape[-1]))
        look = (dense * cover).sum(dim=(2, 3)) / cover.sum(dim=(2, 3)).clamp(min=1e-6)
        tokens: Tensor = self.norm(torch.stack([place, self.look(look)], dim=1))
        return tokens


def _geometry(mask: Tensor) -> Tensor:
    """Centroid and box in 0..1 as sines and cosines, with presence and relative size."""
    size = mask.shape[-1]
    centers = (torch.arange(size, device=mask.device, dtype=mask.dtype) + 0.5) / size
    columns, rows = mask[:, 0].sum(dim=1), mask[:, 0].sum(dim=2)  # (B, S) each
    area = columns.sum(dim=1, keepdim=True)
    present = (area > 0).to(mask.dtype)
    values = []
    for profile in (columns, rows):
        covered = profile > 0
        values += [
            (profile * centers).sum(dim=1, keepdim=True) / area.clamp(min=1),
            torch.where(covered, centers, 1.0).amin(dim=1, keepdim=True),
            torch.where(covered, centers, 0.0).amax(dim=1, keepdim=True),
        ]
    place = torch.cat(values, dim=1) * present  # (B, 6)
    frequencies = math.pi * 2.0 ** torch.arange(FREQUENCIES, device=mask.device, dtype=mask.dtype)
    angles = place.unsqueeze(2) * frequencies
    codes = torch.cat([angles.sin(), angles.cos()], dim=2).flatten(1) * present
    return torch.cat([codes, present, (area / size**2).sqrt()], dim=1)


def _occupancy(mask: Tensor) -> Tensor:
    """Share of each cell of a coarse grid that is covered, relative to the fullest cell: the mask's shape."""
    grid = nn.functional.adaptive_avg_pool2d(mask, OCCUPANCY_GRID).flatten(1)
    return grid / grid.amax(dim=1, keepdim=True).clamp(min=1e-6)
