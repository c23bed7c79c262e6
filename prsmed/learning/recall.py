"""A learner that is held to what its model said before, on the pictures that are replayed.

Learning without forgetting (Li and Hoiem, 2016): there the aim is what the old model answered, not the label, so that
nothing pulls at the weights as long as the answers stay. And between the old weights and the new ones lie some that
keep more than they give up (Wortsman et al., 2022, "Robust fine-tuning of zero-shot models").
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from prsmed.model.checkpoint import own_state
from prsmed.model.prsmed import PRSMed
from prsmed.training.average import Average
from prsmed.training.batch import Batch
from prsmed.training.config import TrainConfig
from prsmed.training.learner import PRSMedLearner
from prsmed.training.losses import bce_dice, shrink

_WEIGHT = 3.0  # of a replayed mask; that of a new one is 1
_LEAST = 1e-6


class RecallingLearner(PRSMedLearner):
    """Learns the new pictures, and keeps the answers to replayed ones.

    Args:
        model: On the device where it is trained; as it is now, it is held to.
        config: The recipe.
    """

    def __init__(self, model: PRSMed, config: TrainConfig) -> None:
        super().__init__(model, config)
        self._before = Average(model, 0.0)

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """The same losses as :class:`~prsmed.training.learner.PRSMedLearner`'s, with the old answers for aims."""
        assert batch.reply is not None
        with torch.no_grad(), self._before.shown():
            before = self.run(batch)
        torch.clear_autocast_cache()  # it would give the old weights once more
        output, config = self.run(batch), self.config
        known = batch.is_replay[batch.image_of]
        spoken = _text(output.text_logits, before.text_logits, batch.reply.ids, batch.reply.is_real, known)
        losses = {"text": config.text_weight * spoken}
        if self.model.decoder is None:
            return losses
        row_of = output.segmented.row_of
        true, there, seen = batch.mask[row_of], batch.has_mask[row_of], batch.is_replay[row_of]
        drawn = _mask(output.segmented.mask_logits, before.segmented.mask_logits, true, there, seen)
        losses["mask"] = config.mask_weight * drawn
        if self.model.presence is not None:
            old = before.segmented.presence_logits.float().sigmoid()
            aim = torch.where(known, old, batch.is_present.to(old.dtype))
            logits = output.segmented.presence_logits.float()
            losses["presence"] = config.presence_weight * nn.functional.binary_cross_entropy_with_logits(logits, aim)
        if output.coarse_logits is not None and before.coarse_logits is not None:
            coarse = shrink(true, output.coarse_logits)
            drawn = _mask(output.coarse_logits, before.coarse_logits, coarse, there, seen)
            losses["coarse"] = config.coarse_weight * drawn
        return losses

    @torch.no_grad()
    def return_towards_before(self, share: float) -> None:
        """Move the weights back by ``share`` of the way that they have come."""
        for name, tensor in own_state(self.model).items():
            if tensor.is_floating_point():
                tensor.lerp_(self._before.tensors[name], share)


def recall_loss(logits: Tensor, before: Tensor) -> Tensor:
    """How far probabilities are from earlier ones, ``(B,)``; 0, with no gradient, where they are the same.

    Args:
        logits: ``(B, 1, S, S)``.
        before: The earlier logits, likewise.
    """
    new, old = logits.sigmoid().flatten(1), before.sigmoid().flatten(1)
    divergence = nn.functional.binary_cross_entropy_with_logits(logits.flatten(1), old, reduction="none")
    certainty = old * old.clamp(min=_LEAST).log() + (1 - old) * (1 - old).clamp(min=_LEAST).log()
    # Dice with squares, whose best is at the same probabilities; without them it is at 0 and 1.
    dice = ((new - old) ** 2).sum(dim=1) / ((new**2).sum(dim=1) + (old**2).sum(dim=1) + 1)
    return (divergence + certainty).mean(dim=1) + dice


def _mask(logits: Tensor, before: Tensor, true: Tensor, there: Tensor, known: Tensor) -> Tensor:
    """Mean over the images whose target is there."""
    logits, before = logits.float(), before.float()
    each = torch.where(known, _WEIGHT * recall_loss(logits, before), bce_dice(logits, true.float()))
    return (each * there).sum() / there.sum().clamp(min=1)


def _text(logits: Tensor, before: Tensor, ids: Tensor, is_real: Tensor, known: Tensor) -> Tensor:
    """Mean over the answers' tokens: cross-entropy of new ones, divergence from the earlier words of known ones."""
    now, then = logits.float().log_softmax(-1), before.float().log_softmax(-1)
    moved = (then.exp() * (then - now)).sum(dim=-1)
    missed = -now.gather(-1, ids.unsqueeze(-1)).squeeze(-1)
    return (torch.where(known.unsqueeze(-1), moved, missed) * is_real).sum() / is_real.sum()
