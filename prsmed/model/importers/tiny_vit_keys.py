"""Names of TinySAM's image encoder, there and in timm."""

from __future__ import annotations

import re

_STEM = {"patch_embed.seq.0.": "patch_embed.conv1.", "patch_embed.seq.2.": "patch_embed.conv2."}
_LAYER = re.compile(r"layers\.(\d+)\.")
_STAGE = re.compile(r"stages\.(\d+)\.")


def to_timm(key: str) -> str:
    """A key of TinySAM's ``image_encoder.``, without that, under timm's name.

    The step down between two stages belongs to the earlier layer there, to the later stage in timm.
    """
    key = _swap(key, _STEM)
    layer = _LAYER.match(key)
    if layer:
        rest = key[layer.end() :]
        key = f"stages.{int(layer[1]) + rest.startswith('downsample.')}.{rest}"
    return key if key.startswith("neck.") else _rename_convolution(key, "c", "conv")


def to_original(key: str) -> str:
    """The inverse of :func:`to_timm`."""
    key = _swap(key, {new: old for old, new in _STEM.items()})
    stage = _STAGE.match(key)
    if stage:
        rest = key[stage.end() :]
        key = f"layers.{int(stage[1]) - rest.startswith('downsample.')}.{rest}"
    return key if key.startswith("neck.") else _rename_convolution(key, "conv", "c")


def _swap(key: str, beginnings: dict[str, str]) -> str:
    for old, new in beginnings.items():
        if key.startswith(old):
            return new + key[len(old) :]
    return key


def _rename_convolution(key: str, old: str, new: str) -> str:
    """``conv1.c.weight`` and the like: a convolution with its batch norm beside it."""
    return re.sub(rf"\.{old}\.weight$", f".{new}.weight", key)
