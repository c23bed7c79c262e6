"""What a model said of replayed pictures is the aim there; on the others it is the label."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from prsmed.learning.recall import RecallingLearner, recall_loss
from prsmed.training.batch import Batch
from prsmed.training.config import TrainConfig
from prsmed.training.learner import PRSMedLearner
from prsmed.training.norms import train_mode

CONFIG = TrainConfig(batch_norm="frozen")


@pytest.fixture
def batch() -> Batch:
    generator = torch.Generator().manual_seed(0)
    mask = torch.zeros(4, 1, 64, 64)
    mask[:3, :, 8:24, 30:50] = 1
    return Batch(
        torch.rand(4, 3, 64, 64, generator=generator),
        mask,
        questions=("where is the polyp?", "polyp?", "find the polyp", "is there a polyp?", "tumour?"),
        answers=("at the top left", "yes", "top left", "no", "no"),
        image_of=torch.tensor([0, 1, 2, 3, 1]),
        is_present=torch.tensor([True, True, True, False, False]),
        is_replay=torch.zeros(4, dtype=torch.bool),
        coins=torch.ones(4),
    )


@pytest.fixture
def learner(make_tiny: Callable[..., nn.Module]) -> RecallingLearner:
    model = make_tiny()
    train_mode(model, frozen=True)
    return RecallingLearner(model, CONFIG)


def losses_of(learner: PRSMedLearner, batch: Batch) -> dict[str, Tensor]:
    return learner.losses(learner.prepare(batch))


def test_new_pictures_alone_are_learnt_as_in_any_training(learner: RecallingLearner, batch: Batch) -> None:
    plain = losses_of(PRSMedLearner(learner.model, CONFIG), batch)
    losses = losses_of(learner, batch)
    assert {name: loss.item() for name, loss in losses.items()} == pytest.approx(
        {name: loss.item() for name, loss in plain.items()}, rel=1e-5
    )


def test_nothing_pulls_at_what_answers_as_before(learner: RecallingLearner, batch: Batch) -> None:
    losses = losses_of(learner, replace(batch, is_replay=torch.ones(4, dtype=torch.bool)))
    torch.stack(list(losses.values())).sum().backward()
    assert max(losses[name].item() for name in ("text", "mask", "coarse")) == pytest.approx(0, abs=1e-4)
    pulls = [weight.grad.abs().max().item() for weight in learner.model.parameters() if weight.grad is not None]
    assert pulls
    assert max(pulls) < 1e-4


def test_what_has_drifted_is_pulled_back(learner: RecallingLearner, batch: Batch) -> None:
    replayed = replace(batch, is_replay=torch.ones(4, dtype=torch.bool))
    before = losses_of(learner, replayed)
    optimizer = torch.optim.AdamW(learner.model.parameters(), lr=1e-3)
    for _ in range(5):
        torch.stack(list(losses_of(learner, batch).values())).sum().backward()
        optimizer.step()
        optimizer.zero_grad()
    drifted = losses_of(learner, replayed)
    assert all(drifted[name] > before[name] for name in ("text", "mask", "coarse"))
    learner.return_towards_before(1.0)
    assert {name: loss.item() for name, loss in losses_of(learner, replayed).items()} == pytest.approx(
        {name: loss.item() for name, loss in before.items()}, abs=1e-5
    )


def test_bfloat16_keeps_the_old_weights_out_of_the_new_pass(learner: RecallingLearner, batch: Batch) -> None:
    with torch.autocast("cpu", torch.bfloat16):
        losses = losses_of(learner, batch)
    torch.stack(list(losses.values())).sum().backward()
    assert all(weight.grad is not None for weight in learner.model.language.parameters() if weight.requires_grad)


def test_recall_is_least_at_the_same_probabilities() -> None:
    before = torch.randn(3, 1, 8, 8, generator=torch.Generator().manual_seed(1))
    logits = before.clone().requires_grad_()
    loss = recall_loss(logits, before)
    assert loss.detach().abs().max() < 1e-6
    (grad,) = torch.autograd.grad(loss.sum(), logits)
    assert grad.abs().max() < 1e-6
    assert (recall_loss(before + 0.5, before) > 0.01).all()
