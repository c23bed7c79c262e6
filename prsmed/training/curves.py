"""The curves of a run: kept a line a check, and drawn."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

LOG = "log.jsonl"


class CurveLog:
    """``log.jsonl`` of a run; whatever a killed run wrote after ``start``, where it resumes, is taken back."""

    def __init__(self, run: Path, start: int) -> None:
        self.path = run / LOG
        kept = [row for row in _read(self.path) if row["step"] <= start]
        self.path.write_text("".join(json.dumps(row) + "\n" for row in kept))

    def add(self, row: dict[str, Any]) -> None:
        """Append a line."""
        with self.path.open("a") as file:
            file.write(json.dumps(row) + "\n")


def draw_curves(run: Path) -> Path:
    """Draw ``log.jsonl`` of a run into ``curves.png``: held-out Dice, and each loss."""
    rows = _read(run / LOG)
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


def _read(path: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for line in path.read_text().splitlines() if path.exists() else ():
        try:
            rows.append(json.loads(line))
        except ValueError:  # cut off by a kill
            break
    return rows
