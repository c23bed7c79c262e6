"""`[SEG]`: the token by which an answer points at a target (MedSeg-R style)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

SEG = "[SEG]"
"""How it stands in the answers of data; typed in a question it is ordinary text."""


class SegToken(nn.Module):
    """One more token behind a vocabulary of V: the model's own embeddings stay as they are, whatever is trained.

    Args:
        embeddings: The model's input embeddings, whose mean the token starts as.
        head: The model's output projection, likewise.
    """

    def __init__(self, embeddings: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.embedding = nn.Parameter(_mean_row(embeddings))
        self.output = nn.Parameter(_mean_row(head))

    def embed(self, ids: Tensor, embeddings: nn.Module) -> Tensor:
        """Embeddings ``(B, T, D)`` of ids up to and with V."""
        is_seg = ids == _weight(embeddings).shape[0]
        embeds: Tensor = embeddings(ids.masked_fill(is_seg, 0))
        return torch.where(is_seg.unsqueeze(-1), self.embedding.to(embeds.dtype), embeds)

    def extend(self, logits: Tensor, hidden: Tensor) -> Tensor:
        """Logits ``(..., V)`` of states ``(..., D)`` to ``(..., V + 1)``."""
        own = hidden.float() @ self.output
        return torch.cat([logits, own.unsqueeze(-1)], dim=-1)


def _mean_row(module: nn.Module) -> Tensor:
    return _weight(module).detach().float().mean(dim=0)


def _weight(module: nn.Module) -> Tensor:
    weight = module.weight
    assert isinstance(weight, Tensor)
    return weight
