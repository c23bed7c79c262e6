"""Active learning: of the images that nobody has labelled, which is worth a reader's time most?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from prsmed.errors import PRSMedError
from prsmed.inference import MEASURES, Measure, Uncertainty

Strategy = Literal["random", "first", "entropy", "dropout", "disagreement", "presence", "flip", "diversity", "blend"]
STRATEGIES: tuple[Strategy, ...] = get_args(Strategy)
BLIND: frozenset[Strategy] = frozenset({"random", "first"})
"""They choose without looking at the images."""
_CHUNK = 1024

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Choice:
    """An image in the order of a strategy.

    Attributes:
        image: Its id.
        score: Its value by the strategy, larger is chosen sooner; ``None`` of a blind one.
    """

    image: str
    score: float | None


def check_strategy(name: str) -> Strategy:
    """A strategy by its name.

    Raises:
        PRSMedError: ``unknown_strategy``.
    """
    if name not in STRATEGIES:
        raise PRSMedError("unknown_strategy", f"there is no strategy {name[:60]!r}; there is {', '.join(STRATEGIES)}")
    return name


def measures_of(strategy: Strategy) -> tuple[Measure, ...]:
    """What must be measured of an image for a strategy."""
    if strategy in MEASURES:
        return (strategy,)
    return MEASURES if strategy == "blend" else ()


def shuffled(images: Sequence[str], rng: np.random.Generator) -> list[Choice]:
    """The order of ``random``."""
    return [Choice(image, None) for image in rng.permutation(sorted(images)).tolist()]


def in_order(images: Sequence[str]) -> list[Choice]:
    """The order of ``first``: that of the ids."""
    return [Choice(image, None) for image in sorted(images)]


def ranked(strategy: Strategy, doubts: Mapping[str, Uncertainty], taken: Sequence[NDArray[np.float32]]) -> list[Choice]:
    """Images by a strategy that looks at them, the one to choose next first.

    ``diversity`` is one step of the greedy k-centre choice (core-set): the image farthest from all that are labelled or
    being labelled, and at the very beginning the one nearest to the middle of all. ``blend`` is the mean of the ranks
    by every measure that was taken and by diversity, 0..1. Among equals the mean rank decides, then the id.

    Args:
        strategy: None of :data:`BLIND`.
        doubts: What the model makes of each image.
        taken: Features of the images that are labelled or being labelled.
    """
    images = sorted(doubts)
    if not images:
        return []
    values = values_of([doubts[image] for image in images], taken)
    score, blend = values[strategy], values["blend"]
    order = np.lexsort((np.arange(len(images)), -blend, -score))
    return [Choice(images[place], float(score[place])) for place in order]


def values_of(doubts: Sequence[Uncertainty], taken: Sequence[NDArray[np.float32]]) -> dict[str, Floats]:
    """The value of each image by every measure that was taken, by ``diversity`` and by ``blend``."""
    values: dict[str, Floats] = {
        name: np.array([each.scores[name] for each in doubts], dtype=np.float64) for name in doubts[0].scores
    }
    values["diversity"] = _distances(np.stack([each.features for each in doubts]), taken)
    return {**values, "blend": np.mean([_rank(each) for each in values.values()], axis=0)}


def _rank(values: Floats) -> Floats:
    """0 for the least, 1 for the most; equals share theirs."""
    ranks: Floats = rankdata(values)
    return (ranks - 1) / max(1, len(values) - 1)


def _distances(features: NDArray[np.float32], taken: Sequence[NDArray[np.float32]]) -> Floats:
    """To the nearest that is taken; with none, how little each is away from the middle of all (negative)."""
    if not taken:
        away: Floats = -np.linalg.norm(features - features.mean(axis=0), axis=1).astype(np.float64)
        return away
    nearest = np.full(len(features), np.inf)
    squares = (features**2).sum(axis=1)[:, None]
    for start in range(0, len(taken), _CHUNK):
        others = np.stack(taken[start : start + _CHUNK])
        apart = squares + (others**2).sum(axis=1)[None] - 2 * features @ others.T
        nearest = np.minimum(nearest, apart.min(axis=1))
    distances: Floats = np.sqrt(np.maximum(nearest, 0.0))
    return distances
