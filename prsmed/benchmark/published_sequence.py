"""The order in which PRS-Med's released code answers, on any model of ours: the baseline of ``prsmed benchmark ask``.

Its ``LLMSeg.generate`` hands image and question to the language model's own ``generate``; when the answer is complete
it runs the mask decoder's image encoder, then a second full forward over image and question, which takes nothing over
from the first, and draws from the hidden states of that. Here the same steps are run on our model as fast as they can
be in this order: nothing is recorded for gradients, the weights, their dtype and the kernels are those of our own way,
the image is prepared once, and the answer is spoken from a cache, greedily, with as many tokens as our own has. (The
released code samples, casts the weights on every call, and its answers go on for 512 tokens, as they were never taught
an end.)

Notation used for tensor shapes: B batch, S image side, T tokens.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import torch
from torch import Tensor

from prsmed.model.encoder import ImageFeatures
from prsmed.model.language import Context, LanguageModel, Role, TokenBatch
from prsmed.model.outputs import Segmented
from prsmed.model.pretrained import PretrainedLanguage
from prsmed.model.prsmed import PRSMed
from prsmed.model.tiny_llava import TinyLlava


@torch.inference_mode()
def published_sequence(
    model: PRSMed, pixels: Tensor, questions: TokenBatch, tokens: int, *, looks_once: bool = False
) -> Segmented:
    """Speak, read everything once more, draw.

    Args:
        model: Any with a mask decoder. Those that draw from their answer read it in the second forward, too.
        pixels: ``(B, 3, S, S)``, red, green, blue in 0..1.
        questions: ``(B, T)`` without padding.
        tokens: Of the answer. What a model says that is taught to answer from the mask, as `nano`, means nothing here.
        looks_once: Keep what the image encoder saw for the second forward, which the released code does not. Only of
            models whose language model shares that encoder.
    """
    language = model.language
    whole: _Whole
    if isinstance(language, TinyLlava):
        whole = _SharedEncoder(model, language, pixels, looks_once)
    else:
        assert isinstance(language, PretrainedLanguage)
        whole = _OwnTower(model, language, pixels)
    said = _generate(language, whole.read(questions.ids, questions.ids[:, :0]), tokens)
    context = whole.read(questions.ids, said if model.config.draws_after_text else said[:, :0])
    return model.segment(whole.features(), context, pixels.shape[-1])


class _Whole(ABC):
    """One image and its full forwards."""

    @abstractmethod
    def read(self, question: Tensor, answer: Tensor) -> Context:
        """Everything from the pixels on, in one forward; ids ``(B, T)``."""

    @abstractmethod
    def features(self) -> ImageFeatures:
        """What the mask is drawn from."""


class _SharedEncoder(_Whole):
    """The language model reads what the image encoder sees: a full forward runs that, and the mask is drawn from it.

    One run less than the released code would make, whose second forward and decoder each have an encoder of their own.
    """

    def __init__(self, model: PRSMed, language: TinyLlava, pixels: Tensor, looks_once: bool) -> None:
        self._model, self._language, self._pixels = model, language, pixels
        self._looks_once = looks_once
        self._seen: ImageFeatures | None = None

    def read(self, question: Tensor, answer: Tensor) -> Context:
        assert self._model.visual_tokens is not None
        if self._seen is None or not self._looks_once:
            self._seen = self._model.encode(self._pixels)
        embeds, roles = self._language.embed_image(self._model.visual_tokens(self._seen.dense))
        embeds = torch.cat([embeds, self._language.embed(torch.cat([question, answer], dim=1))], dim=1)
        return self._language.read(embeds, _roles(self._language, roles, question, answer))

    def features(self) -> ImageFeatures:
        assert self._seen is not None, "the mask is drawn after a full forward"
        return self._seen


class _OwnTower(_Whole):
    """The language model has a tower of its own; the image encoder is the mask decoder's alone."""

    def __init__(self, model: PRSMed, language: PretrainedLanguage, pixels: Tensor) -> None:
        self._model, self._language, self._pixels = model, language, pixels
        self._inputs = language.inputs(pixels)

    def read(self, question: Tensor, answer: Tensor) -> Context:
        context = self._language.begin(_append(self._inputs, torch.cat([question, answer], dim=1)))
        before = context.roles[:, : self._inputs["input_ids"].shape[1]]
        roles = _roles(self._language, before, question, answer)
        return Context(context.hidden, roles, context.next_position, context.cache)

    def features(self) -> ImageFeatures:
        return self._model.encode(self._pixels)


def _generate(language: LanguageModel, context: Context, count: int) -> Tensor:
    """Ids ``(B, count)``, said greedily, whether or not the model would have ended."""
    said = context.roles.new_zeros(context.roles.shape[0], 0)
    for _ in range(count):
        ids = language.logits(context.hidden[:, -1]).argmax(dim=1, keepdim=True)
        context = language.read(language.embed(ids), torch.full_like(ids, Role.ANSWER), context)
        said = torch.cat([said, ids], dim=1)
    return said


def _append(inputs: dict[str, Any], ids: Tensor) -> dict[str, Any]:
    """A processor's inputs with text after the image."""
    beside = {name: torch.zeros_like(ids) for name, value in inputs.items() if value.shape == inputs["input_ids"].shape}
    beside |= {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    return inputs | {name: torch.cat([inputs[name], more], dim=1) for name, more in beside.items()}


def _roles(language: LanguageModel, before: Tensor, question: Tensor, answer: Tensor) -> Tensor:
    spoken = language.roles_of_answers(TokenBatch(answer, torch.ones_like(answer, dtype=torch.bool)))
    return torch.cat([before, torch.full_like(question, Role.TEXT), spoken], dim=1)
