"""The mask decoder of the PRS-Med authors' released code, key for key."""

from __future__ import annotations

from torch import Tensor, nn

from prsmed.model.config import ReferenceConfig
from prsmed.model.decoder import Fused, MaskDecoder
from prsmed.model.encoder import ImageFeatures

_LOOKING_HEADS, _MIXING_HEADS, _MIXING_DIM = 8, 16, 512


class ReferenceDecoder(MaskDecoder):
    """Image queries attend to projected prompt tokens; a grid of logits is drawn and enlarged.

    It differs from the paper: no transposed convolutions (the mask is as fine as the encoder's grid), instance instead
    of batch norm, and only the prompt is projected. Numerically equal to the released code in evaluation; its prompts
    had no padding, which is left out here.

    Args:
        config: Which of the two variants.
        image_dim: Channels C of the image features.
        prompt_dim: Width D of the language model.
    """

    def __init__(self, config: ReferenceConfig, *, image_dim: int, prompt_dim: int) -> None:
        super().__init__()
        self.dim = image_dim
        self.prompt_projection = nn.Sequential(
            nn.Linear(prompt_dim, config.hidden_dim),
            nn.LayerNorm(config.hidden_dim),
            nn.ReLU(),
            nn.Linear(config.hidden_dim, image_dim),
            nn.LayerNorm(image_dim),
            nn.ReLU(),
        )
        self.image_norm = nn.LayerNorm(image_dim) if config.pre_norm else None
        self.prompt_norm = nn.LayerNorm(image_dim) if config.pre_norm else None
        self.attn = nn.MultiheadAttention(image_dim, _LOOKING_HEADS, batch_first=True)
        self.norm1 = nn.LayerNorm(image_dim)
        self.encoder_layer = nn.TransformerEncoderLayer(image_dim, _MIXING_HEADS, _MIXING_DIM, batch_first=True)
        self.ffn = _FeedForward(image_dim)
        self.mask_generation = nn.Sequential(
            _Block(image_dim, image_dim), _Block(image_dim, image_dim // 2), _Block(image_dim // 2, image_dim // 4)
        )
        self.out_dec = nn.Conv2d(image_dim // 4, 1, kernel_size=1)

    def fuse(self, features: ImageFeatures, prompt: Tensor, is_padding: Tensor) -> Fused:
        """Cross-attention, a transformer layer, a feed-forward block, and the skip around all three."""
        image = features.dense.float()
        tokens = image.flatten(2).transpose(1, 2)  # (N, h*w, C)
        keys = self.prompt_projection(prompt)
        if self.image_norm is not None and self.prompt_norm is not None:
            tokens, keys = self.image_norm(tokens), self.prompt_norm(keys)
        looked, _ = self.attn(tokens, keys, keys, key_padding_mask=is_padding, need_weights=False)
        if self.image_norm is not None:
            looked = looked + tokens
        mixed = self.ffn(self.encoder_layer(self.norm1(looked)))
        return Fused(mixed.transpose(1, 2).reshape(image.shape) + image)

    def draw(self, fused: Fused, features: ImageFeatures, size: int) -> Tensor:
        """One logit a cell of the grid, enlarged to ``size`` bilinearly with corners aligned."""
        logits = self.out_dec(self.mask_generation(fused.grid))
        return nn.functional.interpolate(logits, size=(size, size), mode="bilinear", align_corners=True)


class _FeedForward(nn.Module):
    def __init__(self, dim: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(dim, dim)
        self.fc2 = nn.Linear(dim, dim)
        self.norm = nn.LayerNorm(dim)
        self.norm1 = nn.LayerNorm(dim)  # in the released weights, though nothing uses it

    def forward(self, x: Tensor) -> Tensor:
        x = self.fc1(x).relu() + x
        normed: Tensor = self.norm(self.fc2(x).relu())
        return normed


class _Block(nn.Module):
    """Its middle convolution has a border of padding, which the last one takes away again: the grid keeps its size."""

    def __init__(self, in_dim: int, out_dim: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_dim, in_dim, kernel_size=3, padding=1)
        self.bn1 = nn.InstanceNorm2d(in_dim, affine=True)
        self.conv2 = nn.Conv2d(in_dim, out_dim, kernel_size=1, padding=1)
        self.bn2 = nn.InstanceNorm2d(out_dim, affine=True)
        self.conv3 = nn.Conv2d(out_dim, out_dim, kernel_size=3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.bn1(self.conv1(x)).relu() + x
        drawn: Tensor = self.conv3(self.bn2(self.conv2(x)))
        return drawn
