"""PRS-Med: image and question in, mask and words out.

The way of one question, each step usable on its own so that a server can cache the image side and show the
mask first:

    see      image            -> encoder features + language-model prefix      (once per image)
    read     + question       -> hidden states of the prompt                   (once per question)
    segment                   -> mask logits, presence logit                   (no text generated yet)
    speak                     -> answer tokens, greedily, from the same prefill

Notation used for tensor shapes: B batch, S image side, T tokens, D the language model's width.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from prsmed.model.conditioner import SequenceConditioner
from prsmed.model.config import ModelConfig
from prsmed.model.decoder import Fused, FusionDecoder
from prsmed.model.encoder import ImageEncoder, ImageFeatures
from prsmed.model.language import Context, LanguageModel, TokenBatch
from prsmed.model.mask_tokens import MaskTokens
from prsmed.model.presence import PresenceHead
from prsmed.model.visual_tokens import SharedVisualTokens
from prsmed.position.confidence import confident_regions


@dataclass(frozen=True)
class Seen:
    """An image the model has looked at: encoder features and the language model's prefix over it."""

    features: ImageFeatures
    prefix: Context

    def expand(self, count: int) -> Seen:
        """One image, ``count`` times."""
        features = ImageFeatures(
            self.features.dense.expand(count, -1, -1, -1),
            tuple(finer.expand(count, -1, -1, -1) for finer in self.features.finer),
        )
        return Seen(features, self.prefix.expand(count))

    @property
    def num_bytes(self) -> int:
        """Memory it holds."""
        tensors = (self.features.dense, *self.features.finer)
        return self.prefix.num_bytes + sum(tensor.numel() * tensor.element_size() for tensor in tensors)


@dataclass(frozen=True)
class Segmented:
    """Mask logits ``(B, 1, S, S)`` and presence logits ``(B,)``."""

    mask_logits: Tensor
    presence_logits: Tensor


@dataclass(frozen=True)
class Output:
    """One training pass (:meth:`PRSMed.forward`)."""

    segmented: Segmented
    text_logits: Tensor
    coarse_logits: Tensor | None = None


class PRSMed(nn.Module):
    """The network of one preset."""

    def __init__(
        self,
        config: ModelConfig,
        *,
        encoder: ImageEncoder,
        language: LanguageModel,
        visual_tokens: SharedVisualTokens,
        conditioner: SequenceConditioner,
        decoder: FusionDecoder,
        presence: PresenceHead,
        mask_tokens: MaskTokens | None,
    ) -> None:
        super().__init__()
        self.config = config
        self.encoder = encoder
        self.language = language
        self.visual_tokens = visual_tokens
        self.conditioner = conditioner
        self.decoder = decoder
        self.presence = presence
        self.mask_tokens = mask_tokens

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.encoder.mean.device

    @property
    def max_question_tokens(self) -> int:
        """How long a question with its history may be: image, mask tokens and answer stand in the same context."""
        coded = 0 if self.mask_tokens is None else len(self.mask_tokens.nothing)
        beside = 1 + self.config.language.visual_grid**2 + coded + self.config.max_answer_tokens
        return self.config.language.max_positions - beside

    def see(self, pixels: Tensor) -> Seen:
        """Look at images ``(B, 3, S, S)``, red, green, blue in 0..1."""
        return self.glance(self.encoder(pixels))

    def glance(self, features: ImageFeatures) -> Seen:
        """The second half of :meth:`see`: the language model's prefix over encoder features."""
        prefix = self._prefix_embeds(features)
        return Seen(features, self.language.read(prefix, _all_real(prefix)))

    def read(self, seen: Seen, questions: TokenBatch) -> Context:
        """Prefill the questions after the images; returns the context of the whole prompt."""
        return self.language.read(self.language.embed(questions.ids), questions.is_real, seen.prefix)

    def segment(self, features: ImageFeatures, prompt: Context, size: int) -> Segmented:
        """Draw masks of side ``size`` from the prompt's hidden states; knows nothing of any answer."""
        fused, presence_logits = self._fuse(features, prompt)
        return Segmented(self.decoder.draw(fused, features, size), presence_logits)

    def mask_of(self, segmented: Segmented) -> Tensor:
        """Binary masks ``(B, 1, S, S)`` without doubtful regions; empty where the target is judged absent."""
        probability = segmented.mask_logits.detach().sigmoid()
        mask = probability >= self.config.mask_threshold
        if self.config.region_confidence > 0:
            mask = _confident(mask, probability, self.config.region_confidence)
        present = segmented.presence_logits[: mask.shape[0]].sigmoid() >= self.config.presence_threshold
        return mask & present.view(-1, 1, 1, 1)

    @torch.no_grad()
    def speak(self, features: ImageFeatures, prompt: Context, mask: Tensor) -> Iterator[Tensor]:
        """Answer tokens, greedily: yields ``(B,)`` ids until every row has ended.

        Rows that have ended yield the end token.
        """
        end = self.language.tokenizer.eos_token_id
        context, hidden = self._before_answer(features, prompt, mask)
        ended = torch.zeros(mask.shape[0], dtype=torch.bool, device=mask.device)
        for _ in range(self.config.max_answer_tokens):
            ids = self.language.logits(hidden).argmax(dim=1)
            ids = torch.where(ended, end, ids)
            ended |= ids == end
            if bool(ended.all()):
                return
            yield ids
            context = self.language.read(self.language.embed(ids.unsqueeze(1)), ~ended.unsqueeze(1), context)
            hidden = context.hidden[:, -1]

    def answer(self, features: ImageFeatures, prompt: Context, mask: Tensor) -> list[str]:
        """The whole text of each row of :meth:`speak`."""
        steps = list(self.speak(features, prompt, mask))
        if not steps:
            return [""] * mask.shape[0]
        return [self.language.decode(row) for row in torch.stack(steps, dim=1).tolist()]

    def forward(
        self,
        pixels: Tensor,
        questions: TokenBatch,
        answers: TokenBatch,
        true_mask: Tensor,
        use_true: Tensor,
        image_of: Tensor | None = None,
    ) -> Output:
        """Masks, presence and answer logits from one language-model pass over prompt and answer.

        There may be more turns than images (T >= B): the first B turns are about the B images in order and have
        masks; the others ask the same images for something absent, which has no mask to draw.

        Args:
            pixels: ``(B, 3, S, S)``.
            questions: Prompt tokens of T turns.
            answers: Answer tokens of T turns with the end token; they cannot reach the mask, being after the prompt.
            true_mask: ``(B, 1, S, S)`` bool.
            use_true: ``(B,)`` bool: rows whose mask tokens code the true mask, the others the predicted one.
            image_of: ``(T,)`` which image a turn is about; one turn an image when ``None``.

        Returns:
            ``mask_logits`` ``(B, 1, S, S)``, ``presence_logits`` ``(T,)``, ``text_logits`` ``(T, length, vocabulary)``,
            ``coarse_logits`` ``(B, 1, h, w)`` of a decoder with a coarse head.
        """
        features = self.encoder(pixels)
        turns = features if image_of is None else ImageFeatures(features.dense[image_of], ())
        prefix = self._prefix_embeds(turns)
        embeds = torch.cat([prefix, self.language.embed(questions.ids)], dim=1)
        is_real = torch.cat([_all_real(prefix), questions.is_real], dim=1)
        answer_embeds = self.language.embed(answers.ids)
        if self.mask_tokens is None:
            width = embeds.shape[1]
            context = self.language.read(
                torch.cat([embeds, answer_embeds], dim=1), torch.cat([is_real, answers.is_real], dim=1)
            )
            prompt = Context(context.hidden[:, :width], is_real, ())
            segmented, coarse = self._draw_first(features, turns, prompt, pixels.shape[-1])
            first = _last_real(prompt)
        else:
            prompt = self.language.read(embeds, is_real)
            segmented, coarse = self._draw_first(features, turns, prompt, pixels.shape[-1])
            mask = torch.where(use_true.view(-1, 1, 1, 1), true_mask, self.mask_of(segmented))
            nothing = mask.new_zeros(turns.dense.shape[0] - mask.shape[0], *mask.shape[1:])
            tokens = self.mask_tokens(torch.cat([mask, nothing]), turns.dense)
            context = self.language.read(
                torch.cat([tokens, answer_embeds], dim=1),
                torch.cat([_all_real(tokens), answers.is_real], dim=1),
                prompt,
            )
            first = context.hidden[:, -answers.ids.shape[1] - 1]
        hidden = torch.cat([first.unsqueeze(1), context.hidden[:, -answers.ids.shape[1] : -1]], dim=1)
        return Output(segmented, self.language.logits(hidden), coarse)

    def _fuse(self, features: ImageFeatures, prompt: Context) -> tuple[Fused, Tensor]:
        """Image features that have looked at the prompt, and presence logits."""
        tokens, is_padding = self.conditioner(prompt)
        fused = self.decoder.fuse(features, tokens, is_padding)
        return fused, self.presence(fused.grid, _last_real(prompt))

    def _draw_first(
        self, features: ImageFeatures, turns: ImageFeatures, prompt: Context, size: int
    ) -> tuple[Segmented, Tensor | None]:
        """Masks, fine and coarse, of the images' own turns; presence of every turn."""
        fused, presence_logits = self._fuse(turns, prompt)
        own = Fused(fused.grid[: features.dense.shape[0]])
        coarse = None if self.decoder.coarse_head is None else self.decoder.coarse_head(own.grid)
        return Segmented(self.decoder.draw(own, features, size), presence_logits), coarse

    def _prefix_embeds(self, features: ImageFeatures) -> Tensor:
        start = torch.full(
            (features.dense.shape[0], 1), self.language.tokenizer.bos_token_id, device=features.dense.device
        )
        return torch.cat([self.language.embed(start), self.visual_tokens(features.dense)], dim=1)

    def _before_answer(self, features: ImageFeatures, prompt: Context, mask: Tensor) -> tuple[Context, Tensor]:
        """The context an answer starts from, and the state that names its first token."""
        if self.mask_tokens is None:
            return prompt, _last_real(prompt)
        tokens = self.mask_tokens(mask, features.dense)
        context = self.language.read(tokens, _all_real(tokens), prompt)
        return context, context.hidden[:, -1]


def _all_real(embeds: Tensor) -> Tensor:
    return torch.ones(embeds.shape[:2], dtype=torch.bool, device=embeds.device)


def _confident(mask: Tensor, probability: Tensor, share: float) -> Tensor:
    """:func:`confident_regions` of each row of ``(B, 1, S, S)``."""
    rows = zip(mask[:, 0].cpu().numpy(), probability[:, 0].float().cpu().numpy(), strict=True)
    kept = np.stack([confident_regions(*row, share) for row in rows])
    return torch.from_numpy(kept).to(mask.device).unsqueeze(1)


def _last_real(context: Context) -> Tensor:
    """Hidden state ``(B, D)`` of each row's last token that is not padding."""
    steps = torch.arange(context.is_real.shape[1], device=context.is_real.device)
    last = torch.where(context.is_real, steps, -1).amax(dim=1)
    return context.hidden[torch.arange(last.shape[0], device=last.device), last]
