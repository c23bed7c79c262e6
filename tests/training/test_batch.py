from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from small_set import record

from prsmed.data import Sample, Turn, converse
from prsmed.training.batch import stack

SIDE = 16
Bytes = NDArray[np.uint8]


def turn(mask: Bytes, number: int, absent_share: float = 0.0) -> Turn:
    drawn = converse(mask, record(), np.random.default_rng(0), absent_share=absent_share)
    return replace(drawn, question=f"q{number}", answer=f"a{number}")


def sample(pixels: Bytes, mask: Bytes, number: int, asks_more: bool = False) -> Sample:
    absent = turn(mask, 10 + number, absent_share=1.0) if asks_more else None
    return Sample(pixels, mask, turn(mask, number), absent, record())


def test_samples_become_tensors_in_order() -> None:
    rng = np.random.default_rng(0)
    pixels = [rng.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8) for _ in range(3)]
    masks = [np.zeros((SIDE, SIDE), dtype=np.uint8) for _ in range(3)]
    masks[1][3:5, 5] = masks[2][7:9, 2] = 1
    samples = [sample(one, mask, n, asks_more=n > 0) for n, (one, mask) in enumerate(zip(pixels, masks, strict=True))]
    batch = stack(samples)
    assert batch.pixels.shape == (3, 3, SIDE, SIDE)
    assert batch.pixels.dtype == torch.uint8
    batch = batch.to(torch.device("cpu"))
    assert batch.pixels.dtype == batch.mask.dtype == torch.float32
    for row, channel in ((0, 0), (1, 2)):
        expected = pixels[row][:, :, channel].astype(np.float32) / 255
        np.testing.assert_array_equal(batch.pixels[row, channel].numpy(), expected)
    assert batch.pixels.is_contiguous(memory_format=torch.channels_last)
    assert batch.mask.shape == (3, 1, SIDE, SIDE)
    assert batch.mask.nonzero().tolist() == [[1, 0, 3, 5], [1, 0, 4, 5], [2, 0, 7, 2], [2, 0, 8, 2]]
    assert batch.mask.max() == 1


def test_absent_questions_stand_behind_and_know_their_image() -> None:
    blank = np.zeros((SIDE, SIDE, 3), dtype=np.uint8)
    masks = [np.zeros((SIDE, SIDE), dtype=np.uint8) for _ in range(3)]
    masks[1][3:9, 5:9] = masks[2][7:9, 2:9] = 1
    batch = stack([sample(blank, mask, n, asks_more=n > 0) for n, mask in enumerate(masks)])
    assert batch.questions == ("q0", "q1", "q2", "q11", "q12")
    assert batch.answers == ("a0", "a1", "a2", "a11", "a12")
    assert batch.image_of.tolist() == [0, 1, 2, 1, 2]
    assert batch.is_present.tolist() == [False, True, True, False, False]
    assert batch.has_mask.tolist() == [False, True, True]
