from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from prsmed.data import ConversationDataset, dataset, phantom_records


@pytest.mark.parametrize(("free", "read_again"), [(10**10, 0), (1, 4)])
def test_images_are_read_once_as_far_as_memory_goes(
    monkeypatch: pytest.MonkeyPatch, free: int, read_again: int
) -> None:
    records = phantom_records(12, 0)
    plain = ConversationDataset(records, Path("unused"), 32, augment=True)
    ahead = ConversationDataset(records, Path("unused"), 32, augment=True)
    monkeypatch.setattr(dataset, "_READ_AHEAD", 8)
    monkeypatch.setattr(dataset.psutil, "virtual_memory", lambda: SimpleNamespace(available=free))
    ahead.preload()
    read: list[int] = []
    read_image = dataset.read_image
    monkeypatch.setattr(dataset, "read_image", lambda record, root: read.append(0) or read_image(record, root))
    found = [ahead.sample(index, 0) for index in range(12)]
    assert len(read) == read_again, "the first eight were read together"
    for index, sample in enumerate(found):
        np.testing.assert_array_equal(sample.pixels, plain.sample(index, 0).pixels)
