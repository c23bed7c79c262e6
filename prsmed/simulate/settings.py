"""How a set is replayed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from prsmed.errors import PRSMedError
from prsmed.learning.strategies import STRATEGIES, Strategy, check_strategy

_AT_LEAST = {"rounds": 1, "per_round": 1, "seeds": 1, "pool": 2, "test": 2, "steps": 1, "batch_size": 2}
_LEAST_SIZE = 32


@dataclass(frozen=True)
class SimulationConfig:
    """A simulation.

    Attributes:
        strategies: Which are compared.
        rounds: How often the reader is given images, each time followed by fine-tuning from the start.
        per_round: How many images at a time.
        seeds: How many times all of it is repeated, each with another pool and another order of training.
        pool: Images without a label at the beginning, drawn anew for each seed.
        test: Held-out images that every model is judged by.
        steps: Optimiser steps of each fine-tuning.
        batch_size: Pictures a step.
        share: Of the corrections among them, the others are replay (drawn phantoms).
        lr: Peak learning rate; ``None`` as :class:`~prsmed.learning.adapt.AdaptConfig`.
        size: Side of the square the model sees, in pixels: a smaller one is quicker; its own when ``None``.
        only: Only the set, or the target, of this name; all when empty.
    """

    strategies: tuple[Strategy, ...] = STRATEGIES
    rounds: int = 4
    per_round: int = 4
    seeds: int = 3
    pool: int = 80
    test: int = 60
    steps: int = 60
    batch_size: int = 8
    share: float = 0.5
    lr: float | None = None
    size: int | None = None
    only: str = ""

    def __post_init__(self) -> None:
        for name, least in _AT_LEAST.items():
            if getattr(self, name) < least:
                value = getattr(self, name)
                raise PRSMedError("bad_simulation", f"{name} is {value}; it must be at least {least}")
        if self.size is not None and (self.size < _LEAST_SIZE or self.size % _LEAST_SIZE):
            raise PRSMedError("bad_simulation", f"size is {self.size}; it must be a multiple of {_LEAST_SIZE}")
        for strategy in self.strategies:
            check_strategy(strategy)
        if self.rounds * self.per_round > self.pool:
            raise PRSMedError(
                "bad_simulation",
                f"{self.rounds} rounds of {self.per_round} images are more than a pool of {self.pool}; "
                "give fewer rounds or a larger pool",
            )

    def runs(self) -> Iterator[tuple[Strategy, int]]:
        """Every strategy with every seed, seed by seed, so that what is done early can be compared."""
        return ((strategy, seed) for seed in range(self.seeds) for strategy in self.strategies)

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def parse_strategies(text: str) -> tuple[Strategy, ...]:
    """Names separated by commas, or ``all``.

    Raises:
        PRSMedError: ``unknown_strategy``.
    """
    names = [name.strip() for name in text.split(",") if name.strip()]
    if names == ["all"]:
        return STRATEGIES
    return tuple(dict.fromkeys(check_strategy(name) for name in names or [text]))
