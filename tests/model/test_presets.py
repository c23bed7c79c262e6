"""Every preset is instantiated: nano as it is, those on imported parts with tiny parts of the same kinds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from sam_files import MEDSAM, SAM_MED2D, TINYSAM, encoder_file, rest_of_file
from tiny_vlms import make_part
from transformers import PreTrainedTokenizerFast

from prsmed.errors import PRSMedError
from prsmed.model.build import build_model
from prsmed.model.config import (
    ModelConfig,
    PretrainedLanguageConfig,
    SamViTConfig,
    TinyLanguageConfig,
    TinyViTConfig,
)
from prsmed.model.importers.encoders import import_medsam, import_sam_med2d, import_tinysam
from prsmed.model.outputs import Output
from prsmed.model.presets import PRESETS, find_preset
from prsmed.model.prsmed import PRSMed
from prsmed.model.start import start_preset

MEGABYTE = 1e6
FAMILIES = {"llava-med": "llava", "llava-1.5": "llava", "llava-1.6": "llava_next", "qwen3-vl-4b": "qwen3"}
IMPORTERS = {
    "tinysam": (import_tinysam, TINYSAM),
    "medsam": (import_medsam, MEDSAM),
    "sam-med2d": (import_sam_med2d, SAM_MED2D),
}


@pytest.fixture(autouse=True)
def _parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRSMED_PARTS", str(tmp_path / "parts"))


def shrink(config: ModelConfig, folder: Path) -> ModelConfig:
    """The same kinds of parts, tiny, imported under the names the preset gives them."""
    assert isinstance(config.language, PretrainedLanguageConfig)
    make_part(FAMILIES[config.language.part], config.language.part)
    encoder: TinyViTConfig | SamViTConfig | None = None
    if config.encoder is not None:
        importer, small = IMPORTERS[config.encoder.part]
        torch.save({**encoder_file(small), **rest_of_file()}, folder / "sam.pth")
        importer(folder / "sam.pth", config=small)
        encoder = replace(small, part=config.encoder.part, frozen=config.encoder.frozen)
    return replace(config, image_size=64, encoder=encoder, max_answer_tokens=2)


def make(name: str, folder: Path, tokenizer: PreTrainedTokenizerFast) -> PRSMed:
    config = find_preset(name)
    torch.manual_seed(0)
    if isinstance(config.language, TinyLanguageConfig):
        return build_model(replace(config, max_answer_tokens=2), tokenizer).eval()
    return start_preset(shrink(config, folder)).eval()


def learn(model: PRSMed, side: int) -> Output:
    """One pass over two images, the first of which is pointed at by models that point."""
    language = model.language
    answers = ["it is here [SEG]", "it is not"] if language.seg is not None else ["it is here", "it is not"]
    nothing, rows = torch.zeros(2, 1, side, side, dtype=torch.bool), torch.zeros(2, dtype=torch.bool)
    encoded = language.encode_questions(["where is it?"] * 2), language.encode_answers(answers)
    output: Output = model(torch.rand(2, 3, side, side), *encoded, nothing, rows)
    return output


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_answers_a_question(name: str, tmp_path: Path, tiny_tokenizer: PreTrainedTokenizerFast) -> None:
    model = make(name, tmp_path, tiny_tokenizer)
    side = model.config.image_size
    with torch.inference_mode():
        seen = model.see(torch.rand(1, 3, side, side))
        prompt = model.read(seen, model.language.encode_questions(["where is it?"]))
        segmented, speech = model.draw(seen, prompt, side)
        mask = model.mask_of(segmented)
        texts = model.answer(seen.features, prompt, mask) if speech is None else speech.texts
    assert segmented.mask_logits.shape == (1, 1, side, side)
    assert segmented.mask_logits.isfinite().all()
    assert len(texts) == 1


@pytest.mark.parametrize("name", [name for name in PRESETS if name != "text-frozen"])
def test_every_preset_learns_what_it_is_to_learn(
    name: str, tmp_path: Path, tiny_tokenizer: PreTrainedTokenizerFast
) -> None:
    model = make(name, tmp_path, tiny_tokenizer).train()
    output = learn(model, model.config.image_size)
    segmented = output.segmented
    spoken = output.text_logits[output.text_logits.isfinite()]
    (
        segmented.mask_logits.square().mean() + segmented.presence_logits.square().mean() + spoken.square().mean()
    ).backward()
    learnt = {parameter.split(".")[0] for parameter, weight in model.named_parameters() if weight.grad is not None}
    expected = {"language", *(["encoder"] if model.encoder is not None and not model.encoder.frozen else [])}
    expected |= {part for part in ("decoder", "presence", "mask_tokens", "visual_tokens") if getattr(model, part)}
    assert learnt == expected
    frozen = [weight for weight in model.parameters() if not weight.requires_grad]
    assert all(weight.grad is None for weight in frozen)


def test_nano_is_at_most_32_megabytes(tiny_tokenizer: PreTrainedTokenizerFast) -> None:
    with torch.device("meta"):
        model = build_model(find_preset("nano"), tiny_tokenizer)
    stored = sum(tensor.numel() * tensor.element_size() for tensor in model.state_dict().values())
    assert 4 * MEGABYTE < stored <= 32 * MEGABYTE


@pytest.mark.parametrize("name", PRESETS)
def test_a_configuration_survives_json(name: str) -> None:
    assert ModelConfig.from_json(find_preset(name).to_json()) == find_preset(name)


def test_a_configuration_of_before_there_were_kinds_is_nanos() -> None:
    values = find_preset("nano").to_json()
    for part in ("encoder", "language", "decoder"):
        del values[part]["kind"]
    assert ModelConfig.from_json(values) == find_preset("nano")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"encoder": None}, "encoder and decoder come together"),
        ({"condition_on": "answer"}, "answer_from 'mask' needs the mask first"),
    ],
)
def test_parts_that_do_not_go_together_are_refused(changes: dict[str, object], says: str) -> None:
    with pytest.raises(PRSMedError, match=says) as caught:
        replace(find_preset("nano"), **changes)
    assert caught.value.code == "bad_model"


def test_a_part_of_unknown_kind_is_refused() -> None:
    values = find_preset("nano").to_json()
    values["decoder"]["kind"] = "magic"
    with pytest.raises(PRSMedError, match="decoder is of kind 'magic'; known are fusion, reference, sam"):
        ModelConfig.from_json(values)


def test_an_unknown_preset_is_refused_with_the_known_ones() -> None:
    with pytest.raises(PRSMedError, match="nano") as caught:
        find_preset("nanno")
    assert caught.value.code == "unknown_preset"
