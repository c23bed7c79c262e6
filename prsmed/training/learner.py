"""What a model learns from a batch: the losses of PRS-Med, and of the U-Net baseline."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor, nn

from prsmed.model.prsmed import PRSMed
from prsmed.model.seg_token import SEG
from prsmed.model.unet import BaselineUNet
from prsmed.training.batch import Batch
from prsmed.training.config import TrainConfig
from prsmed.training.losses import mask_loss, presence_loss, text_loss


class Learner(Protocol):
    """A model with its losses."""

    @property
    def model(self) -> PRSMed | BaselineUNet:
        """What is trained."""

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Named losses, each already weighted."""

    def predict(self, batch: Batch) -> Tensor:
        """Binary masks ``(B, 1, S, S)``."""


class PRSMedLearner:
    """Mask, words and presence from one pass."""

    def __init__(self, model: PRSMed, config: TrainConfig) -> None:
        self.model = model
        self.config = config

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Losses ``text``, and as far as the model has the parts ``mask``, ``presence`` and ``coarse``."""
        language, device = self.model.language, batch.pixels.device
        questions = language.encode_questions(batch.questions).to(device)
        answers = language.encode_answers(self._answers(batch)).to(device)
        use_true = torch.rand(batch.pixels.shape[0], device=device) < self.config.true_mask_share
        output = self.model(batch.pixels, questions, answers, batch.mask > 0, use_true, batch.image_of)
        losses = {"text": self.config.text_weight * text_loss(output.text_logits, answers.ids, answers.is_real)}
        if self.model.decoder is None:
            return losses
        row_of = output.segmented.row_of
        is_there = batch.has_mask[row_of]
        true = batch.mask[row_of][is_there]
        losses["mask"] = self.config.mask_weight * mask_loss(output.segmented.mask_logits[is_there], true)
        if self.model.presence is not None:
            presence = presence_loss(output.segmented.presence_logits, batch.is_present)
            losses["presence"] = self.config.presence_weight * presence
        if output.coarse_logits is not None:
            coarse = nn.functional.adaptive_avg_pool2d(true, output.coarse_logits.shape[-2:])
            losses["coarse"] = self.config.coarse_weight * mask_loss(output.coarse_logits[is_there], coarse)
        return losses

    def _answers(self, batch: Batch) -> Sequence[str]:
        """What is to be said: with a ``[SEG]`` behind it where a model that points is to point."""
        if self.model.language.seg is None:
            return batch.answers
        return [
            f"{answer} {SEG}" if there else answer
            for answer, there in zip(batch.answers, batch.is_present.tolist(), strict=True)
        ]

    @torch.no_grad()
    def predict(self, batch: Batch) -> Tensor:
        """The masks a user would get."""
        own = batch.questions[: batch.pixels.shape[0]]
        questions = self.model.language.encode_questions(own).to(batch.pixels.device)
        seen = self.model.see(batch.pixels)
        prompt = self.model.read(seen, questions)
        segmented, _ = self.model.draw(seen, prompt, batch.pixels.shape[-1])
        return self.model.mask_of(segmented)


class UNetLearner:
    """Mask only."""

    def __init__(self, model: BaselineUNet) -> None:
        self.model = model

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Loss ``mask``."""
        return {"mask": mask_loss(self.model(batch.pixels)[batch.has_mask], batch.mask[batch.has_mask])}

    @torch.no_grad()
    def predict(self, batch: Batch) -> Tensor:
        """Masks at probability one half."""
        logits: Tensor = self.model(batch.pixels)
        return logits >= 0
