from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from prsmed.model.prsmed import PRSMed
from prsmed.model.unet import BaselineUNet, UNetConfig
from prsmed.training.batch import Batch
from prsmed.training.config import TrainConfig
from prsmed.training.learner import Learner, PRSMedLearner, UNetLearner

CONFIG = TrainConfig(true_mask_share=0.5)


@pytest.fixture
def batch() -> Batch:
    generator = torch.Generator().manual_seed(0)
    mask = torch.zeros(4, 1, 64, 64)
    mask[:2, :, 8:24, 30:50] = 1
    questions = ("where is the polyp?", "polyp?", "is there a polyp in this image?", "find the polyp", "tumour?")
    answers = ("at the top left", "yes", "no", "there is no polyp", "no")
    return Batch(
        torch.rand(4, 3, 64, 64, generator=generator),
        mask,
        questions,
        answers,
        image_of=torch.tensor([0, 1, 2, 3, 1]),
        is_present=torch.tensor([True, True, False, False, False]),
        is_replay=torch.zeros(4, dtype=torch.bool),
        coins=torch.full((4,), 0.5),
    )


def losses_of(learner: Learner, batch: Batch) -> dict[str, Tensor]:
    return learner.losses(learner.prepare(batch))


def coded_masks(model: PRSMed, batch: Batch, share: float) -> Tensor:
    """The masks that a training pass tells the language model about."""
    seen: list[Tensor] = []
    assert model.mask_tokens is not None
    handle = model.mask_tokens.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    losses_of(PRSMedLearner(model, replace(CONFIG, true_mask_share=share)), batch)
    handle.remove()
    return seen[0]


def test_the_share_decides_whose_true_mask_is_told(make_tiny: Callable[..., PRSMed], batch: Batch) -> None:
    model = make_tiny()
    told, predicted = coded_masks(model, batch, 1.0), coded_masks(model, batch, 0.0)
    assert torch.equal(told[:4], batch.mask > 0)
    assert torch.equal(predicted[:4], PRSMedLearner(model, CONFIG).predict(batch))
    assert not torch.equal(predicted[:4], told[:4])
    assert not told[4].any()  # the question about something else
    assert not predicted[4].any()


def test_absent_targets_teach_presence_only(make_tiny: Callable[..., PRSMed], batch: Batch) -> None:
    learner = PRSMedLearner(make_tiny(), replace(CONFIG, true_mask_share=1.0))
    before = losses_of(learner, batch)
    batch.mask[2:] = 1 - batch.mask[2:]  # not looked at
    after = losses_of(learner, batch)
    assert torch.equal(after["mask"], before["mask"])
    assert torch.equal(after["coarse"], before["coarse"])
    other = replace(batch, is_present=torch.tensor([True, True, False, False, True]))
    assert losses_of(learner, other)["presence"] != before["presence"]


def test_losses_are_weighted(make_tiny: Callable[..., PRSMed], batch: Batch) -> None:
    model = make_tiny()
    weights = {"mask": 3.0, "coarse": 2.0, "text": 5.0, "presence": 7.0}
    plain = replace(CONFIG, true_mask_share=1.0, **{f"{name}_weight": 1.0 for name in weights})
    weighted = replace(plain, **{f"{name}_weight": weight for name, weight in weights.items()})
    one, other = (losses_of(PRSMedLearner(model, config), batch) for config in (plain, weighted))
    assert {name: (other[name] / one[name]).item() for name in one} == pytest.approx(weights, rel=1e-5)


def test_the_end_of_an_answer_is_learnt(make_tiny: Callable[..., PRSMed], batch: Batch) -> None:
    """A model that never ends its answers pays for it."""
    model = make_tiny()
    learner = PRSMedLearner(model, replace(CONFIG, true_mask_share=1.0))
    before = losses_of(learner, batch)["text"].item()
    plain = model.language.logits

    def never_ending(hidden: Tensor) -> Tensor:
        logits = plain(hidden).clone()
        logits[..., model.language.tokenizer.eos_token_id] -= 50
        return logits

    model.language.logits = never_ending  # type: ignore[method-assign]
    answers = model.language.encode_answers(batch.answers)
    ends = len(batch.answers) / int(answers.is_real.sum())
    assert losses_of(learner, batch)["text"].item() == pytest.approx(before + 50 * ends, rel=0.02)


def test_a_unet_answers_where_its_probability_is_half(batch: Batch) -> None:
    torch.manual_seed(0)
    model = BaselineUNet(UNetConfig(channels=(4, 8, 8))).eval()
    learner = UNetLearner(model, CONFIG)
    with torch.no_grad():
        expected = model(batch.pixels).sigmoid() >= 0.5
    assert torch.equal(learner.predict(batch), expected)
    assert 0 < expected.float().mean() < 1
    assert set(losses_of(learner, batch)) == {"mask"}
