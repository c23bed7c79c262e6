"""PRS-Med: image and question in, mask and words out.

The way of one question, each step usable on its own so that a server can cache the image side and show the
mask first:

    see      image            -> encoder features + language-model prefix      (once per image)
    read     + question       -> hidden states of the prompt                   (once per question)
    segment                   -> mask logits, presence logit                   (no text generated yet)
    speak                     -> answer tokens, greedily, from the same prefill

Models that draw from their answer (``draws_after_text``) speak before they segment: see :meth:`PRSMed.draw`.

Notation used for tensor shapes: B batch, N masks, S image side, T tokens, D the language model's width.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from prsmed.model.conditioner import SegConditioner, SequenceConditioner
from prsmed.model.config import ModelConfig
from prsmed.model.decoder import Fused, MaskDecoder
from prsmed.model.encoder import ImageEncoder, ImageFeatures
from prsmed.model.language import Context, LanguageModel, Role, TokenBatch
from prsmed.model.mask_tokens import MaskTokens
from prsmed.model.outputs import UNDRAWN, Output, Seen, Segmented
from prsmed.model.presence import PresenceHead
from prsmed.model.pretrained import PretrainedLanguage
from prsmed.model.regions import confident
from prsmed.model.speech import Speech
from prsmed.model.tiny_llava import TinyLlava
from prsmed.model.visual_tokens import SharedVisualTokens


class PRSMed(nn.Module):
    """The network of one preset."""

    def __init__(
        self,
        config: ModelConfig,
        *,
        encoder: ImageEncoder | None,
        language: LanguageModel,
        visual_tokens: SharedVisualTokens | None,
        conditioner: SequenceConditioner | SegConditioner,
        decoder: MaskDecoder | None,
        presence: PresenceHead | None,
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
        return next(self.parameters()).device

    @property
    def max_question_tokens(self) -> int:
        """How long a question with its history may be: image, mask tokens and answer stand in the same context."""
        coded = 0 if self.mask_tokens is None else len(self.mask_tokens.nothing)
        beside = self.language.prefix_length(self.config.image_size) + coded + self.config.max_answer_tokens
        return self.language.max_positions - beside

    def see(self, pixels: Tensor) -> Seen:
        """Look at images ``(B, 3, S, S)``, red, green, blue in 0..1."""
        features = self.encode(pixels)
        if self.visual_tokens is not None:
            return self.glance(features)
        return Seen(features, cast(PretrainedLanguage, self.language).look(pixels))

    def encode(self, pixels: Tensor) -> ImageFeatures:
        """What the image encoder sees, as far as the decoder takes it."""
        if self.encoder is None or self.decoder is None:
            return ImageFeatures(pixels.new_zeros(pixels.shape[0], 0, 1, 1), ())
        features: ImageFeatures = self.encoder(pixels)
        return ImageFeatures(features.dense, features.finer[: self.decoder.skips])

    def glance(self, features: ImageFeatures) -> Seen:
        """The second half of :meth:`see` of a model whose language model shares the image encoder."""
        assert self.visual_tokens is not None
        return Seen(features, cast(TinyLlava, self.language).begin(self.visual_tokens(features.dense)))

    def read(self, seen: Seen, questions: TokenBatch) -> Context:
        """Prefill the questions after the images; returns the context of the whole prompt."""
        return self.language.read_questions(questions, seen.prefix)

    def read_with_image(self, pixels: Tensor, features: ImageFeatures, questions: TokenBatch) -> tuple[Seen, Context]:
        """The second half of :meth:`see` and :meth:`read` together: one pass over both where the encoder is shared."""
        if self.visual_tokens is None:
            seen = Seen(features, cast(PretrainedLanguage, self.language).look(pixels))
            return seen, self.read(seen, questions)
        language = cast(TinyLlava, self.language)
        image, image_roles = language.embed_image(self.visual_tokens(features.dense))
        question, roles = language.embed_questions(questions)
        prompt = language.read(torch.cat([image, question], dim=1), torch.cat([image_roles, roles], dim=1))
        return Seen(features, prompt.first(image.shape[1])), prompt

    def segment(self, features: ImageFeatures, context: Context, size: int) -> Segmented:
        """Draw masks of side ``size`` from the context's hidden states.

        The context is the prompt's, or with the answer for models that draw from it.
        """
        segmented, _ = self._draw_first(features, features, context, size)
        return segmented

    def mask_of(self, segmented: Segmented) -> Tensor:
        """Binary masks ``(N, 1, S, S)`` without doubtful regions; empty where the target is judged absent."""
        probability = segmented.mask_logits.detach().float().sigmoid()
        mask = probability >= self.config.mask_threshold
        if self.config.region_confidence > 0:
            mask = confident(mask, probability, self.config.region_confidence)
        present = segmented.presence_logits.sigmoid() >= self.config.presence_threshold
        return mask & present[segmented.row_of].view(-1, 1, 1, 1)

    @torch.no_grad()
    def speak(self, features: ImageFeatures, prompt: Context, mask: Tensor | None) -> Speech:
        """Answers after a prompt.

        Args:
            features: Of the images.
            prompt: What :meth:`read` returned.
            mask: ``(B, 1, S, S)``, for models that answer from the mask; the others do not look at it.
        """
        if self.mask_tokens is None:
            return Speech(self.language, prompt, prompt.last(Role.TEXT), self.config.max_answer_tokens)
        assert mask is not None
        tokens = self.mask_tokens(mask, features.dense)
        context = self.language.read(tokens, _roles(tokens, Role.ANSWER), prompt)
        return Speech(self.language, context, context.hidden[:, -1], self.config.max_answer_tokens)

    def answer(self, features: ImageFeatures, prompt: Context, mask: Tensor | None) -> list[str]:
        """The whole text of each row of :meth:`speak`."""
        return _finish(self.speak(features, prompt, mask)).texts

    @torch.no_grad()
    def draw(self, seen: Seen, prompt: Context, size: int) -> tuple[Segmented, Speech | None]:
        """One mask a question, whatever it is drawn from, and the answers where those had to be spoken for it."""
        if not self.config.draws_after_text:
            return self.segment(seen.features, prompt, size), None
        speech = _finish(self.speak(seen.features, prompt, None))
        return self.segment(seen.features, speech.context, size).merged(), speech

    @torch.no_grad()
    def draw_present(self, seen: Seen, prompt: Context, size: int) -> Segmented:
        """:meth:`draw` without words; what the presence head judges absent, which has no mask, is left undrawn."""
        if self.presence is None or self.decoder is None or self.config.draws_after_text:
            return self.draw(seen, prompt, size)[0]
        condition = self.conditioner(prompt)
        fused = self.decoder.fuse(seen.features, condition.tokens, condition.is_padding)
        undrawn = _undrawn(seen.features.dense, len(fused.grid), size)
        presence_logits = self._presence(fused.grid, prompt, undrawn.mask_logits, undrawn.row_of)
        rows = torch.nonzero(presence_logits.sigmoid() >= self.config.presence_threshold).squeeze(1)
        if len(rows):
            drawn = self.decoder.draw(Fused(fused.grid[rows]), seen.features.take(rows), size)
            undrawn.mask_logits[rows] = drawn
        return Segmented(undrawn.mask_logits, presence_logits, undrawn.row_of)

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
            answers: Answer tokens of T turns with the end token; being after the prompt they cannot reach the mask,
                unless the model draws from them.
            true_mask: ``(B, 1, S, S)`` bool.
            use_true: ``(B,)`` bool: rows whose mask tokens code the true mask, the others the predicted one.
            image_of: ``(T,)`` which image a turn is about; one turn an image when ``None``.

        Returns:
            ``mask_logits`` ``(N, 1, S, S)`` of the first B turns, ``presence_logits`` ``(T,)``, ``text_logits``
            ``(T, length, vocabulary)``, ``coarse_logits`` ``(B, 1, h, w)`` of a decoder with a coarse head.
        """
        seen = self.see(pixels)
        features, turns, prefix = seen.features, seen.features, seen.prefix
        if image_of is not None:
            turns, prefix = ImageFeatures(turns.dense[image_of], ()), prefix.take(image_of)
        embeds, roles = self.language.embed(answers.ids), self.language.roles_of_answers(answers)
        length = answers.ids.shape[1]
        if self.mask_tokens is None:
            asked = torch.where(questions.is_real, Role.TEXT, Role.PAD)
            embeds = torch.cat([self.language.embed(questions.ids), embeds], dim=1)
            context = self.language.read(embeds, torch.cat([asked, roles], dim=1), prefix)
            segmented, coarse = self._draw_first(features, turns, context, pixels.shape[-1])
            first = context.last(Role.TEXT)
        else:
            prompt = self.language.read_questions(questions, prefix)
            segmented, coarse = self._draw_first(features, turns, prompt, pixels.shape[-1])
            mask = torch.where(use_true.view(-1, 1, 1, 1), true_mask, self.mask_of(segmented))
            nothing = mask.new_zeros(turns.dense.shape[0] - mask.shape[0], *mask.shape[1:])
            tokens = self.mask_tokens(torch.cat([mask, nothing]), turns.dense)
            roles = torch.cat([_roles(tokens, Role.ANSWER), roles], dim=1)
            context = self.language.read(torch.cat([tokens, embeds], dim=1), roles, prompt)
            first = context.hidden[:, -length - 1]
        hidden = torch.cat([first.unsqueeze(1), context.hidden[:, -length:-1]], dim=1)
        return Output(segmented, self.language.logits(hidden), coarse)

    def _draw_first(
        self, features: ImageFeatures, turns: ImageFeatures, context: Context, size: int
    ) -> tuple[Segmented, Tensor | None]:
        """Masks, fine and coarse, of the images' own turns, which are the first ones; presence of every turn."""
        images = features.dense.shape[0]
        if self.decoder is None:
            return _undrawn(turns.dense, images, size), None
        condition = self.conditioner(context)
        if isinstance(self.conditioner, SegConditioner):
            first = condition.row_of < images
            row_of = condition.row_of[first]
            pointed = features.take(row_of)
            logits = features.dense.new_zeros(0, 1, size, size)
            if len(row_of):
                fused = self.decoder.fuse(pointed, condition.tokens[first], condition.is_padding[first])
                logits = self.decoder.draw(fused, pointed, size)
            return Segmented(logits, self._presence(turns.dense, context, logits, row_of), row_of), None
        fused = self.decoder.fuse(turns, condition.tokens, condition.is_padding)
        own = Fused(fused.grid[:images])
        logits = self.decoder.draw(own, features, size)
        row_of = condition.row_of[:images]
        coarse = None if self.decoder.coarse_head is None else self.decoder.coarse_head(own.grid)
        return Segmented(logits, self._presence(fused.grid, context, logits, row_of), row_of), coarse

    def _presence(self, grid: Tensor, context: Context, mask_logits: Tensor, row_of: Tensor) -> Tensor:
        """Calibrated presence logits ``(T,)``: the head's, or those of the surest pixel of each turn's masks."""
        if self.presence is not None:
            logits: Tensor = self.presence(grid, context.last(Role.TEXT).float())
        else:
            surest = mask_logits.flatten(1).amax(dim=1)
            logits = surest.new_full((grid.shape[0],), UNDRAWN).scatter_reduce(0, row_of, surest, "amax")
        return logits / self.config.presence_temperature


def _finish(speech: Speech) -> Speech:
    for _ in speech:
        pass
    return speech


def _undrawn(dense: Tensor, images: int, size: int) -> Segmented:
    rows = torch.arange(images, device=dense.device)
    return Segmented(dense.new_full((images, 1, size, size), UNDRAWN), dense.new_full((dense.shape[0],), UNDRAWN), rows)


def _roles(embeds: Tensor, role: Role) -> Tensor:
    return torch.full(embeds.shape[:2], role, device=embeds.device)
