"""Language models: what they read and say, whichever they are.

Notation used for tensor shapes: B batch, T tokens, D the language model's width, V its vocabulary.
"""

from __future__ import annotations

import inspect
import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import torch
from torch import Tensor, nn
from transformers import DynamicCache, LlamaModel, PreTrainedModel

from prsmed.model.seg_token import SEG, SegToken

_BEFORE_STOP = re.compile(r"\s+([.,;:!?])")
# transformers renamed the argument within its fifth version.
CACHE_ARGUMENT = "cache" if "cache" in inspect.signature(LlamaModel.forward).parameters else "past_key_values"


class Role(IntEnum):
    """What a token is to the mask decoder."""

    PAD = 0
    START = 1
    """Before or around the image, the same for every question."""
    IMAGE = 2
    TEXT = 3
    """Of the question, earlier turns included."""
    ANSWER = 4
    SEG = 5
    """An answer's ``[SEG]``."""
    END = 6
    """Closes an answer; learnt, never looked at, as it is not read when the model speaks."""


@dataclass(frozen=True)
class TokenBatch:
    """Token ids ``(B, T)`` with ``is_real`` ``(B, T)`` bool, ``False`` on the padding at the right."""

    ids: Tensor
    is_real: Tensor

    def to(self, device: torch.device) -> TokenBatch:
        """The same tokens on another device."""
        return TokenBatch(self.ids.to(device), self.is_real.to(device))

    def expand(self, count: int) -> TokenBatch:
        """One row, ``count`` times."""
        return TokenBatch(self.ids.expand(count, -1), self.is_real.expand(count, -1))


@dataclass(frozen=True)
class Context:
    """What the language model has read so far.

    Attributes:
        hidden: Last-layer states ``(B, T, D)`` of every position read.
        roles: ``(B, T)`` :class:`Role` of every position.
        next_position: ``(B,)`` rotary position of the next token.
        cache: Keys and values of each layer, shared between contexts and never changed in place.
    """

    hidden: Tensor
    roles: Tensor
    next_position: Tensor
    cache: tuple[tuple[Tensor, Tensor], ...]

    @property
    def is_real(self) -> Tensor:
        """``(B, T)`` bool, ``False`` on padding."""
        return self.roles != Role.PAD

    @property
    def num_bytes(self) -> int:
        """Memory it holds."""
        tensors = [self.hidden, self.roles, *(tensor for layer in self.cache for tensor in layer)]
        return sum(tensor.numel() * tensor.element_size() for tensor in tensors)

    def take(self, rows: Tensor) -> Context:
        """The contexts of those rows, in that order."""
        cache = tuple((keys[rows], values[rows]) for keys, values in self.cache)
        return Context(self.hidden[rows], self.roles[rows], self.next_position[rows], cache)

    def first(self, count: int) -> Context:
        """The context after its first ``count`` tokens, padding not among them: they have seen nothing that follows."""
        cache = tuple((keys[:, :, :count].clone(), values[:, :, :count].clone()) for keys, values in self.cache)
        position = torch.full_like(self.next_position, count)
        return Context(self.hidden[:, :count].clone(), self.roles[:, :count].clone(), position, cache)

    def last(self, role: Role) -> Tensor:
        """Hidden state ``(B, D)`` of each row's last token of that role."""
        steps = torch.arange(self.roles.shape[1], device=self.roles.device)
        last = torch.where(self.roles == role, steps, -1).amax(dim=1)
        return self.hidden[torch.arange(last.shape[0], device=last.device), last]


class LanguageModel(nn.Module, ABC):
    """Embeds, prefills on top of a cache, names the next token.

    Attributes:
        seg: The ``[SEG]`` token of models that point at their targets; its id is the one after the vocabulary.
    """

    seg: SegToken | None

    @property
    @abstractmethod
    def network(self) -> PreTrainedModel:
        """The vision-language model of transformers."""

    @property
    @abstractmethod
    def end_id(self) -> int:
        """The token that ends an answer."""

    @property
    @abstractmethod
    def pad_id(self) -> int:
        """The id that rows are filled up with."""

    @abstractmethod
    def prefix_length(self, side: int) -> int:
        """Tokens of an image of ``side`` x ``side`` pixels and what stands before it."""

    @abstractmethod
    def text_of(self, ids: Sequence[int]) -> str:
        """Text of generated ids that hold no ``[SEG]``."""

    @abstractmethod
    def ids_of(self, text: str) -> list[int]:
        """Ids of an answer's text or a piece of it."""

    @abstractmethod
    def encode_questions(self, questions: Sequence[str], history: Sequence[tuple[str, str]] = ()) -> TokenBatch:
        """Questions in the prompt's template, after earlier (question, answer) turns: what follows the image."""

    @property
    def vocabulary(self) -> int:
        """Rows of the embedding, V."""
        return int(self.network.get_input_embeddings().weight.shape[0])

    @property
    def hidden_size(self) -> int:
        """Width of the states, D."""
        return int(self.network.config.get_text_config().hidden_size)

    @property
    def max_positions(self) -> int:
        """How many tokens it can read and say."""
        return int(self.network.config.get_text_config().max_position_embeddings)

    def embed(self, ids: Tensor) -> Tensor:
        """Token embeddings ``(B, T, D)``."""
        embeddings = self.network.get_input_embeddings()
        if self.seg is None:
            embeds: Tensor = embeddings(ids)
            return embeds
        return self.seg.embed(ids, embeddings)

    def read(self, embeds: Tensor, roles: Tensor, before: Context | None = None) -> Context:
        """Read ``embeds`` ``(B, T, D)`` of ``roles`` ``(B, T)`` after ``before``; padding is not seen nor counted."""
        is_real = roles != Role.PAD
        seen = roles if before is None else torch.cat([before.roles, roles], dim=1)
        start = is_real.new_zeros(is_real.shape[0], dtype=torch.long) if before is None else before.next_position
        counted = is_real.long().cumsum(dim=1)
        # A fresh cache over the same tensors: reading on leaves `before` as it was.
        cache = DynamicCache(None if before is None else before.cache)
        output = self.network.get_decoder()(
            inputs_embeds=embeds,
            attention_mask=(seen != Role.PAD).long(),
            position_ids=(start.unsqueeze(1) + counted - 1).clamp(min=0),
            use_cache=True,
            **{CACHE_ARGUMENT: cache},
        )
        hidden = output.last_hidden_state
        if before is not None:
            hidden = torch.cat([before.hidden, hidden], dim=1)
        return Context(hidden, seen, start + counted[:, -1], layers_of(cache))

    def read_questions(self, questions: TokenBatch, before: Context) -> Context:
        """Read questions after images."""
        return self.read(*self.embed_questions(questions), before)

    def embed_questions(self, questions: TokenBatch) -> tuple[Tensor, Tensor]:
        """Questions as they are read, ``(B, T, D)``, and their roles."""
        return self.embed(questions.ids), torch.where(questions.is_real, Role.TEXT, Role.PAD)

    def roles_of_answers(self, answers: TokenBatch) -> Tensor:
        """``(B, T)`` roles of answer tokens."""
        roles = torch.where(answers.ids == self.end_id, Role.END, Role.ANSWER)
        if self.seg is not None:
            roles = torch.where(answers.ids == self.vocabulary, Role.SEG, roles)
        return roles.masked_fill(~answers.is_real, Role.PAD)

    def logits(self, hidden: Tensor) -> Tensor:
        """Next-token logits of last-layer states, float32."""
        logits: Tensor = self.network.get_output_embeddings()(hidden).float()
        return logits if self.seg is None else self.seg.extend(logits, hidden)

    def encode_answers(self, answers: Sequence[str]) -> TokenBatch:
        """Answers, each closed by the end token, padded at the right."""
        return self._pad([[*self._answer_ids(answer), self.end_id] for answer in answers])

    def decode(self, ids: Sequence[int]) -> str:
        """Text of generated ids, without ``[SEG]``."""
        text = " ".join(piece for piece in self.pieces(ids) if piece)
        return text if self.seg is None else _BEFORE_STOP.sub(r"\1", text)

    def pieces(self, ids: Sequence[int]) -> list[str]:
        """The texts before, between and after the ``[SEG]`` tokens of generated ids."""
        rows: list[list[int]] = [[]]
        for token in ids:
            if self.seg is not None and token == self.vocabulary:
                rows.append([])
            else:
                rows[-1].append(token)
        return [self.text_of(row) for row in rows]

    def _answer_ids(self, answer: str) -> list[int]:
        if self.seg is None:
            return self.ids_of(answer)
        pieces = [self.ids_of(piece.strip()) if piece.strip() else [] for piece in answer.split(SEG)]
        ids = list(pieces[0])
        for piece in pieces[1:]:
            ids += [self.vocabulary, *piece]
        return ids

    def _pad(self, rows: list[list[int]]) -> TokenBatch:
        length = max(len(row) for row in rows)
        ids = torch.full((len(rows), length), self.pad_id)
        is_real = torch.zeros((len(rows), length), dtype=torch.bool)
        for number, row in enumerate(rows):
            ids[number, : len(row)] = torch.tensor(row, dtype=torch.long)
            is_real[number, : len(row)] = True
        return TokenBatch(ids, is_real)


def layers_of(cache: DynamicCache) -> tuple[tuple[Tensor, Tensor], ...]:
    """Keys and values of every layer."""
    return tuple((layer.keys, layer.values) for layer in cache.layers)
