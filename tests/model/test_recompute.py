"""Layers that are computed again have the same results and gradients, and keep less."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tiny_vlms import make_part
from torch import Tensor

from prsmed.errors import PRSMedError
from prsmed.model.build import build_model
from prsmed.model.config import ModelConfig, PretrainedLanguageConfig
from prsmed.model.prsmed import PRSMed
from prsmed.model.recompute import recompute_layers


@pytest.fixture(params=["llava", "qwen3"])
def make(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_config: ModelConfig
) -> Callable[[], PRSMed]:
    monkeypatch.setenv("PRSMED_PARTS", str(tmp_path / "parts"))
    make_part(request.param, "base")
    language = PretrainedLanguageConfig(part="base", prompt="chat", lora_dropout=0.3)
    config = replace(tiny_config, language=language, answer_from="prompt", condition_on="all")

    def build() -> PRSMed:
        torch.manual_seed(0)
        model = build_model(config)
        for name, weight in model.named_parameters():
            if "lora_B" in name:
                torch.nn.init.normal_(weight, std=0.1)
        return model

    return build


def learn(model: PRSMed) -> tuple[Tensor, dict[str, Tensor], int]:
    """Everything a training pass gives, its gradients, and the bytes kept for them by the language model."""
    model.train()
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.eval()
    torch.manual_seed(1)
    pixels = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(2))
    questions = model.language.encode_questions(["where is the polyp?", "is there one?"])
    answers = model.language.encode_answers(["at the top left", "no"])
    kept: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        output = model(pixels, questions, answers, torch.zeros(2, 1, 64, 64, dtype=torch.bool), torch.ones(2).bool())
    seen = output.text_logits.isfinite()
    results = torch.cat([output.segmented.mask_logits.flatten(), output.text_logits[seen].flatten()])
    results.square().mean().backward()
    grads = {name: weight.grad for name, weight in model.named_parameters() if weight.grad is not None}
    return results.detach(), grads, sum(kept.values())


def test_results_and_gradients_are_the_same_with_less_kept(make: Callable[[], PRSMed]) -> None:
    plain, expected, all_of_it = learn(make())
    model = make()
    recompute_layers(model.language)
    results, grads, kept = learn(model)
    assert torch.equal(results, plain)
    assert grads.keys() == expected.keys()
    assert any("lora_" in name for name in grads)
    for name, grad in grads.items():
        torch.testing.assert_close(grad, expected[name], rtol=1e-4, atol=1e-6, msg=lambda text, n=name: f"{n}: {text}")
    assert kept < all_of_it


@torch.no_grad()
def test_answers_are_spoken_as_before(make: Callable[[], PRSMed]) -> None:
    texts = []
    for changes in (False, True):
        model = make().eval()
        if changes:
            recompute_layers(model.language)
        seen = model.see(torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(2)))
        prompt = model.read(seen, model.language.encode_questions(["where is the polyp?"]))
        texts.append(model.answer(seen.features, prompt, None))
    assert texts[0] == texts[1]


def test_a_small_language_model_has_no_need(make_tiny: Callable[..., PRSMed]) -> None:
    with pytest.raises(PRSMedError) as caught:
        recompute_layers(make_tiny().language)
    assert caught.value.code == "bad_training"
