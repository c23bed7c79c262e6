"""Imported language models in 8 and 4 bits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tiny_vlms import make_part

from prsmed.errors import PRSMedError
from prsmed.model import load_language as module
from prsmed.model.build import build_model
from prsmed.model.checkpoint import load_checkpoint, save_checkpoint
from prsmed.model.config import ModelConfig, PretrainedLanguageConfig
from prsmed.model.language import Role
from prsmed.model.load_language import load_language
from prsmed.model.presets import find_preset
from prsmed.model.pretrained import PretrainedLanguage
from prsmed.model.prsmed import PRSMed


@pytest.fixture(autouse=True)
def _parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRSMED_PARTS", str(tmp_path / "parts"))
    make_part("llava", "base")


@pytest.fixture
def _plain_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    """On processors with AVX512-BF16 bitsandbytes packs rows by 32, and our tiny matrices have fewer."""
    modules = pytest.importorskip("bitsandbytes.nn.modules", reason="8 and 4 bits need bitsandbytes")
    monkeypatch.setattr(modules, "has_avx512bf16", lambda: False)


def next_token(language: PretrainedLanguage) -> torch.Tensor:
    pixels = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    context = language.read_questions(language.encode_questions(["where?"]), language.look(pixels))
    return language.logits(context.last(Role.TEXT))[0, ~language.unspoken]


@pytest.mark.usefixtures("_plain_kernels")
@pytest.mark.parametrize(("bits", "near"), [(8, 0.01), (4, 0.1)])
def test_fewer_bits_say_nearly_the_same_and_adapters_still_learn(bits: int, near: float) -> None:
    config = PretrainedLanguageConfig(part="base", prompt="chat")
    exact = next_token(load_language(config, seg=False).eval())
    quantized = load_language(replace(config, bits=bits), seg=False).eval()
    logits = next_token(quantized)
    assert 0 < (logits - exact).abs().max() < near
    logits.sum().backward()
    learning = {name for name, weight in quantized.named_parameters() if weight.grad is not None}
    assert learning
    assert all("lora_" in name for name in learning)


@pytest.mark.usefixtures("_plain_kernels")
def test_a_quantized_model_survives_saving(tiny_config: ModelConfig, tmp_path: Path) -> None:
    language = PretrainedLanguageConfig(part="base", bits=4)
    config = replace(tiny_config, language=language, answer_from="prompt", condition_on="all")
    model = build_model(config).eval()
    save_checkpoint(model, tmp_path / "saved", "four-1")
    loaded, _ = load_checkpoint(tmp_path / "saved")
    assert isinstance(loaded, PRSMed)
    assert torch.equal(next_token(loaded.language), next_token(model.language))


def test_without_a_library_the_cure_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    for bits, library in ((8, "bitsandbytes or torchao"), (4, "bitsandbytes")):
        with pytest.raises(PRSMedError, match=f"need {library};") as caught:
            load_language(PretrainedLanguageConfig(part="base", bits=bits), seg=False)
        assert caught.value.code == "no_quantization"


def test_bits_are_for_imported_language_models() -> None:
    assert find_preset("prs-med", 4).language.bits == 4
    for name, bits in (("nano", 8), ("prs-med", 3)):
        with pytest.raises(PRSMedError) as caught:
            find_preset(name, bits)
        assert caught.value.code == "bad_bits"
