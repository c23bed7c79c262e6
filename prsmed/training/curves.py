"""The curves of a run as a picture."""

from __future__ import annotations

import json
from pathlib import Path

from matplotlib.figure import Figure


def draw_curves(run: Path) -> Path:
    """Draw ``log.jsonl`` of a run into ``curves.png``: held-out Dice, and each loss."""
    rows = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    steps = [row["step"] for row in rows]
    figure = Figure(figsize=(9, 3.2), layout="constrained")
    dice, losses = figure.subplots(1, 2)
    dice.plot(steps, [row["dice"] for row in rows], marker=".")
    dice.set(xlabel="step", ylabel="Dice, held-out sample", ylim=(0, 1))
    for name in sorted(rows[0].keys() - {"step", "size", "dice"}):
        losses.plot(steps, [row[name] for row in rows], label=name)
    losses.set(xlabel="step", ylabel="training loss", ylim=(0, None))
    losses.legend()
    for axes in (dice, losses):
        axes.grid(alpha=0.3)
    path = run / "curves.png"
    figure.savefig(path, dpi=110)
    return path
