"""What a model learns from a batch: the losses of PRS-Med, and of the U-Net baseline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

import torch
from torch import Tensor

from prsmed.model.outputs import Output
from prsmed.model.prsmed import PRSMed
from prsmed.model.seg_token import SEG
from prsmed.model.unet import BaselineUNet
from prsmed.training.batch import Batch
from prsmed.training.config import TrainConfig
from prsmed.training.losses import mask_loss, presence_loss, shrink, text_loss


class Learner(Protocol):
    """A model with its losses."""

    @property
    def model(self) -> PRSMed | BaselineUNet:
        """What is trained."""

    def prepare(self, batch: Batch) -> Batch:
        """Make on the CPU what the losses need of a batch, and count what each is a mean over."""

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Named losses of a prepared batch, each already weighted."""

    def predict(self, batch: Batch) -> Tensor:
        """Binary masks ``(B, 1, S, S)``."""


class PRSMedLearner:
    """Mask, words and presence from one pass."""

    def __init__(self, model: PRSMed, config: TrainConfig) -> None:
        self.model = model
        self.config = config

    def prepare(self, batch: Batch) -> Batch:
        """Tokens of questions and answers."""
        language = self.model.language
        prompt, reply = language.encode_questions(batch.questions), language.encode_answers(self._answers(batch))
        own = int(batch.has_mask.sum())
        counts = {"text": int(reply.is_real.sum()), "mask": own, "coarse": own, "presence": len(batch.questions)}
        return replace(batch, prompt=prompt, reply=reply, counts=counts)

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Losses ``text``, and as far as the model has the parts ``mask``, ``presence`` and ``coarse``."""
        output = self.run(batch)
        assert batch.reply is not None
        spoken = text_loss(output.text_logits, batch.reply.ids, batch.reply.is_real)
        losses = {"text": self.config.text_weight * spoken}
        if self.model.decoder is None:
            return losses
        row_of, kind = output.segmented.row_of, self.config.mask_loss
        is_there, true = batch.has_mask[row_of], batch.mask[row_of]
        losses["mask"] = self.config.mask_weight * mask_loss(output.segmented.mask_logits, true, is_there, kind)
        if self.model.presence is not None:
            presence = presence_loss(output.segmented.presence_logits, batch.is_present)
            losses["presence"] = self.config.presence_weight * presence
        if output.coarse_logits is not None:
            coarse = shrink(true, output.coarse_logits)
            losses["coarse"] = self.config.coarse_weight * mask_loss(output.coarse_logits, coarse, is_there, kind)
        return losses

    def run(self, batch: Batch) -> Output:
        """The model's pass over a prepared batch."""
        assert batch.prompt is not None, "a batch is prepared first"
        assert batch.reply is not None
        use_true = batch.coins < self.config.true_mask_share
        output: Output = self.model(batch.pixels, batch.prompt, batch.reply, batch.mask > 0, use_true, batch.image_of)
        return output

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

    def __init__(self, model: BaselineUNet, config: TrainConfig) -> None:
        self.model = model
        self.config = config

    def prepare(self, batch: Batch) -> Batch:
        """Count the masks."""
        return replace(batch, counts={"mask": int(batch.has_mask.sum())})

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Loss ``mask``."""
        return {"mask": mask_loss(self.model(batch.pixels), batch.mask, batch.has_mask, self.config.mask_loss)}

    @torch.no_grad()
    def predict(self, batch: Batch) -> Tensor:
        """Masks at probability one half."""
        logits: Tensor = self.model(batch.pixels)
        return logits >= 0
