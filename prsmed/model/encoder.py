"""Image encoders: what they have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from typing_extensions import Self

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # SAM's too, divided by 255


@dataclass(frozen=True)
class ImageFeatures:
    """What the encoder sees in a batch of images.

    Attributes:
        dense: ``(B, neck_dim, h, w)``, the grid that masks are drawn from.
        finer: Finer features, coarse to fine, for decoders with skips; ``()`` for encoders without.
    """

    dense: Tensor
    finer: tuple[Tensor, ...]

    def take(self, rows: Tensor) -> ImageFeatures:
        """The features of those rows, in that order."""
        return ImageFeatures(self.dense[rows], tuple(finer[rows] for finer in self.finer))


class ImageEncoder(nn.Module, ABC):
    """Encodes square images; resizes and normalises them as its weights were taught.

    Attributes:
        dim: Channels of ``dense``.
        finer_dims: Channels of ``finer``.
        frozen: Stays as it is while the rest is trained.
        keeps_statistics: Batch norms keep their mean and variance in training: batches are small, and the imported
            statistics come from far more images.
    """

    dim: int
    finer_dims: tuple[int, ...] = ()
    frozen: bool = False
    keeps_statistics: bool = False

    def train(self, mode: bool = True) -> Self:
        """Training mode, as far as the encoder is to learn."""
        super().train(mode and not self.frozen)
        if self.keeps_statistics:
            for module in self.modules():
                if isinstance(module, _BatchNorm):
                    module.eval()
        return self

    @abstractmethod
    def forward(self, pixels: Tensor) -> ImageFeatures:
        """Encode ``pixels`` ``(B, 3, S, S)``, red, green, blue in 0..1; S a multiple of 16."""
