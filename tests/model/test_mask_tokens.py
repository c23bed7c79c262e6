from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from prsmed.model.mask_tokens import MaskTokens

SIDE, GRID, IMAGE_DIM = 64, 8, 6
ACROSS, DOWN, SECOND_ACROSS, SECOND_DOWN, LOOK = range(5)


@pytest.fixture
def coder() -> MaskTokens:
    return make_coder()


def make_coder() -> MaskTokens:
    torch.manual_seed(0)
    return MaskTokens(IMAGE_DIM, 32, num_regions=2).eval()


def image(seed: int = 1) -> Tensor:
    return torch.randn(1, IMAGE_DIM, GRID, GRID, generator=torch.Generator().manual_seed(seed))


def box(top: int, left: int, height: int = 16, width: int = 24) -> Tensor:
    mask = torch.zeros(1, 1, SIDE, SIDE, dtype=torch.bool)
    mask[..., top : top + height, left : left + width] = True
    return mask


def differ(one: Tensor, other: Tensor) -> bool:
    return bool((one - other).abs().max() > 1e-3)


@torch.no_grad()
def test_an_empty_mask_says_the_same_of_every_image(coder: MaskTokens) -> None:
    empty = torch.zeros(1, 1, SIDE, SIDE, dtype=torch.bool)
    expected = coder(empty, image(1))
    assert expected.shape == (1, 5, 32)
    assert expected.isfinite().all()
    assert torch.equal(coder(empty, image(2)), expected)
    assert differ(coder(box(0, 0, 1, 1), image(1)), expected)


@torch.no_grad()
@given(top=st.integers(0, 46), left=st.integers(0, 38), shift=st.sampled_from([(1, 0), (0, 1), (2, 2)]))
@settings(max_examples=30, deadline=None)
def test_each_axis_has_a_token_of_its_own(top: int, left: int, shift: tuple[int, int]) -> None:
    coder = make_coder()
    same = torch.ones(1, IMAGE_DIM, GRID, GRID)
    one, other = coder(box(top, left), same), coder(box(top + shift[0], left + shift[1]), same)
    for axis, moved in ((DOWN, shift[0]), (ACROSS, shift[1])):
        assert torch.equal(one[:, axis], other[:, axis]) == (moved == 0)


@torch.no_grad()
def test_each_region_has_tokens_of_its_own_largest_first(coder: MaskTokens) -> None:
    same = torch.ones(1, IMAGE_DIM, GRID, GRID)
    large, small, elsewhere = box(4, 4), box(40, 40, 8, 8), box(50, 20, 8, 8)
    one, other = coder(large | small, same), coder(large | elsewhere, same)
    alone = coder(large, same)
    for axis in (ACROSS, DOWN):
        assert torch.equal(one[:, axis], alone[:, axis])
        assert torch.equal(other[:, axis], alone[:, axis])
    for axis in (SECOND_ACROSS, SECOND_DOWN):
        assert differ(one[:, axis], other[:, axis])
        assert torch.equal(alone[:, axis], coder.nothing[None, axis])
    speck = box(40, 40, 2, 2)
    assert torch.equal(coder(large | speck, same)[:, SECOND_ACROSS], alone[:, SECOND_ACROSS])


@torch.no_grad()
def test_the_place_is_the_same_at_every_size() -> None:
    coder = make_coder()
    small = box(8, 32)
    large = small.repeat_interleave(4, dim=2).repeat_interleave(4, dim=3)
    one, other = coder(small, image()), coder(large, image())
    torch.testing.assert_close(one[:, ACROSS], other[:, ACROSS], atol=0.15, rtol=0)
    torch.testing.assert_close(one[:, LOOK], other[:, LOOK], atol=1e-4, rtol=0)


@torch.no_grad()
def test_size_and_shape_are_told_apart(coder: MaskTokens) -> None:
    square = box(20, 20, 20, 20)
    ring = square & ~box(24, 24, 12, 12)  # same centroid, same box
    assert differ(coder(square, image()), coder(ring, image()))
    assert differ(coder(square, image()), coder(box(24, 24, 12, 12), image()))


@torch.no_grad()
def test_the_look_is_that_of_the_image_under_the_mask(coder: MaskTokens) -> None:
    mask = box(16, 8, 16, 16)  # cells 2..3 by 1..2 of the grid
    dense = image()
    outside, inside = dense.clone(), dense.clone()
    outside[..., 5:, :] = 9.0
    inside[..., 2:4, 1:3] += 1.5 * torch.randn(IMAGE_DIM, 2, 2, generator=torch.Generator().manual_seed(3))
    expected = coder(mask, dense)
    assert torch.equal(coder(mask, outside), expected)
    assert differ(coder(mask, inside)[:, LOOK], expected[:, LOOK])
    assert torch.equal(coder(mask, inside)[:, :LOOK], expected[:, :LOOK])
    uniform = dense.clone()
    uniform[..., 2:4, 1:3] = dense[..., 2:4, 1:3].mean(dim=(2, 3), keepdim=True)
    torch.testing.assert_close(coder(mask, uniform), expected, atol=1e-5, rtol=0)


@torch.no_grad()
def test_rows_are_coded_one_by_one(coder: MaskTokens) -> None:
    masks = torch.cat([box(0, 0), torch.zeros_like(box(0, 0)), box(30, 9)])
    images = torch.cat([image(1), image(2), image(3)])
    together = coder(masks, images)
    for row in range(3):
        torch.testing.assert_close(coder(masks[[row]], images[[row]]), together[[row]], atol=1e-5, rtol=0)


def test_nothing_flows_back_into_the_mask(coder: MaskTokens) -> None:
    mask, dense = box(5, 5).float().requires_grad_(), image().requires_grad_()
    coder(mask, dense).square().sum().backward()
    assert mask.grad is None
    assert dense.grad is not None
    assert coder.axes[0].weight.grad.abs().sum() > 0
