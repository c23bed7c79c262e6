"""How unsure is the model of an image? What active learning chooses by.

Every measure is 0 where there is nothing to learn and grows with doubt. They are taken in the model's square, and no
row of a batch depends on the others.

Notation used for tensor shapes: B batch, S the model's square, C channels, D the language model's width.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from prsmed.errors import PRSMedError
from prsmed.model.encoder import ImageFeatures
from prsmed.model.language import Context, TokenBatch
from prsmed.model.outputs import Seen
from prsmed.model.prsmed import PRSMed
from prsmed.position.agreement import Agreement, compare
from prsmed.position.zones import locate_all

Measure = Literal["entropy", "dropout", "disagreement", "presence", "flip"]
MEASURES: tuple[Measure, ...] = get_args(Measure)

_MATTERS = 0.05
"""Pixels this likely to be target, or likelier, are looked at: elsewhere a model is sure of the background."""
_PASSES, _RATE = 8, 0.1
_SIDES = re.compile(r"\b(left|right)\b", re.IGNORECASE)
_HEIGHTS = re.compile(r"\b(top|bottom|upper|lower|above|below|superior|inferior)\b", re.IGNORECASE)
_FLIPS = ((-1, _SIDES), (-2, _HEIGHTS))
_TINY = 1e-7


@dataclass(frozen=True)
class Uncertainty:
    """Doubts about one image.

    Attributes:
        scores: By measure.

            - ``entropy``: of the mask, bits a pixel, 0..1, mean over the pixels that may be target.
            - ``dropout``: bits a pixel that the masks of thinned features tell about each other, mean over such pixels.
            - ``disagreement``: of words and mask, 0 the same zones to 1 none in common, or words that name no place.
            - ``presence``: 1 at the threshold of the presence probability, 0 where the model is certain.
            - ``flip``: share of the mask that does not come back when the image is mirrored, 0..1.
        probability: That the target is there.
        text_zone: Where the words say it is (:class:`~prsmed.position.agreement.Agreement`).
        mask_zone: Where the mask is.
        features: ``(C,)`` float32, the encoder's features, mean over the image, of length 1.
    """

    scores: dict[Measure, float]
    probability: float
    text_zone: str | None
    mask_zone: str
    features: NDArray[np.float32]


@torch.inference_mode()
def measure(
    model: PRSMed, pixels: Tensor, questions: Sequence[str], measures: Collection[Measure] = MEASURES
) -> list[Uncertainty]:
    """Ask a batch of images and tell the doubts.

    Args:
        model: In evaluation mode.
        pixels: ``(B, 3, S, S)``, red, green, blue in 0..1.
        questions: ``B`` of them.
        measures: Which to take; ``dropout`` and ``flip`` cost as much as the question, ``disagreement`` the words.

    Raises:
        PRSMedError: ``question_too_long``.
    """
    look = _Look(model, pixels.to(model.device), questions)
    agreements = look.agreements() if "disagreement" in measures else [Agreement(None, "none", None)] * len(questions)
    take: dict[Measure, Callable[[], list[float]]] = {
        "entropy": lambda: _mean_where(_bits(look.probability), look.probability).tolist(),
        "dropout": lambda: look.spread().tolist(),
        "disagreement": lambda: [_distance(agreement) for agreement in agreements],
        "presence": lambda: [_margin(p, model.config.presence_threshold) for p in look.presence],
        "flip": lambda: look.change().tolist(),
    }
    taken = {name: take[name]() for name in MEASURES if name in measures}
    features = look.features()
    return [
        Uncertainty(
            {name: float(values[row]) for name, values in taken.items()},
            look.presence[row],
            agreements[row].text_zone,
            agreements[row].mask_zone,
            features[row],
        )
        for row in range(len(questions))
    ]


class _Look:
    """What the model makes of a batch: everything that measures are taken from."""

    def __init__(self, model: PRSMed, pixels: Tensor, questions: Sequence[str]) -> None:
        self.model, self.pixels, self.questions = model, pixels, questions
        self.tokens = _encode(model, questions)
        self.seen: Seen = model.see(pixels)
        self.prompt = model.read(self.seen, self.tokens)
        self.segmented, self.speech = model.draw(self.seen, self.prompt, pixels.shape[-1])
        self.probability = self.segmented.mask_logits[:, 0].float().sigmoid()
        self.presence: list[float] = self.segmented.presence_logits.float().sigmoid().tolist()

    def agreements(self) -> list[Agreement]:
        """Words against the mask that a user gets."""
        mask = self.model.mask_of(self.segmented)
        texts = self.speech.texts if self.speech else self.model.answer(self.seen.features, self.prompt, mask)
        most, radius = self.model.config.described_regions, self.model.config.radius
        squares = mask[:, 0].cpu().numpy()
        places = [locate_all(square, "box", radius)[:most] if square.any() else () for square in squares]
        return [compare(text, place) for text, place in zip(texts, places, strict=True)]

    def spread(self) -> Tensor:
        """``(B,)`` mutual information between a pixel and the thinning of the features (Houlsby's BALD).

        Presets differ in the dropout they were taught with, and nano has none: so the same is done to all, whole
        channels of image features and prompt states are left out, a tenth at a time, by fixed seeds.
        """
        context = self.prompt if self.speech is None else self.speech.context
        drawn = []
        for number in range(_PASSES):
            features, thinned = _thin(self.seen.features, context, number)
            logits = self.model.segment(features, thinned, self.pixels.shape[-1]).merged().mask_logits
            drawn.append(logits[:, 0].float().sigmoid())
        probabilities = torch.stack(drawn)
        mean = probabilities.mean(dim=0)
        return _mean_where(_bits(mean) - _bits(probabilities).mean(dim=0), mean)

    def change(self) -> Tensor:
        """``(B,)`` one less the soft Dice with the masks of mirrored images; not where the question names that side."""
        total, count = torch.zeros(len(self.questions)), torch.zeros(len(self.questions))
        for axis, names in _FLIPS:
            mirrored, _ = self.model.draw(*self._read(self.pixels.flip(axis)), self.pixels.shape[-1])
            back = mirrored.mask_logits[:, 0].float().sigmoid().flip(axis)
            asks = torch.tensor([names.search(question) is None for question in self.questions]).float()
            total += asks * (1 - _soft_dice(self.probability, back)).cpu()
            count += asks
        return total / count.clamp(min=1)

    def features(self) -> NDArray[np.float32]:
        """``(B, C)`` where the images lie among others."""
        pooled = self.seen.features.dense.float().mean(dim=(2, 3))
        rows: NDArray[np.float32] = torch.nn.functional.normalize(pooled, dim=1).cpu().numpy()
        return rows

    def _read(self, pixels: Tensor) -> tuple[Seen, Context]:
        seen = self.model.see(pixels)
        return seen, self.model.read(seen, self.tokens)


def _encode(model: PRSMed, questions: Sequence[str]) -> TokenBatch:
    tokens = model.language.encode_questions(questions)
    count, most = tokens.ids.shape[1], model.max_question_tokens
    if count > most:
        raise PRSMedError("question_too_long", f"the question has {count} tokens; at most {most} fit, so shorten it")
    return tokens.to(model.device)


def _thin(features: ImageFeatures, context: Context, seed: int) -> tuple[ImageFeatures, Context]:
    """Both without a tenth of their channels, the same ones for every image."""
    generator = torch.Generator().manual_seed(seed)

    def drop(tensor: Tensor, axis: int) -> Tensor:
        shape = [tensor.shape[axis] if axis == each else 1 for each in range(tensor.ndim)]
        kept = (torch.rand(shape, generator=generator) >= _RATE) / (1 - _RATE)
        return tensor * kept.to(tensor)

    thinned = ImageFeatures(drop(features.dense, 1), tuple(drop(finer, 1) for finer in features.finer))
    return thinned, Context(drop(context.hidden, 2), context.roles, context.next_position, context.cache)


def _bits(probability: Tensor) -> Tensor:
    """Entropy of each pixel."""
    p = probability.clamp(_TINY, 1 - _TINY)
    return -(p * p.log2() + (1 - p) * (1 - p).log2())


def _mean_where(values: Tensor, probability: Tensor) -> Tensor:
    """``(B,)`` mean of ``(B, S, S)`` over the pixels that may be target; 0 where none may."""
    matters = probability >= _MATTERS
    return (values * matters).sum(dim=(1, 2)) / matters.sum(dim=(1, 2)).clamp(min=1)


def _soft_dice(one: Tensor, other: Tensor) -> Tensor:
    """``(B,)`` overlap of two probability maps ``(B, S, S)``; 1 where both are empty."""
    one, other = (p * (p >= _MATTERS) for p in (one, other))
    both, sizes = torch.minimum(one, other).sum(dim=(1, 2)), (one + other).sum(dim=(1, 2))
    return torch.where(sizes > 0, 2 * both / sizes.clamp(min=_TINY), torch.ones_like(sizes))


def _margin(probability: float, threshold: float) -> float:
    """1 at the threshold, 0 at certainty on either side."""
    side = threshold if probability < threshold else 1 - threshold
    return 1 - abs(probability - threshold) / side if side > 0 else 0.0


def _distance(agreement: Agreement) -> float:
    """Of words and mask: Jaccard's, over the zones of both."""
    if agreement.text_zone is None or agreement.agrees:
        return float(agreement.text_zone is None)
    said, drawn = (set(zone.split(" + ")) for zone in (agreement.text_zone, agreement.mask_zone))
    return 1 - len(said & drawn) / len(said | drawn)
