"""Names of the LLaVA family's weights in its authors' code and in transformers."""

from __future__ import annotations

import re

_TOWER = re.compile(r"^(?:model\.vision_tower\.vision_tower\.)?vision_model\.")
_RENAMED = (
    (re.compile(r"^model\.(layers\.|embed_tokens\.|norm\.)"), r"model.language_model.\1"),
    (re.compile(r"^model\.mm_projector\.0\."), "model.multi_modal_projector.linear_1."),
    (re.compile(r"^model\.mm_projector\.2\."), "model.multi_modal_projector.linear_2."),
    (_TOWER, "model.vision_tower."),
)
# Computed anew from the configuration, never learnt.
_COMPUTED = re.compile(r"(rotary_emb\.inv_freq|embeddings\.position_ids)$")
GROWN = ("model.language_model.embed_tokens.weight", "lm_head.weight")
"""Weights with a row a token: they get one more for the image, filled up to a multiple of 64."""


def from_llava(key: str) -> str | None:
    """A key of the original layout under transformers' name; ``None`` for what is computed, not learnt."""
    if _COMPUTED.search(key):
        return None
    for pattern, name in _RENAMED:
        if pattern.match(key):
            return pattern.sub(name, key)
    return key


def from_clip(key: str) -> str | None:
    """A key of a CLIP folder as the tower has it; ``None`` for CLIP's own text side and projections."""
    if _COMPUTED.search(key) or key.startswith(
        ("text_model.", "text_projection.", "visual_projection.", "logit_scale")
    ):
        return None
    return "model.vision_tower." + _TOWER.sub("", key)


def is_tower(key: str) -> bool:
    """Whether a key under transformers' name belongs to the vision tower."""
    return key.startswith("model.vision_tower.")
