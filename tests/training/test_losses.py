from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from prsmed.training.losses import mask_loss, presence_loss, text_loss

Floats = NDArray[np.float64]


def bce(logits: Floats, target: Floats) -> float:
    probability = 1 / (1 + np.exp(-logits))
    return float(-(target * np.log(probability) + (1 - target) * np.log(1 - probability)).mean())


def soft_dice(logits: Floats, target: Floats) -> float:
    probability = 1 / (1 + np.exp(-logits))
    return float((2 * (probability * target).sum() + 1) / (probability.sum() + target.sum() + 1))


@pytest.fixture
def masks() -> tuple[Floats, Floats]:
    """Logits and targets ``(3, 1, 8, 8)``."""
    rng = np.random.default_rng(0)
    target = (rng.random((3, 1, 8, 8)) > np.array([0.6, 0.9, 0.2]).reshape(3, 1, 1, 1)).astype(float)
    return rng.normal(0, 2, (3, 1, 8, 8)), target


def loss_of(logits: Floats, target: Floats) -> float:
    return float(mask_loss(torch.from_numpy(logits), torch.from_numpy(target)))


def test_mask_loss_is_bce_plus_the_mean_dice_loss(masks: tuple[Floats, Floats]) -> None:
    logits, target = masks
    dices = [1 - soft_dice(logits[row], target[row]) for row in range(3)]
    assert loss_of(logits, target) == pytest.approx(bce(logits, target) + np.mean(dices), rel=1e-6)


def test_no_present_target_costs_nothing_and_can_still_be_differentiated() -> None:
    logits = torch.zeros(2, 1, 8, 8, requires_grad=True)
    loss = mask_loss(logits[[False, False]], torch.zeros(0, 1, 8, 8))
    loss.backward()
    assert loss == 0
    assert logits.grad is not None
    assert not logits.grad.any()


def test_a_perfect_mask_costs_nothing_and_a_wrong_one_stays_finite(masks: tuple[Floats, Floats]) -> None:
    target = masks[1]
    assert loss_of(200 * (target - 0.5), target) == pytest.approx(0, abs=1e-6)
    wrong = torch.from_numpy(-2000 * (target - 0.5)).requires_grad_()
    loss = mask_loss(wrong, torch.from_numpy(target))
    loss.backward()
    assert loss.isfinite()
    assert wrong.grad is not None
    assert wrong.grad.isfinite().all()


def test_text_loss_is_the_mean_over_the_answers_own_tokens() -> None:
    rng = np.random.default_rng(1)
    logits, ids = rng.normal(size=(2, 4, 7)), rng.integers(0, 7, (2, 4))
    is_real = np.array([[True, True, True, True], [True, True, False, False]])
    shares = np.exp(logits) / np.exp(logits).sum(axis=2, keepdims=True)
    expected = -np.mean([np.log(shares[row, step, ids[row, step]]) for row, step in np.argwhere(is_real)])
    arguments = [torch.from_numpy(array) for array in (logits, ids, is_real)]
    assert float(text_loss(*arguments)) == pytest.approx(expected, rel=1e-6)
    logits[1, 2:], ids[1, 2:] = 50.0, 0
    assert float(text_loss(*arguments)) == pytest.approx(expected, rel=1e-6)  # padding (the tensors share memory)
    logits[1, 1, ids[1, 1]] -= 3.0
    assert float(text_loss(*arguments)) > expected + 0.1  # the last real token, where the end token stands


def test_presence_loss_is_binary_cross_entropy() -> None:
    logits, is_present = np.array([-1.5, 0.3, 4.0]), np.array([False, True, False])
    found = float(presence_loss(torch.from_numpy(logits).float(), torch.from_numpy(is_present)))
    assert found == pytest.approx(bce(logits, is_present.astype(float)), rel=1e-5)


def border_weight(target: Floats) -> Floats:
    """1 and five times how much a pixel differs from the mean of the 31 x 31 around it, nothing being outside."""
    padded = np.pad(target, 15)
    near = np.array(
        [[padded[r : r + 31, c : c + 31].mean() for c in range(target.shape[1])] for r in range(len(target))]
    )
    return 1 + 5 * np.abs(near - target)


def test_structure_loss_is_that_of_the_authors_code_as_it_runs(masks: tuple[Floats, Floats]) -> None:
    """Its BCE is a plain mean, its IoU weighs borders (``loss.py`` of PRS-Med)."""
    logits, target = masks
    expected = []
    for row, true in zip(logits[:, 0], target[:, 0], strict=True):
        weight, probability = border_weight(true), 1 / (1 + np.exp(-row))
        inter, union = (probability * true * weight).sum(), ((probability + true) * weight).sum()
        expected.append(bce(row, true) + 1 - (inter + 1) / (union - inter + 1))
    found = float(mask_loss(torch.from_numpy(logits), torch.from_numpy(target), kind="structure"))
    assert found == pytest.approx(np.mean(expected), rel=1e-6)


@pytest.mark.parametrize("kind", ["bce_dice", "structure"])
def test_only_images_with_a_target_count(masks: tuple[Floats, Floats], kind: str) -> None:
    logits, target = (torch.from_numpy(array) for array in masks)
    there = torch.tensor([True, False, True])
    assert mask_loss(logits, target, there, kind) == pytest.approx(mask_loss(logits[there], target[there], kind=kind))
    assert mask_loss(logits, target, ~there & there, kind) == 0


def test_low_precision_is_raised_before_it_is_summed() -> None:
    """In bfloat16 a sum over 256 x 256 pixels would lose most of them."""
    logits = torch.full((1, 1, 256, 256), -6.0, dtype=torch.bfloat16)
    target = torch.zeros(1, 1, 256, 256)
    target[..., :8, :8] = 1
    loss = mask_loss(logits, target)
    assert loss.dtype == torch.float32
    assert float(loss) == pytest.approx(loss_of(logits.double().numpy(), target.double().numpy()), rel=1e-5)
