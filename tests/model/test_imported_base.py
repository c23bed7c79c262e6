"""Whole models on an imported language model: what reaches the mask, what is learnt, what a checkpoint holds."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from tiny_vlms import FAMILIES, make_part
from torch import Tensor, nn

from prsmed.errors import PRSMedError
from prsmed.model.build import build_model
from prsmed.model.checkpoint import load_checkpoint, save_checkpoint
from prsmed.model.config import ModelConfig, PretrainedLanguageConfig
from prsmed.model.outputs import Output
from prsmed.model.prsmed import PRSMed

SIDE = 64
QUESTIONS = ("where is the polyp?", "is there, in this rather long question, a polyp?")
ANSWERS = ("at the top left", "no")
CLOSE = {"atol": 3e-5, "rtol": 0.0}


@pytest.fixture(autouse=True)
def _parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRSMED_PARTS", str(tmp_path / "parts"))


@pytest.fixture
def config(tiny_config: ModelConfig) -> ModelConfig:
    assert tiny_config.decoder is not None
    return replace(
        tiny_config,
        name="imported",
        language=PretrainedLanguageConfig(part="base", prompt="chat"),
        answer_from="prompt",
        condition_on="all",
        presence_threshold=0.0,
    )


def make(config: ModelConfig, family: str = "llava", seed: int = 0) -> PRSMed:
    make_part(family, "base", seed)
    torch.manual_seed(3)
    return build_model(config).eval()


def adapters(model: PRSMed) -> dict[str, nn.Parameter]:
    return {name: weight for name, weight in model.named_parameters() if "lora_" in name}


def wake(model: PRSMed) -> PRSMed:
    """Adapters that do something."""
    for weight in adapters(model).values():
        nn.init.normal_(weight, std=0.1)
    return model


def one_pass(model: PRSMed, questions: tuple[str, ...] = QUESTIONS, answers: tuple[str, ...] = ANSWERS) -> Output:
    rows = len(questions)
    pixels = torch.rand(2, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(1))[:rows]
    nothing = torch.zeros(rows, 1, SIDE, SIDE, dtype=torch.bool)
    language = model.language
    encoded = language.encode_questions(questions), language.encode_answers(answers)
    return model(pixels, *encoded, nothing, torch.zeros(rows, dtype=torch.bool))


@torch.no_grad()
@pytest.mark.parametrize("family", FAMILIES)
def test_answers_and_batch_mates_do_not_change_the_mask(config: ModelConfig, family: str) -> None:
    model = make(config, family)
    together = one_pass(model).segmented
    other = one_pass(model, answers=("the polyp is somewhere else, quite far away", "yes")).segmented
    alone = one_pass(model, QUESTIONS[:1], ANSWERS[:1]).segmented
    for same in (other.mask_logits[0], alone.mask_logits[0]):
        torch.testing.assert_close(same, together.mask_logits[0], **CLOSE)
    torch.testing.assert_close(other.presence_logits, together.presence_logits, **CLOSE)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_mask_loss_reaches_every_adapter_and_nothing_of_the_base(config: ModelConfig, family: str) -> None:
    model = wake(make(config, family)).train()
    one_pass(model).segmented.mask_logits.square().mean().backward()
    assert all(weight.grad is not None and weight.grad.any() for weight in adapters(model).values())
    frozen = [weight for name, weight in model.language.named_parameters() if "lora_" not in name]
    assert all(weight.grad is None for weight in frozen)


def test_a_fresh_adapter_changes_nothing_a_trained_one_is_its_merged_weights(config: ModelConfig) -> None:
    frozen = replace(config, language=replace(config.language, tuning="frozen"))
    plain, model = make(frozen), make(config)
    with torch.no_grad():
        base = one_pass(plain).text_logits
        torch.testing.assert_close(one_pass(model).text_logits, base, **CLOSE)
        trained = one_pass(wake(model)).text_logits
        assert (trained - base)[base.isfinite()].abs().max() > 1e-2
        weights = dict(plain.language.vlm.named_parameters())
        for name, module in model.language.vlm.named_modules():
            if hasattr(module, "lora_A"):
                scale = config.language.lora_alpha / config.language.lora_rank
                weights[f"{name}.weight"] += scale * module.lora_B["default"].weight @ module.lora_A["default"].weight
        torch.testing.assert_close(one_pass(plain).text_logits, trained, atol=1e-5, rtol=1e-5)


def test_a_checkpoint_holds_what_was_learnt_and_names_its_base(config: ModelConfig, tmp_path: Path) -> None:
    model = wake(make(config))
    manifest = save_checkpoint(model, tmp_path / "saved", "imported-1")
    with safe_open(tmp_path / "saved" / "model.safetensors", "pt") as file:
        borrowed = [key for key in file.keys() if key.startswith("language.vlm.")]  # noqa: SIM118
    assert set(borrowed) == set(adapters(model))
    assert manifest.base == {"part": "base", "sha256": "llava-0", "licence": "none"}
    loaded, _ = load_checkpoint(tmp_path / "saved")
    assert isinstance(loaded, PRSMed)
    with torch.no_grad():
        expected, found = one_pass(model), one_pass(loaded)
    assert torch.equal(found.text_logits, expected.text_logits)
    assert torch.equal(found.segmented.mask_logits, expected.segmented.mask_logits)


def test_full_tuning_saves_the_language_model_but_not_the_tower(config: ModelConfig, tmp_path: Path) -> None:
    model = make(replace(config, language=replace(config.language, tuning="full")), "qwen3")
    with torch.no_grad():
        for name, weight in model.language.named_parameters():
            if weight.requires_grad and "norm" not in name:
                weight += 0.01 * torch.randn_like(weight)
    save_checkpoint(model, tmp_path / "saved", "imported-1")
    loaded, _ = load_checkpoint(tmp_path / "saved")
    with torch.no_grad():
        assert torch.equal(one_pass(loaded).text_logits, one_pass(model).text_logits)
    with safe_open(tmp_path / "saved" / "model.safetensors", "pt") as file:
        assert not any("visual" in key for key in file.keys())  # noqa: SIM118


def test_another_base_is_refused(config: ModelConfig, tmp_path: Path) -> None:
    save_checkpoint(make(config), tmp_path / "saved", "imported-1")
    make_part("llava", "base", seed=1)
    with pytest.raises(PRSMedError, match=r"'base' with sha256 llava-0.*has llava-1") as caught:
        load_checkpoint(tmp_path / "saved")
    assert caught.value.code == "other_base"


def test_a_base_that_is_not_here_is_named(config: ModelConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_checkpoint(make(config), tmp_path / "saved", "imported-1")
    monkeypatch.setenv("PRSMED_PARTS", str(tmp_path / "elsewhere"))
    with pytest.raises(PRSMedError, match="'base' is not among the imported parts") as caught:
        load_checkpoint(tmp_path / "saved")
    assert caught.value.code == "part_not_found"


def test_a_base_name_that_is_a_path_is_refused(config: ModelConfig, tmp_path: Path) -> None:
    save_checkpoint(make(config), tmp_path / "saved", "imported-1")
    manifest = tmp_path / "saved" / "manifest.json"
    values = json.loads(manifest.read_text())
    values["config"]["language"]["part"] = "../parts/base"
    manifest.write_text(json.dumps(values))
    with pytest.raises(PRSMedError, match="cannot name a part"):
        load_checkpoint(tmp_path / "saved")


def test_words_only_draws_nothing_and_says_so(config: ModelConfig) -> None:
    model = make(replace(config, encoder=None, decoder=None, presence_from="mask", presence_threshold=0.5))
    output = one_pass(model)
    assert output.segmented.mask_logits.shape == (2, 1, SIDE, SIDE)
    assert not model.mask_of(output.segmented).any()
    assert (output.segmented.presence_logits.sigmoid() < 1e-6).all()
    assert {name.split(".")[0] for name, _ in model.named_parameters()} == {"language"}


def test_the_end_is_learnt_and_stops_the_answer(config: ModelConfig) -> None:
    """A toy run: two questions, two answers; what comes out are these answers and not a word more."""
    full = replace(config.language, tuning="full")
    model = make(replace(config, language=full, max_answer_tokens=40)).train()
    optimizer = torch.optim.AdamW([weight for weight in model.parameters() if weight.requires_grad], lr=5e-3)
    answers = model.language.encode_answers(ANSWERS)
    for _ in range(60):
        logits = one_pass(model).text_logits
        loss = nn.functional.cross_entropy(logits[answers.is_real], answers.ids[answers.is_real])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    pixels: Tensor = torch.rand(2, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        seen = model.see(pixels)
        prompt = model.read(seen, model.language.encode_questions(QUESTIONS))
        speech = model.speak(seen.features, prompt, None)
        assert len(list(speech)) < 40
    assert speech.texts == list(ANSWERS)
