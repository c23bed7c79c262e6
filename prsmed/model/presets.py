"""The named members of the model family."""

from __future__ import annotations

from prsmed.errors import PRSMedError
from prsmed.model.config import FusionConfig, TinyViTConfig, TinyLanguageConfig, ModelConfig

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

PRESETS = {preset.name: preset for preset in (NANO,)}


def find_preset(name: str) -> ModelConfig:
    """The preset called ``name``.

    Raises:
        PRSMedError: ``unknown_preset``, listing those there are.
    """
    if name not in PRESETS:
        raise PRSMedError("unknown_preset", f"there is no preset {name!r}; choose one of {', '.join(PRESETS)}")
    return PRESETS[name]
