"""The named members of the model family (docs/weights.md has a table)."""

from __future__ import annotations

from dataclasses import replace

from prsmed.errors import PRSMedError
from prsmed.model.config import (
    FusionConfig,
    ModelConfig,
    PretrainedLanguageConfig,
    ReferenceConfig,
    SamDecoderConfig,
    SamViTConfig,
    TinyLanguageConfig,
    TinyViTConfig,
)

NANO = ModelConfig(
    name="nano",
    image_size=256,
    encoder=TinyViTConfig(
        embed_dims=(32, 64, 128, 192),
        depths=(1, 2, 4, 2),
        num_heads=(1, 2, 4, 6),
        window_sizes=(8, 8, 8, 8),
        neck_dim=128,
    ),
    language=TinyLanguageConfig(visual_grid=4),
    decoder=FusionConfig(dim=128, num_heads=4, up_dims=(64, 48, 24), skips=2, coarse_head=True, dropout=0.0),
    # 20 % of the width calls nearly every brain and skin lesion "center"; 10 % says more.
    radius=0.1,
    condition_on="text",
    answer_from="mask",
    region_confidence=0.95,
)

_TINYSAM = TinyViTConfig(part="tinysam")
_MEDSAM = SamViTConfig(part="medsam")
_SAM_MED2D = SamViTConfig(part="sam-med2d", image_size=256, adapters=True, normalization="imagenet")
_LLAVA_MED = PretrainedLanguageConfig(part="llava-med")

# SAM and the LLaVA family both fill up with their mean colour; rounded, it is the same but for one step of green.
PRS_MED = ModelConfig(
    name="prs-med",
    image_size=1024,
    encoder=_TINYSAM,
    language=_LLAVA_MED,
    decoder=FusionConfig(),
    pad_color=(122, 116, 104),
    max_answer_tokens=128,
    history_turns=4,
)


def _with_encoder(name: str, encoder: TinyViTConfig | SamViTConfig, frozen: bool) -> ModelConfig:
    ending = "-frozen" if frozen else ""
    return replace(PRS_MED, name=f"{name}{ending}", encoder=replace(encoder, frozen=frozen))


def _with_language(name: str, language: PretrainedLanguageConfig) -> ModelConfig:
    return replace(PRS_MED, name=name, language=language)


def _words_only(name: str, language: PretrainedLanguageConfig) -> ModelConfig:
    return replace(PRS_MED, name=name, encoder=None, decoder=None, presence_from="mask", language=language)


def _reference(name: str, *, pre_norm: bool, dropout: float) -> ModelConfig:
    language = replace(_LLAVA_MED, lora_dropout=dropout)
    decoder = ReferenceConfig(pre_norm=pre_norm)
    # The authors teach single questions and no presence.
    return replace(PRS_MED, name=name, language=language, decoder=decoder, presence_from="mask", history_turns=0)


# Answers in the style of MedSeg-R, whose recipe is not public: a [SEG] a target, LoRA as PRS-Med's.
MEDSEG_R = replace(
    PRS_MED,
    name="medseg-r",
    encoder=replace(_MEDSAM, frozen=True),
    decoder=SamDecoderConfig(part="medsam"),
    condition_on="seg",
)

PRESETS = {
    preset.name: preset
    for preset in (
        NANO,
        PRS_MED,
        _with_encoder("prs-med", _TINYSAM, frozen=True),
        _with_encoder("prs-med-medsam", _MEDSAM, frozen=False),
        _with_encoder("prs-med-medsam", _MEDSAM, frozen=True),
        _with_encoder("prs-med-sam-med2d", _SAM_MED2D, frozen=False),
        _with_encoder("prs-med-sam-med2d", _SAM_MED2D, frozen=True),
        _reference("prs-med-reference", pre_norm=False, dropout=0.05),
        _reference("prs-med-reference-v5", pre_norm=True, dropout=0.1),
        _with_language("llava-1.5", PretrainedLanguageConfig(part="llava-1.5")),
        _with_language("llava-1.6", PretrainedLanguageConfig(part="llava-1.6")),
        _words_only("text-frozen", replace(_LLAVA_MED, tuning="frozen")),
        _words_only("text-lora", _LLAVA_MED),
        MEDSEG_R,
        _with_language("open", PretrainedLanguageConfig(part="qwen3-vl-4b", prompt="chat")),
    )
}


def find_preset(name: str, bits: int = 16) -> ModelConfig:
    """The preset called ``name``, its imported language model in 16, 8 or 4 bits.

    Raises:
        PRSMedError: ``unknown_preset``, listing those there are; ``bad_bits`` for other bits, and for presets
            without an imported language model.
    """
    if name not in PRESETS:
        raise PRSMedError("unknown_preset", f"there is no preset {name!r}; choose one of {', '.join(PRESETS)}")
    preset = PRESETS[name]
    if bits == 16:
        return preset
    if bits not in (8, 4) or not isinstance(preset.language, PretrainedLanguageConfig):
        raise PRSMedError("bad_bits", f"{name} in {bits} bits: 8 and 4 are for presets with an imported language model")
    return replace(preset, language=replace(preset.language, bits=8 if bits == 8 else 4))
