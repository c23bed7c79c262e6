"""The curve of a training as a small picture."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import qt

_WIDTH, _HEIGHT, _EDGE, _TOP = 400, 120, 6, 24
_LOSS, _DICE, _GRID = "#c2571a", "#1a66c2", "#9a9a9a"

Row = tuple[int, float | None, float | None]


def drawCurve(rows: Sequence[Row], steps: int) -> qt.QPixmap:
    """Loss (as a share of its highest) and Dice (0..1) over the steps.

    Args:
        rows: ``(step, loss, Dice)``.
        steps: Where the axis ends.
    """
    pixmap = qt.QPixmap(_WIDTH, _HEIGHT)
    pixmap.fill(qt.QColor("#ffffff"))
    painter = qt.QPainter(pixmap)
    painter.setRenderHint(qt.QPainter.Antialiasing)
    painter.setPen(qt.QPen(qt.QColor(_GRID)))
    painter.drawRect(_EDGE, _TOP, _WIDTH - 2 * _EDGE, _HEIGHT - _EDGE - _TOP)
    losses = [(step, loss) for step, loss, _dice in rows if loss is not None]
    highest = max((loss for _step, loss in losses), default=1.0) or 1.0
    last = max([steps, *(row[0] for row in rows)]) or 1
    _line(painter, [(step / last, loss / highest) for step, loss in losses], _LOSS)
    dices = [(step / last, dice) for step, _loss, dice in rows if dice is not None]
    _line(painter, dices, _DICE)
    _caption(painter, f"loss {losses[-1][1]:.3g}" if losses else "loss", _LOSS, _EDGE)
    _caption(painter, f"Dice {dices[-1][1]:.2f}" if dices else "Dice", _DICE, _WIDTH // 3)
    painter.end()
    return pixmap


def _line(painter: qt.QPainter, points: Sequence[tuple[float, float]], color: str) -> None:
    pen = qt.QPen(qt.QColor(color))
    pen.setWidth(2)
    painter.setPen(pen)
    width, height = _WIDTH - 2 * _EDGE, _HEIGHT - _EDGE - _TOP
    places = [(round(_EDGE + x * width), round(_HEIGHT - _EDGE - y * height)) for x, y in points]
    for (x0, y0), (x1, y1) in itertools.pairwise(places):
        painter.drawLine(x0, y0, x1, y1)


def _caption(painter: qt.QPainter, text: str, color: str, x: int) -> None:
    painter.setPen(qt.QPen(qt.QColor(color)))
    painter.drawText(x, _TOP - 8, text)
