"""The curves of a run: kept a line a check, drawn, and shown by TensorBoard while it runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from torch.utils.tensorboard import SummaryWriter

LOG, BOARD = "log.jsonl", "tensorboard"


class CurveLog:
    """``log.jsonl`` and ``tensorboard/`` of a run, for the time of a ``with``.

    Args:
        run: Folder of the run.
        start: The step it goes on from; what a killed run wrote after it is taken back.
        writes: Whether anything is written: of several processes by one.
    """

    def __init__(self, run: Path, start: int, *, writes: bool = True) -> None:
        self.path = run / LOG
        self._board: SummaryWriter | None = None
        if writes:
            kept = [row for row in _read(self.path) if row["step"] <= start]
            self.path.write_text("".join(json.dumps(row) + "\n" for row in kept))
            self._board = SummaryWriter(str(run / BOARD), purge_step=start + 1)

    def __enter__(self) -> CurveLog:
        return self

    def __exit__(self, *_: object) -> None:
        if self._board is not None:
            self._board.close()

    def add(self, step: int, size: int, rate: float, losses: dict[str, float], dice: float | None) -> None:
        """Tell a step: TensorBoard each, the log those that were checked."""
        if self._board is None:
            return
        told = {"rate": rate, **{f"loss/{name}": loss for name, loss in losses.items()}}
        for name, value in (told if dice is None else told | {"dice": dice}).items():
            self._board.add_scalar(name, value, step)
        if dice is not None:
            with self.path.open("a") as file:
                file.write(json.dumps({"step": step, "size": size, **losses, "dice": dice}) + "\n")


def draw_curves(run: Path) -> Path:
    """Draw ``log.jsonl`` of a run into ``curves.png``: Dice of the checked images, and each loss."""
    rows = _read(run / LOG)
    steps = [row["step"] for row in rows]
    figure = Figure(figsize=(9, 3.2), layout="constrained")
    dice, losses = figure.subplots(1, 2)
    dice.plot(steps, [row["dice"] for row in rows], marker=".")
    dice.set(xlabel="step", ylabel="Dice, images not trained on", ylim=(0, 1))
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
