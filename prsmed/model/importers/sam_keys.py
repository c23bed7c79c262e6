"""Names of SAM's parts in the original repository, in transformers, and here."""

from __future__ import annotations

import re

_ENCODER = (
    (re.compile(r"^blocks\."), "layers."),
    (re.compile(r"\.norm(\d)\."), r".layer_norm\1."),
    (re.compile(r"^patch_embed\.proj\."), "patch_embed.projection."),
    (re.compile(r"^neck\.0\."), "neck.conv1."),
    (re.compile(r"^neck\.1\."), "neck.layer_norm1."),
    (re.compile(r"^neck\.2\."), "neck.conv2."),
    (re.compile(r"^neck\.3\."), "neck.layer_norm2."),
)
_ADAPTER = re.compile(r"\.Adapter\.")
_MLP = re.compile(r"\.mlp\.")

_DECODER = (
    (re.compile(r"^output_upscaling\.0\."), "upscale_conv1."),
    (re.compile(r"^output_upscaling\.1\."), "upscale_layer_norm."),
    (re.compile(r"^output_upscaling\.3\."), "upscale_conv2."),
    (re.compile(r"\.norm(\d)\."), r".layer_norm\1."),
    (re.compile(r"\.norm_final_attn\."), ".layer_norm_final_attn."),
)
_FEED_FORWARD = re.compile(r"^(iou_prediction_head|output_hypernetworks_mlps\.\d+)\.layers\.([012])\.")
_FEED_FORWARD_NAMES = ("proj_in", "layers.0", "proj_out")

_PROMPTS = {
    "prompt_encoder.no_mask_embed.weight": "no_mask",
    "prompt_encoder.pe_layer.positional_encoding_gaussian_matrix": "positions",
}


def encoder_key(key: str, has_adapters: bool) -> str:
    """A key of the original ``image_encoder.``, without that, as :class:`~prsmed.model.sam_vit.SamViT` names it.

    Where layers have adapters, the feed-forward block and its adapter stand side by side in the block's place.
    """
    for pattern, name in _ENCODER:
        key = pattern.sub(name, key)
    if has_adapters:
        key = _ADAPTER.sub(".mlp.adapter.", _MLP.sub(".mlp.mlp.", key))
    return f"vit.{key}"


def decoder_key(key: str) -> str | None:
    """A key of an original SAM under :class:`~prsmed.model.sam_decoder.SamDecoder`'s name; ``None`` if it has none."""
    if key in _PROMPTS:
        return _PROMPTS[key]
    place, _, key = key.partition(".")
    if place != "mask_decoder":
        return None
    found = _FEED_FORWARD.match(key)
    if found:
        key = f"{found[1]}.{_FEED_FORWARD_NAMES[int(found[2])]}.{key[found.end() :]}"
    for pattern, name in _DECODER:
        key = pattern.sub(name, key)
    return f"sam.{key}"


# transformers' SamModel to the original names, for folders in its layout.
_FROM_HF = (
    (re.compile(r"^vision_encoder\.layers\."), "image_encoder.blocks."),
    (re.compile(r"^vision_encoder\."), "image_encoder."),
    (
        re.compile(r"^(image_encoder\.blocks\.\d+|mask_decoder\.transformer\.layers\.\d+)\.layer_norm(\d)\."),
        r"\1.norm\2.",
    ),
    (re.compile(r"\.patch_embed\.projection\."), ".patch_embed.proj."),
    (re.compile(r"\.neck\.conv1\."), ".neck.0."),
    (re.compile(r"\.neck\.layer_norm1\."), ".neck.1."),
    (re.compile(r"\.neck\.conv2\."), ".neck.2."),
    (re.compile(r"\.neck\.layer_norm2\."), ".neck.3."),
    (re.compile(r"^mask_decoder\.upscale_conv1\."), "mask_decoder.output_upscaling.0."),
    (re.compile(r"^mask_decoder\.upscale_layer_norm\."), "mask_decoder.output_upscaling.1."),
    (re.compile(r"^mask_decoder\.upscale_conv2\."), "mask_decoder.output_upscaling.3."),
    (re.compile(r"\.layer_norm_final_attn\."), ".norm_final_attn."),
    (
        re.compile(r"^(mask_decoder\.(?:iou_prediction_head|output_hypernetworks_mlps\.\d+))\.layers\.0\."),
        r"\1.layers.1.",
    ),
    (
        re.compile(r"^(mask_decoder\.(?:iou_prediction_head|output_hypernetworks_mlps\.\d+))\.proj_in\."),
        r"\1.layers.0.",
    ),
    (
        re.compile(r"^(mask_decoder\.(?:iou_prediction_head|output_hypernetworks_mlps\.\d+))\.proj_out\."),
        r"\1.layers.2.",
    ),
    (re.compile(r"^prompt_encoder\.point_embed\."), "prompt_encoder.point_embeddings."),
    (re.compile(r"^prompt_encoder\.mask_embed\.conv1\."), "prompt_encoder.mask_downscaling.0."),
    (re.compile(r"^prompt_encoder\.mask_embed\.layer_norm1\."), "prompt_encoder.mask_downscaling.1."),
    (re.compile(r"^prompt_encoder\.mask_embed\.conv2\."), "prompt_encoder.mask_downscaling.3."),
    (re.compile(r"^prompt_encoder\.mask_embed\.layer_norm2\."), "prompt_encoder.mask_downscaling.4."),
    (re.compile(r"^prompt_encoder\.mask_embed\.conv3\."), "prompt_encoder.mask_downscaling.6."),
    (
        re.compile(r"^(?:shared_image_embedding|prompt_encoder\.shared_embedding)\.positional_embedding$"),
        "prompt_encoder.pe_layer.positional_encoding_gaussian_matrix",
    ),
)


def original_key(key: str) -> str:
    """A key of transformers' ``SamModel`` under its original name."""
    for pattern, name in _FROM_HF:
        key = pattern.sub(name, key)
    return key
