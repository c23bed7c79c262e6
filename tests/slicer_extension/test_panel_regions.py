"""A label map taken apart and put together again is the same."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from PRSMedLib.nrrd import Image
from PRSMedLib.regions import maskOf

shapes = st.tuples(*[st.integers(1, 6)] * 3)


@given(arrays.arrays(np.uint8, shapes, elements=st.sampled_from([0, 0, 0, 1, 2, 255])))
@settings(max_examples=150, deadline=None)
def test_regions_are_the_mask(voxels: np.ndarray) -> None:
    mask = maskOf(Image(voxels, np.eye(4)))
    assert mask.size == voxels.shape[::-1]
    assert [region.value for region in mask.regions] == [value for value in np.unique(voxels) if value]
    again = np.zeros_like(voxels)
    for region in mask.regions:
        (i, j, k), (depth, height, width) = region.start, region.isLabel.shape
        again[k : k + depth, j : j + height, i : i + width][region.isLabel > 0] = region.value
        # No larger than it has to be.
        for axis in range(3):
            assert region.isLabel.take(0, axis).any()
            assert region.isLabel.take(-1, axis).any()
    np.testing.assert_array_equal(again, voxels)
