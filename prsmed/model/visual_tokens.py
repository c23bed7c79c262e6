"""Visual tokens for the language model, pooled from the shared image encoder."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


class SharedVisualTokens(nn.Module):
    """Pools the encoder's dense features to a grid, projects them, and adds 2-D sine-cosine positions."""

    def __init__(self, projector: nn.Module, image_dim: int, hidden_size: int, grid: int) -> None:
        super().__init__()
        # The projector is the language model's `multi_modal_projector`; kept out of this module's state.
        self._projector = (projector,)
        self.grid = grid
        self.norm_in = nn.LayerNorm(image_dim)
        self.norm_out = nn.LayerNorm(hidden_size)
        self.register_buffer("positions", _sine_cosine(grid, hidden_size), persistent=False)

    def forward(self, dense: Tensor) -> Tensor:
        """Features ``(B, C, h, w)`` to tokens ``(B, grid * grid, hidden_size)``, row by row."""
        pooled = nn.functional.adaptive_avg_pool2d(dense, self.grid).flatten(2).transpose(1, 2)
        tokens: Tensor = self.norm_out(self._projector[0](self.norm_in(pooled)) + self.positions)
        return tokens


def _sine_cosine(grid: int, dim: int) -> Tensor:
    """Positions ``(grid * grid, dim)``: half of the channels for the row, half for the column."""
    quarter = dim // 4
    frequencies = math.pi * torch.exp2(-torch.arange(quarter) * (6 / quarter))
    angles = torch.arange(grid).unsqueeze(1) * frequencies
    code = torch.cat([angles.sin(), angles.cos()], dim=1)  # (grid, dim / 2)
    rows = code.unsqueeze(1).expand(grid, grid, -1)
    columns = code.unsqueeze(0).expand(grid, grid, -1)
    return torch.cat([rows, columns], dim=2).reshape(grid * grid, -1)
