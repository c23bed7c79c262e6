"""Which hidden states the mask decoder looks at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from prsmed.model.config import ConditionOn
from prsmed.model.language import Context, Role

_ROLES = {
    "all": (Role.START, Role.IMAGE, Role.TEXT),
    "text": (Role.TEXT,),
    "image": (Role.IMAGE,),
    "answer": (Role.ANSWER,),
}


@dataclass(frozen=True)
class Condition:
    """What N masks are drawn from.

    Attributes:
        tokens: ``(N, T, D)`` float32.
        is_padding: ``(N, T)`` bool, ``True`` where a token must not be looked at.
        row_of: ``(N,)`` the row of the batch that a mask belongs to, ascending.
    """

    tokens: Tensor
    is_padding: Tensor
    row_of: Tensor


def build_conditioner(condition_on: ConditionOn) -> SequenceConditioner | SegConditioner:
    """The conditioner of a configuration."""
    return SegConditioner() if condition_on == "seg" else SequenceConditioner(condition_on)


class SequenceConditioner(nn.Module):
    """One mask a row, from the states of all its tokens of some kind (PRS-Med section 3; no ``[SEG]`` token).

    The language model is causal and the image comes first, so states at image tokens cannot depend on the
    question; ``"text"`` leaves them out. Only ``"answer"`` hands answer tokens over.
    """

    def __init__(self, condition_on: Literal["all", "text", "image", "answer"]) -> None:
        super().__init__()
        self.roles = _ROLES[condition_on]

    def forward(self, context: Context) -> Condition:
        """One mask a row; where a row has no such token it looks at its last one of any kind."""
        wanted = torch.stack([context.roles == role for role in self.roles]).any(dim=0)
        missing = ~wanted.any(dim=1, keepdim=True)
        wanted = wanted | (missing & _is_last(context.is_real))
        columns = wanted.any(dim=0)  # what no row looks at costs nothing
        rows = torch.arange(wanted.shape[0], device=wanted.device)
        return Condition(context.hidden[:, columns].float(), ~wanted[:, columns], rows)


class SegConditioner(nn.Module):
    """One mask for each ``[SEG]`` of the answers, from its state alone (MedSeg-R style); none for a row without."""

    def forward(self, context: Context) -> Condition:
        """As many masks as there are ``[SEG]`` tokens, row by row, in the order they are said."""
        row_of, column = torch.nonzero(context.roles == Role.SEG, as_tuple=True)
        tokens = context.hidden[row_of, column].float().unsqueeze(1)
        return Condition(tokens, torch.zeros(tokens.shape[:2], dtype=torch.bool, device=tokens.device), row_of)


def _is_last(is_real: Tensor) -> Tensor:
    """``(B, T)`` bool, ``True`` at each row's last token."""
    left = is_real.flip(1).long().cumsum(dim=1).flip(1)  # real tokens from here on
    return is_real & (left == 1)
