"""How a volume's slices are shared out."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from prsmed.inference.whole_volume import BATCH, SliceRange, batches_of


@given(st.integers(0, 50), st.integers(1, 100), st.integers(1, 20))
def test_batches_are_even_and_so_are_the_workers_shares(first: int, count: int, workers: int) -> None:
    batches = batches_of(SliceRange("axial", first, first + count - 1), workers)
    assert [index for batch in batches for index in batch] == list(range(first, first + count))
    sizes = [len(batch) for batch in batches]
    assert max(sizes) - min(sizes) <= 1
    assert max(sizes) * workers <= max(BATCH, workers)
    assert len(batches) % workers == 0 or max(sizes) == 1
