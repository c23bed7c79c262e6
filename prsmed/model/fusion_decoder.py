"""The fusion mask decoder of PRS-Med section 3, with optional skips from the encoder's finer features."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from prsmed.model.config import FusionConfig
from prsmed.model.decoder import Fused, MaskDecoder
from prsmed.model.encoder import ImageFeatures


class FusionDecoder(MaskDecoder):
    """Image queries attend to prompt tokens, then to each other; transposed convolutions draw the mask.

    Notation used for tensor shapes: B batch, T prompt tokens, D decoder width, h w the encoder's grid.
    """

    def __init__(self, config: FusionConfig, *, image_dim: int, prompt_dim: int, finer_dims: tuple[int, ...]) -> None:
        super().__init__()
        dim = self.dim = config.dim
        self.skips = config.skips
        self.image_projection = nn.Conv2d(image_dim, dim, kernel_size=1)
        self.prompt_projection = nn.Sequential(nn.Linear(prompt_dim, dim), nn.LayerNorm(dim))
        self.cross_attention = nn.MultiheadAttention(dim, config.num_heads, config.dropout, batch_first=True)
        self.cross_norm = nn.LayerNorm(dim)
        self.self_attention = nn.TransformerEncoderLayer(
            dim, config.num_heads, 2 * dim, config.dropout, batch_first=True, norm_first=True
        )
        skip_dims = (*finer_dims[: config.skips], *[0] * len(config.up_dims))
        widths = (dim, *config.up_dims)
        self.ups = nn.ModuleList(UpBlock(widths[n], widths[n + 1], skip_dims[n]) for n in range(len(config.up_dims)))
        self.head = nn.Conv2d(widths[-1], 1, kernel_size=1)
        self.coarse_head = nn.Conv2d(dim, 1, kernel_size=1) if config.coarse_head else None

    def fuse(self, features: ImageFeatures, prompt: Tensor, is_padding: Tensor) -> Fused:
        """Cross-attention from the image to the prompt, self-attention, and the skip around both."""
        image = self.image_projection(features.dense)
        tokens = image.flatten(2).transpose(1, 2)  # (B, h*w, D)
        keys = self.prompt_projection(prompt)
        looked, _ = self.cross_attention(tokens, keys, keys, key_padding_mask=is_padding, need_weights=False)
        tokens = self.self_attention(self.cross_norm(tokens + looked))
        return Fused(tokens.transpose(1, 2).reshape(image.shape) + image)

    def draw(self, fused: Fused, features: ImageFeatures, size: int) -> Tensor:
        """Up to the finest grid by transposed convolutions, then to ``size`` bilinearly."""
        x = fused.grid
        for level, up in enumerate(self.ups):
            x = up(x, features.finer[level] if level < self.skips else None)
        logits = self.head(x)
        return nn.functional.interpolate(logits, size=(size, size), mode="bilinear", align_corners=False)


class UpBlock(nn.Module):
    """Doubles the grid by a transposed convolution, batch norm and ReLU; merges a skip by convolutions."""

    def __init__(self, in_dim: int, out_dim: int, skip_dim: int) -> None:
        super().__init__()
        self.up = nn.Sequential(
            nn.ConvTranspose2d(in_dim, out_dim, kernel_size=2, stride=2, bias=False),
            nn.BatchNorm2d(out_dim),
            nn.ReLU(inplace=True),
        )
        self.merge = (
            nn.Sequential(
                nn.Conv2d(out_dim + skip_dim, out_dim, kernel_size=3, padding=1, bias=False),
                nn.BatchNorm2d(out_dim),
                nn.ReLU(inplace=True),
                nn.Conv2d(out_dim, out_dim, kernel_size=3, padding=1, bias=False),
                nn.BatchNorm2d(out_dim),
                nn.ReLU(inplace=True),
            )
            if skip_dim
            else None
        )

    def forward(self, x: Tensor, skip: Tensor | None) -> Tensor:
        """``(B, in_dim, h, w)`` and maybe ``(B, skip_dim, 2h, 2w)`` to ``(B, out_dim, 2h, 2w)``."""
        x = self.up(x)
        if self.merge is None:
            return x
        assert skip is not None
        merged: Tensor = self.merge(torch.cat([x, skip], dim=1))
        return merged
