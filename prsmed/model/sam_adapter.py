"""The adapter that SAM-Med2D puts beside the feed-forward block of every layer of SAM's ViT."""

from __future__ import annotations

import torch
from torch import Tensor, nn

_SQUEEZE = 4


class MlpWithAdapter(nn.Module):
    """Stands in the place of a layer's feed-forward block: its output plus the adapter's."""

    def __init__(self, mlp: nn.Module, dim: int) -> None:
        super().__init__()
        self.mlp = mlp
        self.adapter = SamAdapter(dim)

    def forward(self, x: Tensor) -> Tensor:
        """``(B, h, w, C)`` to the same."""
        out: Tensor = self.mlp(x) + self.adapter(x)
        return out


class SamAdapter(nn.Module):
    """Weighs channels by their mean, then mixes neighbours at half the resolution, with SAM-Med2D's parameter names."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(dim)
        self.channel = nn.Sequential(
            nn.Linear(dim, dim // _SQUEEZE, bias=False),
            nn.ReLU(),
            nn.Linear(dim // _SQUEEZE, dim, bias=False),
            nn.Sigmoid(),
        )
        self.spatial = nn.Sequential(
            nn.Conv2d(dim, dim, kernel_size=3, stride=2, padding=1, bias=False),
            nn.ReLU(),
            nn.ConvTranspose2d(dim, dim, kernel_size=4, stride=2, padding=1, bias=False),
            nn.ReLU(),
        )

    def forward(self, x: Tensor) -> Tensor:
        """``(B, h, w, C)``, h and w even, to the same."""
        gate = self.channel(x.mean(dim=(1, 2)))  # (B, C)
        weighed = (x * gate[:, None, None]).permute(0, 3, 1, 2)
        normed: Tensor = self.norm(torch.add(x, self.spatial(weighed).permute(0, 2, 3, 1)))
        return normed
