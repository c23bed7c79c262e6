"""Run-length masks as COCO writes them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_MOST_PIXELS = 2**28  # a number mistyped must not fill the memory


def decode(rle: dict[str, Any]) -> NDArray[np.uint8]:
    """Draw a mask.

    Args:
        rle: ``size`` is ``[rows, cols]``; ``counts`` the lengths of the runs down the columns, off first: a list, or
            COCO's string of them.

    Returns:
        ``(rows, cols)`` of 0 and 1.

    Raises:
        KeyError, TypeError, ValueError: It is no mask, or its runs do not fill its size.
    """
    rows, cols = rle["size"]
    counts = rle["counts"]
    runs = _unpack(counts) if isinstance(counts, str) else counts
    if min(rows, cols) < 1 or rows * cols > _MOST_PIXELS or sum(runs) != rows * cols:
        raise ValueError("runs do not fill the size")
    values = np.arange(len(runs)) % 2
    flat = np.repeat(values.astype(np.uint8), runs)
    return flat.reshape((rows, cols), order="F")


def _unpack(text: str) -> list[int]:
    """COCO's string: five bits a character, low ones first; from the fourth run on, differences to the last but one."""
    runs: list[int] = []
    value = shift = 0
    for character in text:
        code = ord(character) - 48
        value |= (code & 31) << shift
        shift += 5
        if code & 32:
            continue
        if code & 16:
            value -= 1 << shift
        runs.append(value + (runs[-2] if len(runs) > 2 else 0))
        value = shift = 0
    return runs
