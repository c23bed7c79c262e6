"""The language model: embeds, prefills on top of a cache, names the next token."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from transformers import (
    CLIPVisionConfig,
    DynamicCache,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    PreTrainedTokenizerFast,
)

from prsmed.model.config import TinyLanguageConfig

QUESTION_TEMPLATE = "\nuser: {question}\nassistant:"


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
        hidden: Last-layer states ``(B, T, hidden_size)`` of every position read.
        is_real: ``(B, T)`` bool, ``False`` on padding.
        cache: Keys and values of each layer, shared between contexts and never changed in place.
    """

    hidden: Tensor
    is_real: Tensor
    cache: tuple[tuple[Tensor, Tensor], ...]

    @property
    def num_bytes(self) -> int:
        """Memory it holds."""
        tensors = [self.hidden, self.is_real, *(tensor for layer in self.cache for tensor in layer)]
        return sum(tensor.numel() * tensor.element_size() for tensor in tensors)

    def expand(self, count: int) -> Context:
        """The context of one image, for ``count`` rows."""
        grow = [tuple(t.expand(count, *t.shape[1:]) for t in layer) for layer in self.cache]
        return Context(
            self.hidden.expand(count, -1, -1), self.is_real.expand(count, -1), tuple((k, v) for k, v in grow)
        )


class LanguageModel(nn.Module):
    """``LlavaForConditionalGeneration`` with its tokenizer; visual tokens come from outside."""

    def __init__(self, llava: LlavaForConditionalGeneration, tokenizer: PreTrainedTokenizerFast) -> None:
        super().__init__()
        self.llava = llava
        self.tokenizer = tokenizer
        self.hidden_size: int = llava.config.text_config.hidden_size

    def embed(self, ids: Tensor) -> Tensor:
        """Token embeddings ``(B, T, hidden_size)``."""
        embeds: Tensor = self.llava.get_input_embeddings()(ids)
        return embeds

    def read(self, embeds: Tensor, is_real: Tensor, before: Context | None = None) -> Context:
        """Read ``embeds`` ``(B, T, hidden_size)`` after ``before``; padding is not attended nor counted."""
        seen = is_real if before is None else torch.cat([before.is_real, is_real], dim=1)
        positions = (seen.long().cumsum(dim=1) - 1).clamp(min=0)[:, -embeds.shape[1] :]
        # A fresh cache over the same tensors: reading on leaves `before` as it was.
        cache = DynamicCache(None if before is None else before.cache)
        output = self.llava.model.language_model(
            inputs_embeds=embeds,
            attention_mask=seen.long(),
            position_ids=positions,
            past_key_values=cache,
            use_cache=True,
        )
        hidden = output.last_hidden_state
        if before is not None:
            hidden = torch.cat([before.hidden, hidden], dim=1)
        return Context(hidden, seen, tuple((layer.keys, layer.values) for layer in cache.layers))

    def logits(self, hidden: Tensor) -> Tensor:
        """Next-token logits of last-layer states."""
        logits: Tensor = self.llava.lm_head(hidden)
        return logits

    def encode_questions(self, questions: Sequence[str], history: Sequence[tuple[str, str]] = ()) -> TokenBatch:
        """Questions in the prompt's template, after earlier (question, answer) turns, padded at the right."""
        before = "".join(f"{QUESTION_TEMPLATE.format(question=asked)} {answered}" for asked, answered in history)
        return self._pad(
            [self._ids(before + QUESTION_TEMPLATE.format(question=question.strip())) for question in questions]
        )

    def encode_answers(self, answers: Sequence[str]) -> TokenBatch:
        """Answers, each closed by the end token, padded at the right."""
        return self._pad([[*self._ids(answer), self.tokenizer.eos_token_id] for answer in answers])

    def decode(self, ids: Sequence[int]) -> str:
        """Text of generated ids."""
        text: str = self.tokenizer.decode(ids, skip_special_tokens=True)
        return text.strip()

    def _ids(self, text: str) -> list[int]:
        ids: list[int] = self.tokenizer.encode(text, add_special_tokens=False)
        return ids

    def _pad(self, rows: list[list[int]]) -> TokenBatch:
        length = max(len(row) for row in rows)
        ids = torch.full((len(rows), length), self.tokenizer.pad_token_id)
        is_real = torch.zeros((len(rows), length), dtype=torch.bool)
        for number, row in enumerate(rows):
            ids[number, : len(row)] = torch.tensor(row)
            is_real[number, : len(row)] = True
        return TokenBatch(ids, is_real)


def build_tiny_llava(config: TinyLanguageConfig, image_dim: int, tokenizer: PreTrainedTokenizerFast) -> LanguageModel:
    """A small ``LlavaForConditionalGeneration`` that shares the image encoder's features as visual tokens."""
    text = LlamaConfig(
        vocab_size=config.vocab_size,
        hidden_size=config.hidden_size,
        intermediate_size=config.intermediate_size,
        num_hidden_layers=config.num_layers,
        num_attention_heads=config.num_heads,
        num_key_value_heads=config.num_heads,
        max_position_embeddings=config.max_positions,
        tie_word_embeddings=False,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    # The projector reads vision_config.hidden_size; the tower itself is replaced, the encoder being shared.
    vision = CLIPVisionConfig(
        hidden_size=image_dim,
        intermediate_size=image_dim,
        num_hidden_layers=1,
        num_attention_heads=1,
        image_size=32,
    )
    image_token = tokenizer.convert_tokens_to_ids("<image>")
    llava = LlavaForConditionalGeneration(
        LlavaConfig(vision_config=vision, text_config=text, image_token_index=image_token, tie_word_embeddings=False)
    )
    llava.model.vision_tower = nn.Identity()
    # Unit-scale embeddings: the visual tokens have unit scale, and would drown words at the default 0.02.
    nn.init.normal_(llava.get_input_embeddings().weight)
    return LanguageModel(llava, tokenizer)
