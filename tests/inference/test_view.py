"""A slice as the model gets it: what is kept of it is found again by what is shown, however it is stored."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from prsmed.errors import PRSMedError
from prsmed.imaging import ImageSlice, Volume, extract, to_square
from prsmed.inference.view import fit_of, key_of, view
from prsmed.model.presets import NANO

CPU = torch.device("cpu")


def drawn(seed: int, shape: tuple[int, int] = (9, 7)) -> ImageSlice:
    values = np.random.default_rng(seed).integers(-1000, 1000, (*shape, 2), np.int16)
    return extract(Volume(values, np.diag([1.0, 2.0, 3.0, 1.0]), modality="CT"), "axial", 0)


@settings(deadline=None)
@given(st.integers(0, 9), st.integers(0, 9), st.sampled_from([None, "lung", (40.0, 80.0)]))
def test_slices_with_one_key_are_shown_alike(one: int, other: int, window: str | tuple[float, float] | None) -> None:
    first, second = drawn(one), drawn(other)
    assert (key_of(first, window) == key_of(second, window)) == (one == other)
    copied = replace(first, pixels=np.asfortranarray(first.pixels))
    assert key_of(copied, window) == key_of(first, window)
    assert torch.equal(view([copied], window, NANO, CPU), view([first], window, NANO, CPU))


def test_what_is_shown_otherwise_has_another_key() -> None:
    image_slice = drawn(0)
    others = [
        (image_slice, "lung"),
        (replace(image_slice, spacing=(1.0, 1.0)), None),
        (replace(image_slice, pixels=image_slice.pixels.astype(np.float32)), None),
        (replace(image_slice, pixels=image_slice.pixels.reshape(9, 7)), None),
    ]
    keys = {key_of(image_slice, None), *(key_of(each, window) for each, window in others)}
    assert len(keys) == 1 + len(others)
    assert key_of(image_slice, image_slice.window) == key_of(image_slice, None)
    with pytest.raises(PRSMedError):
        key_of(image_slice, "x-ray")


@settings(deadline=None)
@given(st.integers(2, 64), st.integers(2, 64))
def test_the_way_back_is_that_of_the_picture(rows: int, cols: int) -> None:
    image_slice = drawn(0, (cols, rows))
    _, fit = to_square(np.zeros((*image_slice.shape, 3), np.uint8), image_slice.spacing, NANO.image_size)
    assert fit_of(image_slice, NANO) == fit
