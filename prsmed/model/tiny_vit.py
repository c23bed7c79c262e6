"""timm's TinyViT with SAM's neck, which is what TinySAM's encoder is."""

from __future__ import annotations

import timm
import torch
from torch import Tensor, nn

from prsmed.model.config import TinyViTConfig
from prsmed.model.encoder import IMAGENET_MEAN, IMAGENET_STD, ImageEncoder, ImageFeatures


class TinyViT(ImageEncoder):
    """TinyViT stages, then SAM's neck (two convolutions, each followed by a layer norm over channels).

    Notation used for tensor shapes: B batch, S image side, C channels.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, config: TinyViTConfig) -> None:
        super().__init__()
        vit = timm.create_model(
            "tiny_vit_5m_224",
            embed_dims=config.embed_dims,
            depths=config.depths,
            num_heads=config.num_heads,
            window_sizes=config.window_sizes,
            drop_path_rate=config.drop_path,
            num_classes=0,
        )
        vit.stages[3].downsample.conv2.conv.stride = (config.last_stride, config.last_stride)
        self.patch_embed = vit.patch_embed
        self.stages = vit.stages
        self.neck = nn.Sequential(
            nn.Conv2d(config.embed_dims[-1], config.neck_dim, kernel_size=1, bias=False),
            ChannelNorm(config.neck_dim),
            nn.Conv2d(config.neck_dim, config.neck_dim, kernel_size=3, padding=1, bias=False),
            ChannelNorm(config.neck_dim),
        )
        self.dim = config.neck_dim
        dims = config.embed_dims
        self.finer_dims = (dims[1], dims[0], self.patch_embed.conv1.conv.out_channels)  # strides 8, 4, 2
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(IMAGENET_STD).view(1, 3, 1, 1), persistent=False)

    def forward(self, pixels: Tensor) -> ImageFeatures:
        """Encode ``pixels`` ``(B, 3, S, S)``, red, green, blue in 0..1; S a multiple of 16."""
        normalized = (pixels - self.mean) / self.std
        half = self.patch_embed.conv1(normalized)  # (B, C, S/2, S/2)
        quarter = self.stages[0](self.patch_embed.conv2(self.patch_embed.act(half)))
        eighth = self.stages[1](quarter)
        dense = self.neck(self.stages[3](self.stages[2](eighth)))
        return ImageFeatures(dense, (eighth, quarter, half))


class ChannelNorm(nn.Module):
    """Layer norm over the channels of ``(B, C, H, W)``, with SAM's parameter names."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Normalise each pixel over its channels."""
        moved = x.permute(0, 2, 3, 1)
        normed = nn.functional.layer_norm(moved, moved.shape[-1:], self.weight, self.bias, 1e-6)
        return normed.permute(0, 3, 1, 2)
