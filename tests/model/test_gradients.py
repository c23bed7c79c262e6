"""Which loss teaches which weights."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn

from prsmed.model.outputs import Output
from prsmed.model.prsmed import PRSMed

SIDE = 64


def forward(model: PRSMed) -> Output:
    generator = torch.Generator().manual_seed(1)
    pixels = torch.rand(3, 3, SIDE, SIDE, generator=generator)
    questions = model.language.encode_questions(["where is the polyp?", "is there a polyp?", "show me the polyp"])
    answers = model.language.encode_answers(["at the top left", "no", "it is in the center"])
    true_mask = torch.rand(3, 1, SIDE, SIDE, generator=generator) > 0.7
    true_mask[1] = False  # "nothing" has tokens of its own
    return model.train()(pixels, questions, answers, true_mask, torch.tensor([True, True, False]))


def learning(module: nn.Module) -> dict[str, bool]:
    """Whether a gradient reached each parameter."""
    return {
        name: weight.grad is not None and bool(weight.grad.abs().sum() > 0)
        for name, weight in module.named_parameters()
    }


@pytest.mark.parametrize("answer_from", ["mask", "prompt"])
@pytest.mark.parametrize("condition_on", ["text", "all"])
def test_the_mask_loss_teaches_the_language_model(
    make_tiny: Callable[..., PRSMed], answer_from: str, condition_on: str
) -> None:
    model = make_tiny(answer_from=answer_from, condition_on=condition_on)
    forward(model).segmented.mask_logits.square().mean().backward()
    llava = model.language.llava.model
    assert all(learning(llava.language_model).values())
    assert all(learning(llava.multi_modal_projector).values())
    assert all(learning(model.encoder.neck).values())
    assert not any(learning(model.language.llava.lm_head).values())


@pytest.mark.parametrize("answer_from", ["mask", "prompt"])
def test_the_text_loss_does_not_teach_the_mask_decoder(make_tiny: Callable[..., PRSMed], answer_from: str) -> None:
    model = make_tiny(answer_from=answer_from)
    forward(model).text_logits.square().mean().backward()
    assert not any(learning(model.decoder).values())
    assert not any(learning(model.presence).values())
    assert all(learning(model.language.llava.lm_head).values())
    if model.mask_tokens is not None:
        assert all(learning(model.mask_tokens).values())


@pytest.mark.parametrize("answer_from", ["mask", "prompt"])
def test_no_weight_is_left_untaught(make_tiny: Callable[..., PRSMed], answer_from: str) -> None:
    model = make_tiny(answer_from=answer_from)
    output = forward(model)
    segmented = output.segmented
    parts = [segmented.mask_logits, segmented.presence_logits, output.text_logits, output.coarse_logits]
    torch.stack([part.square().mean() for part in parts]).sum().backward()
    assert [name for name, reached in learning(model).items() if not reached] == []


def test_the_coarse_mask_teaches_the_deep_features_past_the_skips(make_tiny: Callable[..., PRSMed]) -> None:
    model = make_tiny()
    coarse = forward(model).coarse_logits
    assert coarse is not None
    assert coarse.shape == (3, 1, SIDE // 16, SIDE // 16)
    coarse.square().mean().backward()
    assert all(learning(model.encoder.neck).values())
    assert all(learning(model.decoder.self_attention).values())
    assert not any(learning(model.decoder.ups).values())
