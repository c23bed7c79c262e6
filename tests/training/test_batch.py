from __future__ import annotations

import numpy as np
import torch
from small_set import record

from prsmed.data import Sample, Turn, converse
from prsmed.training.batch import stack

SIDE = 16


def sample(pixels: np.ndarray, mask: np.ndarray, question: str, answer: str) -> Sample:
    turn = converse(mask, record(), np.random.default_rng(0))
    values = {name: getattr(turn, name) for name in turn.__dataclass_fields__}
    return Sample(pixels, mask, Turn(**(values | {"question": question, "answer": answer})), record())


def test_samples_become_tensors_in_order() -> None:
    rng = np.random.default_rng(0)
    pixels = [rng.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8) for _ in range(2)]
    masks = [np.zeros((SIDE, SIDE), dtype=np.uint8) for _ in range(2)]
    masks[1][3, 5] = 1
    batch = stack(
        [sample(pixels[0], masks[0], "q0", "a0"), sample(pixels[1], masks[1], "q1", "a1")], torch.device("cpu")
    )
    assert batch.pixels.shape == (2, 3, SIDE, SIDE)
    assert batch.pixels.dtype == torch.float32
    for row, channel in ((0, 0), (1, 2)):
        expected = pixels[row][:, :, channel].astype(np.float32) / 255
        np.testing.assert_array_equal(batch.pixels[row, channel].numpy(), expected)
    assert batch.pixels.is_contiguous(memory_format=torch.channels_last)
    assert batch.mask.shape == (2, 1, SIDE, SIDE)
    assert batch.mask.nonzero().tolist() == [[1, 0, 3, 5]]
    assert batch.mask.max() == 1
    assert batch.is_present.tolist() == [False, True]
    assert batch.questions == ("q0", "q1")
    assert batch.answers == ("a0", "a1")
