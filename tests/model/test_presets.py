from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from transformers import PreTrainedTokenizerFast

from prsmed.errors import PRSMedError
from prsmed.model.build import build_model
from prsmed.model.config import ModelConfig
from prsmed.model.presets import PRESETS, find_preset

MEGABYTE = 1e6


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_answers_a_question(name: str, tiny_tokenizer: PreTrainedTokenizerFast) -> None:
    config = replace(find_preset(name), max_answer_tokens=2)
    model = build_model(config, tiny_tokenizer).eval()
    with torch.inference_mode():
        seen = model.see(torch.rand(1, 3, config.image_size, config.image_size))
        prompt = model.read(seen, model.language.encode_questions(["where is it?"]))
        segmented = model.segment(seen.features, prompt, config.image_size)
        texts = model.answer(seen.features, prompt, model.mask_of(segmented))
    assert segmented.mask_logits.shape == (1, 1, config.image_size, config.image_size)
    assert segmented.mask_logits.isfinite().all()
    assert len(texts) == 1


def test_nano_is_at_most_32_megabytes(tiny_tokenizer: PreTrainedTokenizerFast) -> None:
    with torch.device("meta"):
        model = build_model(find_preset("nano"), tiny_tokenizer)
    stored = sum(tensor.numel() * tensor.element_size() for tensor in model.state_dict().values())
    assert 4 * MEGABYTE < stored <= 32 * MEGABYTE


@pytest.mark.parametrize("name", PRESETS)
def test_a_configuration_survives_json(name: str) -> None:
    assert ModelConfig.from_json(find_preset(name).to_json()) == find_preset(name)


def test_an_unknown_preset_is_refused_with_the_known_ones() -> None:
    with pytest.raises(PRSMedError, match="nano") as caught:
        find_preset("nanno")
    assert caught.value.code == "unknown_preset"
