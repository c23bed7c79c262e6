"""Answers as they are generated."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from prsmed.model.language import Context, LanguageModel, TokenBatch


class Speech(Iterator[Tensor]):
    """Greedy answers of B rows: yields ``(B,)`` ids until every row has ended.

    Rows that have ended yield the end token.

    Args:
        language: Who speaks.
        context: What the answers follow.
        hidden: States ``(B, D)`` that name their first tokens.
        max_tokens: Upper bound of their length.

    Attributes:
        context: What has been read so far, the tokens yielded included.
        steps: The ids yielded so far.
    """

    def __init__(self, language: LanguageModel, context: Context, hidden: Tensor, max_tokens: int) -> None:
        self.context = context
        self.steps: list[Tensor] = []
        self._language = language
        self._hidden = hidden
        self._max_tokens = max_tokens
        self._ended = torch.zeros(hidden.shape[0], dtype=torch.bool, device=hidden.device)

    @torch.no_grad()
    def __next__(self) -> Tensor:
        """The next token of every row."""
        if self.steps:
            self._read(self.steps[-1])
        if len(self.steps) == self._max_tokens:
            raise StopIteration
        end = self._language.end_id
        ids = self._language.logits(self._hidden).argmax(dim=1)
        ids = torch.where(self._ended, end, ids)
        self._ended |= ids == end
        if bool(self._ended.all()):
            raise StopIteration
        self.steps.append(ids)
        return ids

    @property
    def rows(self) -> list[list[int]]:
        """Ids of each row's answer so far; a row that has ended holds end tokens."""
        if not self.steps:
            return [[] for _ in range(self._hidden.shape[0])]
        return [list(row) for row in torch.stack(self.steps, dim=1).tolist()]

    @property
    def texts(self) -> list[str]:
        """What is said so far."""
        return [self._language.decode(row) for row in self.rows]

    def _read(self, ids: Tensor) -> None:
        tokens = TokenBatch(ids.unsqueeze(1), ~self._ended.unsqueeze(1))
        roles = self._language.roles_of_answers(tokens)
        self.context = self._language.read(self._language.embed(tokens.ids), roles, self.context)
        self._hidden = self.context.hidden[:, -1]
