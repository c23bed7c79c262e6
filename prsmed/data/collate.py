"""Conversations become tensors, for any language model of the family."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from prsmed.data.chat import Chat, ChatRow
from prsmed.data.item import Item
from prsmed.data.schema import Conversation
from prsmed.model.language import TokenBatch

IGNORED = -100
"""Label of a token that is not learnt; what transformers and torch's cross entropy leave out."""


@dataclass(frozen=True)
class ChatTokens:
    """R rows of up to L tokens.

    Attributes:
        ids: ``(R, L)``, filled up at the right.
        is_real: ``(R, L)`` bool, ``False`` on what was filled up.
        answer_of: ``(R, L)`` the batch's turn whose answer a token belongs to, end token included; -1 elsewhere.
    """

    ids: Tensor
    is_real: Tensor
    answer_of: Tensor

    @property
    def labels(self) -> Tensor:
        """``(R, L)``: the ids of answers, :data:`IGNORED` elsewhere."""
        return self.ids.masked_fill(self.answer_of < 0, IGNORED)

    def split(self) -> tuple[TokenBatch, TokenBatch]:
        """Prompts and answers of rows with one answer each, for models that put tokens of their own between."""
        is_answer = self.answer_of >= 0
        return self._take(self.is_real & ~is_answer), self._take(is_answer)

    def _take(self, is_taken: Tensor) -> TokenBatch:
        """Those tokens of each row, moved to the left."""
        length = int(is_taken.sum(dim=1).max())
        order = (~is_taken).long().argsort(dim=1, stable=True)[:, :length]
        # What is not taken stays as filling: any id will do there.
        return TokenBatch(self.ids.gather(1, order), is_taken.gather(1, order))


@dataclass(frozen=True)
class ConversationBatch:
    """B conversations with T turns in all.

    Attributes:
        pixels: ``(B, 3, S, S)`` in 0..1, one image a conversation.
        masks: ``(T, 1, S, S)`` 0 or 1, what a turn is about; all 0 where that is absent.
        image_of: ``(T,)`` the conversation, so the image, of a turn.
        is_present: ``(T,)`` bool.
        tokens: Rows as the language model reads them: B conversations, or T turns each with those before it.
        conversations: What is said, with records, options and letters.
    """

    pixels: Tensor
    masks: Tensor
    image_of: Tensor
    is_present: Tensor
    tokens: ChatTokens
    conversations: tuple[Conversation, ...]


class Collate:
    """Puts items of one size into a batch: a ``collate_fn`` for a DataLoader.

    Args:
        chat: How the language model reads conversations.
    """

    def __init__(self, chat: Chat) -> None:
        self._chat = chat

    def __call__(self, items: Sequence[Item]) -> ConversationBatch:
        """A batch on the CPU."""
        conversations = tuple(item.conversation for item in items)
        turns = [turn for conversation in conversations for turn in conversation.turns]
        counts = torch.tensor([len(conversation.turns) for conversation in conversations])
        pixels = torch.from_numpy(np.stack([item.pixels for item in items]))
        masks = torch.from_numpy(np.concatenate([item.masks for item in items]))
        return ConversationBatch(
            # Bytes (B, S, S, 3) seen as (B, 3, S, S): the channels-last layout that convolutions like.
            pixels=pixels.permute(0, 3, 1, 2).float() / 255,
            masks=masks.float().unsqueeze(1),
            image_of=torch.arange(len(items)).repeat_interleave(counts),
            is_present=torch.tensor([turn.present for turn in turns]),
            tokens=self._tokens(conversations),
            conversations=conversations,
        )

    def _tokens(self, conversations: Sequence[Conversation]) -> ChatTokens:
        rows: list[ChatRow] = []
        offsets, turns = [], 0
        for conversation in conversations:
            own = self._chat.encode(conversation.turns)
            rows += own
            offsets += [turns] * len(own)
            turns += len(conversation.turns)
        answers = [
            torch.tensor([number if number < 0 else offset + number for number in row.answer_of])
            for row, offset in zip(rows, offsets, strict=True)
        ]
        return ChatTokens(
            ids=pad_sequence([torch.tensor(row.ids) for row in rows], True, float(self._chat.pad_id)),
            is_real=pad_sequence([torch.ones(len(row.ids), dtype=torch.bool) for row in rows], True),
            answer_of=pad_sequence(answers, True, -1.0),
        )
