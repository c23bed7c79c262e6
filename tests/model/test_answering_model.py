from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn

from prsmed.model.answering import prepare_to_answer
from prsmed.model.prsmed import PRSMed


def norms(model: nn.Module) -> list[nn.BatchNorm2d]:
    return [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]


@torch.no_grad()
def test_what_the_encoder_and_the_decoder_compute_stays(make_tiny: Callable[..., PRSMed]) -> None:
    model = make_tiny().eval()
    for norm in norms(model):
        for values in (norm.weight, norm.bias, norm.running_mean, norm.running_var):
            assert values is not None
            values.uniform_(0.5, 1.5)
    side = model.config.image_size
    pixels = torch.rand(2, 3, side, side, generator=torch.Generator().manual_seed(0))
    questions = model.language.encode_questions(["Where is the polyp?"]).expand(2)

    def draw() -> torch.Tensor:
        seen = model.see(pixels)
        return model.segment(seen.features, model.read(seen, questions), side).mask_logits

    before = draw()
    prepare_to_answer(model, torch.device("cpu"))
    assert not norms(model)
    torch.testing.assert_close(draw(), before, rtol=1e-4, atol=1e-4)


def test_a_model_that_learns_is_refused() -> None:
    with pytest.raises(AssertionError):
        prepare_to_answer(nn.Sequential(nn.Conv2d(1, 1, 1), nn.BatchNorm2d(1)), torch.device("cpu"))
