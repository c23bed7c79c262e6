"""Temperature and threshold of presence, fitted on answers about images that no figure is reported on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import expit, logit

from prsmed.errors import PRSMedError
from prsmed.evaluation.calibration import auroc, brier, calibration_error

MOST_WRONG = 0.05
"""Share of missed targets, and of false masks, that is aimed at."""
_TEMPERATURES = (0.05, 20.0)
_NEARLY_ONE = 1 - 2.0**-24  # the largest single-precision probability below 1
_Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Said:
    """What a model said of one target's presence.

    Attributes:
        modality: The image's.
        present: Whether the target is there.
        probability: Presence probability, calibrated by the temperature the model has.
        drawn: Whether the mask before the judgement has a pixel: without, nothing is shown whatever the threshold.
    """

    modality: str
    present: bool
    probability: float
    drawn: bool


@dataclass(frozen=True)
class Quality:
    """How a temperature and a threshold do.

    Attributes:
        temperature, threshold: The two.
        ece: Expected calibration error over all answers.
        brier: Brier score over all answers.
        auroc: Area under the ROC curve over all answers.
        missed: Share of present targets without a mask, mean over modalities.
        false_mask: Share of absent targets with one, likewise.
    """

    temperature: float
    threshold: float
    ece: float
    brier: float
    auroc: float
    missed: float
    false_mask: float

    def to_json(self) -> dict[str, float]:
        """Plain numbers, rounded to what they can carry."""
        return {name: round(value, 4) for name, value in asdict(self).items()}


class PresenceFit:
    """Answers to fit to.

    Args:
        said: Both present and absent targets.
        temperature: The one the model answered with.

    Raises:
        PRSMedError: ``bad_calibration`` when one of the two is missing.
    """

    def __init__(self, said: Sequence[Said], temperature: float = 1.0) -> None:
        self.present = np.array([one.present for one in said], dtype=bool)
        if not self.present.any() or self.present.all():
            raise PRSMedError(
                "bad_calibration", "the answers are all about present or all about absent targets; both are needed"
            )
        probability = np.array([one.probability for one in said], dtype=np.float64)
        self.logits: _Numbers = logit(np.clip(probability, 1 - _NEARLY_ONE, _NEARLY_ONE)) * temperature
        self.drawn = np.array([one.drawn for one in said], dtype=bool)
        sizes = Counter((one.modality, one.present) for one in said)
        parts = Counter(present for _, present in sizes)
        # A modality weighs as much as another, as in the report's macro mean.
        self.weights = np.array([1 / sizes[one.modality, one.present] / parts[one.present] for one in said])

    def temperature(self) -> float:
        """The temperature of the least cross-entropy (Guo et al., 2017)."""
        sign = np.where(self.present, 1.0, -1.0)

        def loss(log: float) -> float:
            return float(np.logaddexp(0, -sign * self.logits / np.exp(log)).mean())

        low, high = np.log(_TEMPERATURES)
        # In steps of the logarithm first: far off both sides the loss is flat, and a search alone would stop there.
        steps = np.linspace(low, high, 61)
        best = int(np.argmin([loss(step) for step in steps]))
        bounds = (steps[max(best - 1, 0)], steps[min(best + 1, len(steps) - 1)])
        return float(np.exp(minimize_scalar(loss, bounds=bounds, method="bounded").x))

    def threshold(self, temperature: float) -> float:
        """The threshold of the rule in docs/calibration.md.

        Of those with at most 5 % false masks and at most 5 % missed, the one that misses fewest; if there is none,
        the one with the fewest false masks of those with at most 5 % missed; if there is none either, because masks
        come out empty, the one that misses fewest.
        """
        probability = expit(self.logits / temperature)
        levels = np.unique(probability)
        candidates = np.concatenate([[levels[0] / 2], (levels[:-1] + levels[1:]) / 2])
        rates = np.array([self._rates(probability >= candidate) for candidate in candidates])
        missed, false_mask = rates.T
        bearable = missed <= MOST_WRONG
        both = bearable & (false_mask <= MOST_WRONG)
        if both.any():  # rates are monotonous: the lowest such threshold misses fewest
            return float(candidates[np.flatnonzero(both)[0]])
        return float(candidates[np.flatnonzero(bearable)[-1] if bearable.any() else 0])

    def quality(self, temperature: float, threshold: float) -> Quality:
        """How both do on these answers."""
        probability, truth = expit(self.logits / temperature), self.present.astype(np.float64)
        once = np.ones((1, len(truth)))
        ece, score, area = (float(figure(probability, truth)(once)[0]) for figure in (calibration_error, brier, auroc))
        return Quality(temperature, threshold, ece, score, area, *self._rates(probability >= threshold))

    def _rates(self, says_present: NDArray[np.bool_]) -> tuple[float, float]:
        """Shares missed and falsely drawn."""
        shown = says_present & self.drawn
        missed, false = self.present & ~shown, ~self.present & shown
        return float(self.weights[missed].sum()), float(self.weights[false].sum())
