"""Tiny SAM files under their original names: the shapes of ours, other random numbers."""

from __future__ import annotations

import re

import torch
from torch import Tensor

from prsmed.model.build import build_encoder
from prsmed.model.config import EncoderConfig, SamDecoderConfig, SamViTConfig, TinyViTConfig
from prsmed.model.importers.sam_keys import decoder_key, encoder_key
from prsmed.model.importers.tiny_vit_keys import to_original
from prsmed.model.sam_decoder import SamDecoder

TINYSAM = TinyViTConfig(
    embed_dims=(8, 16, 24, 32), depths=(1, 1, 1, 1), num_heads=(1, 2, 2, 2), window_sizes=(4,) * 4, neck_dim=32
)
MEDSAM = SamViTConfig(
    image_size=96, hidden_size=16, num_layers=3, num_heads=2, window_size=4, global_attention=(1,), neck_dim=32
)
SAM_MED2D = SamViTConfig(
    image_size=64,
    hidden_size=16,
    num_layers=2,
    num_heads=2,
    window_size=3,
    global_attention=(1,),
    neck_dim=32,
    adapters=True,
    normalization="imagenet",
)
_TO_ORIGINAL = (
    (r"^vit\.", ""),
    (r"^layers\.", "blocks."),
    (r"layer_norm(\d)\.", r"norm\1."),
    (r"patch_embed\.projection", "patch_embed.proj"),
    (r"neck\.conv1", "neck.0"),
    (r"neck\.norm1", "neck.1"),
    (r"neck\.conv2", "neck.2"),
    (r"neck\.norm2", "neck.3"),
    (r"\.mlp\.mlp\.", ".mlp."),
    (r"\.mlp\.adapter\.", ".Adapter."),
)


def encoder_file(config: EncoderConfig, seed: int = 0) -> dict[str, Tensor]:
    """``image_encoder.*`` of a family."""
    state = noise(build_encoder(config).state_dict(), seed)
    if isinstance(config, TinyViTConfig):
        named = {to_original(key): tensor for key, tensor in state.items()}
        named |= {"head.weight": torch.zeros(5, 32), "head.bias": torch.zeros(5), "norm_head.weight": torch.ones(32)}
    else:
        named = {_rename(key): tensor for key, tensor in state.items()}
        assert {encoder_key(key, config.adapters) for key in named} == state.keys()
    return {f"image_encoder.{key}": tensor for key, tensor in named.items()}


def rest_of_file(dim: int = 32, seed: int = 1) -> dict[str, Tensor]:
    """``mask_decoder.*`` and ``prompt_encoder.*``, what no encoder needs among them."""
    torch.manual_seed(seed)
    decoder = SamDecoder(SamDecoderConfig(), image_dim=dim, prompt_dim=8)
    names: dict[str, Tensor] = {
        "prompt_encoder.no_mask_embed.weight": torch.randn(1, dim),
        "prompt_encoder.pe_layer.positional_encoding_gaussian_matrix": torch.randn(2, dim // 2),
        "prompt_encoder.point_embeddings.0.weight": torch.randn(1, dim),
    }
    for key, tensor in noise(decoder.sam.state_dict(), seed).items():
        original = _decoder_name(key)
        assert decoder_key(original) == f"sam.{key}"
        names[original] = tensor
    return names


def noise(state: dict[str, Tensor], seed: int) -> dict[str, Tensor]:
    """Other numbers of the same shapes; variances stay positive."""
    torch.manual_seed(seed)
    return {
        key: torch.rand_like(tensor) + 0.5
        if key.endswith("var")
        else 0.3 * torch.randn_like(tensor)
        if tensor.is_floating_point()
        else tensor
        for key, tensor in state.items()
    }


def _rename(key: str) -> str:
    for pattern, name in _TO_ORIGINAL:
        key = re.sub(pattern, name, key)
    return key


def _decoder_name(key: str) -> str:
    key = re.sub(r"^(iou_prediction_head|output_hypernetworks_mlps\.\d+)\.layers\.0", r"\1.layers.1", key)
    key = key.replace(".proj_in.", ".layers.0.").replace(".proj_out.", ".layers.2.")
    for old, new in (("upscale_conv1", "0"), ("upscale_layer_norm", "1"), ("upscale_conv2", "3")):
        key = re.sub(rf"^{old}\.", f"output_upscaling.{new}.", key)
    key = key.replace("layer_norm_final_attn", "norm_final_attn")
    return "mask_decoder." + re.sub(r"layer_norm(\d)", r"norm\1", key)
