"""An image as a conversation is held about it: pixels, mask, and the geometry when there is one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from prsmed.data.record import Record
from prsmed.imaging.plane import ImageSlice
from prsmed.position.findings import Position


@dataclass(frozen=True)
class Shown:
    """What a reader sees.

    Attributes:
        record: Where it comes from.
        pixels: ``(rows, cols)`` grey or ``(rows, cols, 3)`` colour, uint8.
        mask: ``(rows, cols)`` uint8, 1 where the record's target is; all 0 when it is absent.
        positions: Its regions' positions in the model's square, largest first, all of them; ``()`` when absent.
        image_slice: The slice of a volume, with spacing and patient space; ``None`` for pictures, which have neither.
    """

    record: Record
    pixels: NDArray[np.uint8]
    mask: NDArray[np.uint8]
    positions: tuple[Position, ...]
    image_slice: ImageSlice | None = None
