"""Regions found on the device are those that scipy finds."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor

from prsmed.model import regions

SIDE = 48


def spiral(side: int) -> NDArray[np.bool_]:
    """A line one pixel wide that winds inwards, half of all pixels: the longest way a label may have to go."""
    mask = np.zeros((side, side), dtype=bool)
    row, col, step, (down, right) = 0, 0, side - 1, (0, 1)
    mask[0, 0] = True
    for turn in range(side):
        for _ in range(step):
            row, col = row + down, col + right
            mask[row, col] = True
        down, right = right, -down
        step -= 2 if turn > 1 and turn % 2 == 0 else 0
        if step <= 0:
            break
    return mask


def make_masks() -> Iterator[NDArray[np.bool_]]:
    rng = np.random.default_rng(0)
    yield np.zeros((SIDE, SIDE), bool)
    yield np.ones((SIDE, SIDE), bool)
    yield np.indices((SIDE, SIDE)).sum(axis=0) % 2 == 0  # a checkerboard touches at corners only
    yield np.indices((SIDE, SIDE)).max(axis=0) % 3 == 0
    yield np.kron(np.ones((SIDE // 4, SIDE // 4)), [[1, 1, 0, 0], [1, 1, 0, 0], [0] * 4, [0] * 4]) > 0  # all as large
    yield from (turned for turned in (spiral(SIDE), spiral(SIDE).T, spiral(SIDE)[::-1], spiral(SIDE)[:, ::-1]))
    for share in (0.02, 0.2, 0.35, 0.4, 0.5, 0.8):
        yield rng.random((SIDE, SIDE)) < share
    for width in (1, 2, 4):
        yield ndimage.gaussian_filter(rng.normal(size=(SIDE, SIDE)), width) > 0


@pytest.fixture(scope="module")
def masks() -> Tensor:
    return torch.from_numpy(np.stack([mask.copy() for mask in make_masks()])).unsqueeze(1)


def test_labels_are_scipys_in_the_order_of_their_first_pixels(masks: Tensor) -> None:
    labels = regions.label(masks)[:, 0].numpy()
    for found, mask in zip(labels, masks[:, 0].numpy(), strict=True):
        expected, count = ndimage.label(mask, structure=np.ones((3, 3)))
        values = np.unique(found[mask])[::-1]  # the higher label begins first
        assert len(values) == count
        renumbered = np.zeros_like(expected)
        for number, value in enumerate(values, start=1):
            renumbered[found == value] = number
        np.testing.assert_array_equal(renumbered, expected)


@pytest.mark.parametrize("count", [1, 2, 5])
def test_the_largest_are_the_same_on_every_device(masks: Tensor, count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    by_scipy = regions.largest(masks, count)
    monkeypatch.setattr(regions, "HOST", "none")
    assert torch.equal(regions.largest(masks, count), by_scipy)
    assert by_scipy.any(dim=3).any(dim=2).sum() > count * 5


@pytest.mark.parametrize("share", [0.0, 0.5, 0.9, 0.95, 1.0])
def test_the_confident_are_the_same_on_every_device(
    masks: Tensor, share: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    probability = 0.5 + torch.rand(masks.shape, generator=torch.Generator().manual_seed(1)) / 2
    by_scipy = regions.confident(masks, probability, share)
    monkeypatch.setattr(regions, "HOST", "none")
    assert torch.equal(regions.confident(masks, probability, share), by_scipy)
    assert torch.equal(by_scipy, masks) == (share <= 0.5)  # the surest is at most 1, none below a half


def test_no_masks_have_no_regions() -> None:
    none = torch.zeros(0, 1, 8, 8, dtype=torch.bool)
    assert regions.confident(none, none.float(), 0.9).shape == none.shape
    assert regions.largest(none, 2).shape == (0, 2, 8, 8)
