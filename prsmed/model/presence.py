"""Is the asked-for target in the image at all?"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class PresenceHead(nn.Module):
    """One logit from the fused features (mean and maximum over the grid) and the prompt's last token."""

    def __init__(self, fused_dim: int, prompt_dim: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(2 * fused_dim + prompt_dim, fused_dim), nn.GELU(), nn.Linear(fused_dim, 1)
        )

    def forward(self, grid: Tensor, prompt_end: Tensor) -> Tensor:
        """``grid`` ``(B, D, h, w)`` and ``prompt_end`` ``(B, prompt_dim)`` to logits ``(B,)``."""
        flat = grid.flatten(2)
        pooled = torch.cat([flat.mean(dim=2), flat.amax(dim=2), prompt_end], dim=1)
        logits: Tensor = self.layers(pooled)
        return logits.squeeze(1)
