"""What a simulation found: the curves, and which strategy beats chance."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rich.table
from matplotlib.figure import Figure
from scipy.stats import t

from prsmed.files import write_whole
from prsmed.learning.strategies import Strategy
from prsmed.simulate.settings import SimulationConfig

CSV, JSON, PNG = "curves.csv", "summary.json", "curves.png"
_REFERENCE: Strategy = "random"
_CONFIDENCE = 0.95
_APART = 0.03


@dataclass(frozen=True)
class Interval:
    """A mean over seeds with its 95 % t-interval; no interval for a single seed."""

    value: float
    low: float | None
    high: float | None

    @classmethod
    def of(cls, values: Sequence[float]) -> Interval:
        """Of one number a seed."""
        mean, count = float(np.mean(values)), len(values)
        if count < 2:
            return cls(mean, None, None)
        half = float(t.ppf((1 + _CONFIDENCE) / 2, count - 1) * np.std(values, ddof=1) / np.sqrt(count))
        return cls(mean, mean - half, mean + half)


@dataclass(frozen=True)
class Curves:
    """Held-out Dice of every run.

    Attributes:
        start: Dice before any correction.
        corrections: How many there were after each round.
        dice: Of each strategy, by seed and round.
    """

    start: float
    corrections: tuple[int, ...]
    dice: dict[Strategy, tuple[tuple[float, ...], ...]]

    @classmethod
    def of(
        cls, runs: Mapping[tuple[Strategy, int], Sequence[Mapping[str, Any]]], start: float, config: SimulationConfig
    ) -> Curves:
        """From the rounds of each strategy and seed."""
        counts = tuple(config.per_round * (number + 1) for number in range(config.rounds))
        dice: dict[Strategy, tuple[tuple[float, ...], ...]] = {
            strategy: tuple(
                tuple(float(each["dice"]) for each in runs[strategy, seed][: config.rounds])
                for seed in range(config.seeds)
            )
            for strategy in config.strategies
        }
        return cls(start, counts, dice)

    def at(self, strategy: Strategy, number: int) -> Interval:
        """Dice after a round."""
        return Interval.of([seed[number] for seed in self.dice[strategy]])

    def area(self, strategy: Strategy) -> Interval:
        """Mean Dice over all rounds: the area under the curve."""
        return Interval.of([float(np.mean(seed)) for seed in self.dice[strategy]])

    def gain(self, strategy: Strategy) -> Interval | None:
        """Area beyond that of ``random``, seed by seed with the same pool; ``None`` where ``random`` did not run."""
        if _REFERENCE not in self.dice:
            return None
        pairs = zip(self.dice[strategy], self.dice[_REFERENCE], strict=True)
        return Interval.of([float(np.mean(own) - np.mean(other)) for own, other in pairs])

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "start": self.start,
            "corrections": list(self.corrections),
            "strategies": {
                name: {
                    "dice": [asdict(self.at(name, number)) for number in range(len(self.corrections))],
                    "area": asdict(self.area(name)),
                    "gain": None if (gain := self.gain(name)) is None else asdict(gain),
                }
                for name in self.dice
            },
        }

    def to_terminal(self) -> rich.table.Table:
        """A row a strategy, the best area first."""
        title = f"Dice on held-out images; {self.start:.3f} before any correction. Brackets: 95 % over seeds."
        table = rich.table.Table(title=title, title_justify="left", pad_edge=False)
        for number, column in enumerate(("Strategy", *map(str, self.corrections), "Mean", "Beyond random")):
            table.add_column(column, justify="right" if number else "left")
        for name in sorted(self.dice, key=lambda name: -self.area(name).value):
            gain = self.gain(name)
            cells = [f"{self.at(name, number).value:.3f}" for number in range(len(self.corrections))]
            table.add_row(name, *cells, _cell(self.area(name)), "-" if gain is None else _cell(gain))
        return table


def write_report(curves: Curves, facts: Mapping[str, Any], out: Path) -> None:
    """Write ``curves.csv`` (a line a strategy, seed and round), ``summary.json`` and ``curves.png``."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(("strategy", "seed", "corrections", "dice"))
    for strategy, seeds in curves.dice.items():
        for seed, dice in enumerate(seeds):
            rows.writerow((strategy, seed, 0, round(curves.start, 4)))
            rows.writerows((strategy, seed, *pair) for pair in zip(curves.corrections, np.round(dice, 4), strict=True))
    write_whole(text.getvalue().encode(), out / CSV)
    write_whole((json.dumps({"settings": dict(facts), **curves.to_json()}, indent=2) + "\n").encode(), out / JSON)
    _draw(curves, out / PNG)


def _draw(curves: Curves, path: Path) -> None:
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.subplots()
    ticks = (0, *curves.corrections)
    for place, name in enumerate(sorted(curves.dice, key=lambda name: -curves.area(name).value)):
        points = [curves.at(name, number) for number in range(len(curves.corrections))]
        y = [curves.start, *(point.value for point in points)]
        reach = [0.0, *(0.0 if point.high is None else point.high - point.value for point in points)]
        # Side by side, so that every interval is seen.
        x = np.array(ticks) + (place - len(curves.dice) / 2) * _APART * curves.corrections[0]
        is_reference = name == _REFERENCE
        color, width = ("black", 2.5) if is_reference else (None, 1.2)
        axes.errorbar(x, y, yerr=reach, marker=".", label=name, color=color, linewidth=width, elinewidth=0.8)
    axes.set(xlabel="corrections", ylabel="Dice, held-out images", ylim=(0, 1))
    axes.set_xticks(ticks)
    axes.grid(alpha=0.3)
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=110)
    write_whole(picture.getvalue(), path)


def _cell(interval: Interval) -> str:
    if interval.low is None or interval.high is None:
        return f"{interval.value:+.3f}" if interval.value < 0 else f"{interval.value:.3f}"
    return f"{interval.value:.3f} [{interval.low:.3f}, {interval.high:.3f}]"
