"""SAM's plain ViT image encoder, which is transformers': MedSAM's and, with adapters, SAM-Med2D's."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from transformers import SamVisionConfig
from transformers.models.sam.modeling_sam import SamVisionEncoder

from prsmed.model.config import SamViTConfig
from prsmed.model.encoder import IMAGENET_MEAN, IMAGENET_STD, ImageEncoder, ImageFeatures
from prsmed.model.sam_adapter import MlpWithAdapter


class SamViT(ImageEncoder):
    """Resizes the model's square to its own, normalises it as its weights were taught, and encodes it.

    Notation used for tensor shapes: B batch, S side of the model's square, h w its own side / 16.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, config: SamViTConfig) -> None:
        super().__init__()
        self.dim = config.neck_dim
        self.image_size = config.image_size
        self.normalization = config.normalization
        self.vit = SamVisionEncoder(
            SamVisionConfig(
                hidden_size=config.hidden_size,
                output_channels=config.neck_dim,
                num_hidden_layers=config.num_layers,
                num_attention_heads=config.num_heads,
                image_size=config.image_size,
                window_size=config.window_size,
                global_attn_indexes=list(config.global_attention),
                mlp_dim=4 * config.hidden_size,
            )
        )
        if config.adapters:
            for layer in self.vit.layers:
                layer.mlp = MlpWithAdapter(layer.mlp, config.hidden_size)
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(IMAGENET_STD).view(1, 3, 1, 1), persistent=False)

    def forward(self, pixels: Tensor) -> ImageFeatures:
        """Encode ``pixels`` ``(B, 3, S, S)``, red, green, blue in 0..1, to ``dense`` ``(B, neck_dim, h, w)``."""
        size = (self.image_size, self.image_size)
        if pixels.shape[-2:] != size:
            pixels = nn.functional.interpolate(pixels, size=size, mode="bilinear", antialias=True)
        return ImageFeatures(self.vit(self._normalize(pixels)).last_hidden_state, ())

    def _normalize(self, pixels: Tensor) -> Tensor:
        if self.normalization == "imagenet":
            return (pixels - self.mean) / self.std
        low, high = pixels.amin(dim=(1, 2, 3), keepdim=True), pixels.amax(dim=(1, 2, 3), keepdim=True)
        return (pixels - low) / (high - low).clamp(min=1e-8)
