from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from prsmed.data.run_length import decode

MASKS = arrays(np.uint8, array_shapes(min_dims=2, max_dims=2, max_side=40), elements=st.integers(0, 1))


def _runs(mask: np.ndarray) -> list[int]:
    runs, value = [0], 0
    for pixel in mask.T.ravel():
        if pixel != value:
            runs.append(0)
            value = pixel
        runs[-1] += 1
    return runs


def _packed(runs: list[int]) -> str:
    """COCO's own encoder, as its description has it."""
    text = ""
    for index, run in enumerate(runs):
        rest = run - (runs[index - 2] if index > 2 else 0)
        more = True
        while more:
            code, rest = rest & 31, rest >> 5
            more = rest != (-1 if code & 16 else 0)
            text += chr(48 + (code | 32 if more else code))
    return text


@given(MASKS)
def test_draws_what_was_written(mask: np.ndarray) -> None:
    runs = _runs(mask)
    for counts in (runs, _packed(runs)):
        assert (decode({"size": list(mask.shape), "counts": counts}) == mask).all()


def test_knows_a_string_from_coco() -> None:
    # 3 rows, 2 columns: off, on, on | on, off, off.
    assert decode({"size": [3, 2], "counts": "132"}).tolist() == [[0, 1], [1, 0], [1, 0]]


@pytest.mark.parametrize("counts", [[1, 2], [1, -1, 6], "", ["a"]])
def test_runs_must_fill_the_picture(counts: object) -> None:
    with pytest.raises((ValueError, TypeError)):
        decode({"size": [3, 2], "counts": counts})


@pytest.mark.parametrize(("size", "counts"), [([10**5, 10**6], [10**11]), ([2, 3], [10**11]), ([-2, -3], [6])])
def test_mistyped_sizes_do_not_fill_the_memory(size: list[int], counts: list[int]) -> None:
    with pytest.raises(ValueError, match="runs"):
        decode({"size": size, "counts": counts})
