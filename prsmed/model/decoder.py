"""Mask decoders: what they have in common, and the one that a configuration names."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from torch import Tensor, nn

from prsmed.model.encoder import ImageFeatures


@dataclass(frozen=True)
class Fused:
    """Image features that have looked at the prompt: ``grid`` is ``(N, C, h, w)``, what a mask is drawn from."""

    grid: Tensor


class MaskDecoder(nn.Module, ABC):
    """Draws masks of any size from image features of any grid, in two steps.

    Notation used for tensor shapes: N masks, T tokens, D the language model's width.

    Attributes:
        dim: Channels of :class:`Fused` grids.
        skips: How many of the encoder's finer features it takes.
        coarse_head: Draws a mask from the fused grid too, in training only; ``None`` for decoders without.
    """

    dim: int
    skips: int = 0
    coarse_head: nn.Module | None

    def __init__(self) -> None:
        super().__init__()
        self.coarse_head = None

    @abstractmethod
    def fuse(self, features: ImageFeatures, prompt: Tensor, is_padding: Tensor) -> Fused:
        """Let the image look at the prompt.

        Args:
            features: The encoder's output, ``dense`` ``(N, C, h, w)``.
            prompt: Hidden states ``(N, T, D)``.
            is_padding: ``(N, T)`` bool, ``True`` where a token must not be looked at.
        """

    @abstractmethod
    def draw(self, fused: Fused, features: ImageFeatures, size: int) -> Tensor:
        """Mask logits ``(N, 1, size, size)``."""
