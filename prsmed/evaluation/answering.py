"""Put the questions of a list to a model."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from prsmed.data import Conversation, in_square, look
from prsmed.errors import PRSMedError
from prsmed.evaluation.outcome import Answered, Prediction
from prsmed.imaging.square import BLACK
from prsmed.model.prsmed import PRSMed
from prsmed.model.unet import BaselineUNet
from prsmed.position.confidence import confident_regions

Model = PRSMed | BaselineUNet
_BATCH = 16


def ask(model: Model, conversations: Iterable[Conversation], root: Path) -> Iterator[Answered]:
    """Answer conversations in their order, a batch at a time, where the model's weights are.

    Args:
        model: In evaluation mode.
        conversations: What to ask.
        root: Folder the images' paths are relative to.

    Raises:
        PRSMedError: What :func:`~prsmed.data.look` raises; ``bad_conversation`` when a target is called
            present whose mask is empty.
    """
    remaining = iter(conversations)
    while batch := list(islice(remaining, _BATCH)):
        looked_at = [in_model_square(conversation, root, model) for conversation in batch]
        pixels = to_tensor([image for image, _ in looked_at])
        predictions = predict(model, pixels, [item.turn.question for item in batch])
        for conversation, (image, mask), prediction in zip(batch, looked_at, predictions, strict=True):
            yield Answered(conversation, image, mask, prediction)


@torch.no_grad()
def predict(model: Model, pixels: Tensor, questions: Sequence[str]) -> list[Prediction]:
    """Answer one batch.

    Args:
        model: In evaluation mode.
        pixels: ``(B, 3, S, S)``, red, green, blue in 0..1.
        questions: ``B`` of them.
    """
    if isinstance(model, BaselineUNet):
        device = next(model.parameters()).device
        probabilities = model(pixels.to(device)).sigmoid()[:, 0].cpu().numpy()
        share = model.config.region_confidence  # the same cleaning for both, or it would decide the comparison
        return [Prediction(confident_regions(p >= 0.5, p, share), p >= 0.5, probability=p) for p in probabilities]
    seen = model.see(pixels.to(model.device))
    prompt = model.read(seen, model.language.encode_questions(questions).to(model.device))
    segmented, speech = model.draw(seen, prompt, pixels.shape[-1])
    mask = model.mask_of(segmented)
    texts = model.answer(seen.features, prompt, mask) if speech is None else speech.texts
    probability = segmented.mask_logits.sigmoid()
    raw = _planes(probability >= model.config.mask_threshold)
    presence = segmented.presence_logits.sigmoid()
    says_present = (presence >= model.config.presence_threshold).tolist()
    rows = zip(_planes(mask), raw, presence.tolist(), says_present, texts, _planes(probability), strict=True)
    return [Prediction(*row) for row in rows]


def in_model_square(
    conversation: Conversation, root: Path, model: Model
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Image ``(S, S, 3)`` and mask ``(S, S)`` of what is asked for, in the model's square; errors as :func:`ask`."""
    pad_color = model.config.pad_color if isinstance(model, PRSMed) else BLACK
    image, mask = in_square(look(conversation.record, root), model.config.image_size, pad_color)
    return image, asked_mask(conversation, mask)


def asked_mask(conversation: Conversation, mask: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """What is asked for of an image's mask in the square: nothing, where the target is absent.

    Raises:
        PRSMedError: ``bad_conversation``.
    """
    if not conversation.turn.present:
        return np.zeros(mask.shape, dtype=np.bool_)
    if not mask.any():
        raise PRSMedError(
            "bad_conversation",
            f"{conversation.id} calls its target present, but the mask is empty; build the list anew",
        )
    return mask > 0


def to_tensor(images: Sequence[NDArray[np.uint8]]) -> Tensor:
    """Images ``(S, S, 3)`` as :func:`predict` takes them."""
    return torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).float() / 255


def _planes(maps: Tensor) -> list[NDArray[Any]]:
    """``(B, 1, S, S)`` to ``B`` masks or probabilities ``(S, S)``."""
    return list(maps[:, 0].cpu().numpy())
