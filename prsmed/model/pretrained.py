"""Imported vision-language models, one way for all of them.

The image side is the model's own: its processor makes pixels and tokens, its tower looks, and what comes out, with the
text before it, is a prefix that is the same for every question. What follows the image is read by its decoder alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import torch
from torch import Tensor
from transformers import DynamicCache, PreTrainedModel, ProcessorMixin

from prsmed.model.config import PretrainedLanguageConfig
from prsmed.model.language import CACHE_ARGUMENT, Context, LanguageModel, Role, TokenBatch, layers_of
from prsmed.model.prompting import Prompt
from prsmed.model.seg_token import SegToken


class PretrainedLanguage(LanguageModel):
    """A model of ``AutoModelForImageTextToText`` with its processor.

    Args:
        config: How it is prompted.
        vlm: The model.
        processor: Its processor; ``None`` for a model that is only counted.
        seg: Whether its answers point at targets with ``[SEG]``.
    """

    unspoken: Tensor

    def __init__(
        self, config: PretrainedLanguageConfig, vlm: PreTrainedModel, processor: ProcessorMixin | None, seg: bool
    ) -> None:
        super().__init__()
        self.config = config
        self.vlm = vlm
        self.seg = SegToken(vlm.get_input_embeddings(), vlm.get_output_embeddings()) if seg else None
        self._processor = processor
        self._prefix_lengths: dict[int, int] = {}
        if processor is not None:
            self.register_buffer("unspoken", self._find_unspoken(processor), persistent=False)

    @property
    def network(self) -> PreTrainedModel:
        """The model of transformers."""
        return self.vlm

    @property
    def processor(self) -> ProcessorMixin:
        """Makes its inputs."""
        assert self._processor is not None, "a model that is only counted reads nothing"
        return self._processor

    @cached_property
    def prompt(self) -> Prompt:
        """How questions are written."""
        return Prompt(self.processor, self.config.prompt)

    @property
    def end_id(self) -> int:
        """The token that ends an answer."""
        return self.prompt.end_id

    @property
    def pad_id(self) -> int:
        """The id that rows are filled up with; it is never looked at."""
        own = self.prompt.tokenizer.pad_token_id
        return self.end_id if own is None else int(own)

    def prefix_length(self, side: int) -> int:
        """Tokens of an image of ``side`` x ``side`` pixels and what stands before it."""
        if side not in self._prefix_lengths:
            self._prefix_lengths[side] = int(self.inputs(torch.zeros(1, 3, side, side))["input_ids"].shape[1])
        return self._prefix_lengths[side]

    def look(self, pixels: Tensor) -> Context:
        """Read images ``(B, 3, S, S)``, red, green, blue in 0..1, and what the prompt has before them."""
        return self.begin(self.inputs(pixels))

    def begin(self, inputs: dict[str, Any]) -> Context:
        """Read what :meth:`inputs` made."""
        ids, position_ids = inputs["input_ids"], self._positions(inputs)
        cache = DynamicCache()
        output = self.vlm.model(**inputs, position_ids=position_ids, use_cache=True, **{CACHE_ARGUMENT: cache})
        is_image = ids == self.vlm.config.image_token_id
        following = position_ids.amax(dim=(0, 2)) if position_ids.ndim == 3 else position_ids.amax(dim=1)
        roles = torch.where(is_image, Role.IMAGE, Role.START)
        return Context(output.last_hidden_state, roles, following + 1, layers_of(cache))

    def inputs(self, pixels: Tensor) -> dict[str, Any]:
        """The model's inputs, on its device: ids of the prefix, and whatever its tower wants."""
        images = [[image] for image in (pixels * 255).round().to(torch.uint8)]
        inputs = self.processor(
            text=[self.prompt.start] * len(images),
            images=images,
            add_special_tokens=self.prompt.adds_start_token,
            return_tensors="pt",
        )
        device, dtype = self.vlm.device, self.vlm.dtype
        moved = inputs.to(device)
        return {name: value.to(dtype) if value.is_floating_point() else value for name, value in moved.items()}

    def logits(self, hidden: Tensor) -> Tensor:
        """Next-token logits; what no answer holds, image and unused rows of the vocabulary, is ruled out."""
        logits = super().logits(hidden)
        logits[..., : self.vocabulary].masked_fill_(self.unspoken, float("-inf"))
        return logits

    def encode_questions(self, questions: Sequence[str], history: Sequence[tuple[str, str]] = ()) -> TokenBatch:
        """What follows the image in the prompt, padded at the right."""
        return self._pad([self.ids_of(self.prompt.after(question, history)) for question in questions])

    def text_of(self, ids: Sequence[int]) -> str:
        """Text of generated ids."""
        text: str = self.prompt.tokenizer.decode(ids, skip_special_tokens=True)
        return text.strip()

    def ids_of(self, text: str) -> list[int]:
        """Ids of a piece of a prompt or of an answer."""
        ids: list[int] = self.prompt.tokenizer.encode(text, add_special_tokens=False)
        return ids

    def _positions(self, inputs: dict[str, Any]) -> Tensor:
        """Rotary positions ``(B, T)``, or ``(3, B, T)`` of models that place an image's tokens in two dimensions."""
        ids: Tensor = inputs["input_ids"]
        if hasattr(self.vlm.model, "get_rope_index"):
            given = {name: inputs[name] for name in ("mm_token_type_ids", "image_grid_thw", "attention_mask")}
            positions: Tensor = self.vlm.model.get_rope_index(ids, **given)[0]
            return positions
        return torch.arange(ids.shape[1], device=ids.device).expand(ids.shape)

    def _find_unspoken(self, processor: ProcessorMixin) -> Tensor:
        unspoken = torch.zeros(self.vocabulary, dtype=torch.bool)
        unspoken[len(processor.tokenizer) :] = True
        unspoken[self.vlm.config.image_token_id] = True
        return unspoken
