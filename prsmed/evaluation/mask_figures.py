"""How Dice spreads within each modality."""

from __future__ import annotations

import io
from collections.abc import Sequence
from statistics import median

from matplotlib.figure import Figure as Canvas

from prsmed.evaluation.figure import Figure
from prsmed.evaluation.outcome import Outcome

_COLOR = "#3b6ea5"


def mask_figures(outcomes: Sequence[Outcome]) -> list[Figure]:
    """The Dice of every present target, by modality; no figure where nothing is present."""
    values: dict[str, list[float]] = {}
    for outcome in sorted(outcomes, key=lambda outcome: outcome.modality):
        if outcome.dice is not None:
            values.setdefault(outcome.modality.replace("_", " "), []).append(outcome.dice)
    if not values:
        return []
    spread = "; ".join(f"{name}: median {median(own):.2f} of {len(own)}" for name, own in values.items())
    return [
        Figure(
            "Dice by modality",
            "Each dot is a present target; the box holds the middle half, its line is the median.",
            _draw(values),
            f"Box plots of Dice. {spread}.",
        )
    ]


def _draw(values: dict[str, list[float]]) -> bytes:
    canvas = Canvas(figsize=(8, 0.8 + 0.6 * len(values)), layout="constrained")
    axes = canvas.subplots()
    names = list(reversed(values))  # the first at the top
    axes.boxplot([values[name] for name in names], orientation="horizontal", widths=0.6, showfliers=False)
    for height, name in enumerate(names, start=1):
        own = sorted(values[name])
        # Neighbours in size are spread over the box's height, the same way every time.
        offsets = [((number * 7) % 11 - 5) / 22 for number in range(len(own))]
        axes.scatter(own, [height + offset for offset in offsets], s=8, color=_COLOR, alpha=0.4, linewidths=0)
    axes.set_yticks(range(1, len(names) + 1), [f"{name} ({len(values[name])})" for name in names])
    axes.set_xlim(-0.02, 1.02)
    axes.set_xlabel("Dice")
    buffer = io.BytesIO()
    canvas.savefig(buffer, format="png", dpi=110, metadata={"Software": None})
    return buffer.getvalue()
