from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from scipy import ndimage

from prsmed.position.confidence import confident_regions

SURE, DOUBTFUL = (slice(2, 6), slice(2, 6)), (slice(10, 18), slice(10, 18))


def drawn(**values: float) -> NDArray[np.float64]:
    """Probabilities of a small region and of one four times as large."""
    probability = np.full((20, 20), 0.1)
    probability[SURE], probability[DOUBTFUL] = values["small"], values["large"]
    return probability


def kept(probability: NDArray[np.float64], share: float) -> tuple[bool, bool]:
    result = confident_regions(probability >= 0.5, probability, share)
    assert not result[probability < 0.5].any()
    parts = result[SURE], result[DOUBTFUL]
    assert all(part.all() or not part.any() for part in parts)  # whole regions
    return bool(parts[0].any()), bool(parts[1].any())


def test_the_surest_region_stays_whatever_its_size() -> None:
    assert kept(drawn(small=0.99, large=0.7), 0.95) == (True, False)
    assert kept(drawn(small=0.7, large=0.99), 0.95) == (False, True)


def test_regions_as_sure_as_each_other_all_stay() -> None:
    assert kept(drawn(small=0.9, large=0.95), 0.94) == (True, True)


@pytest.mark.parametrize("share", [0.0, 0.7])
def test_the_share_decides(share: float) -> None:
    assert kept(drawn(small=0.99, large=0.7), share) == (True, True)


def test_no_region_and_one_region_are_left_alone() -> None:
    nothing = np.zeros((8, 8), dtype=np.bool_)
    assert not confident_regions(nothing, np.zeros((8, 8)), 0.95).any()
    one = nothing.copy()
    one[0, 0] = one[1, 1] = True  # touching at a corner
    np.testing.assert_array_equal(confident_regions(one, np.where(one, [0.5] * 8, 0.0), 0.95), one)


@given(arrays(np.float64, (9, 7), elements=st.floats(0, 1)), st.floats(0.5, 1.0))
def test_the_rule_on_the_whole_picture(probability: NDArray[np.float64], share: float) -> None:
    mask = probability >= 0.5
    labels, count = ndimage.label(mask, structure=np.ones((3, 3)))
    means = [probability[labels == number].mean() for number in range(1, count + 1)]
    assume(all(abs(mean - share * max(means)) > 1e-9 for mean in means))
    kept = [number for number, mean in enumerate(means, start=1) if mean >= share * max(means)]
    np.testing.assert_array_equal(confident_regions(mask, probability, share), np.isin(labels, kept) & mask)
