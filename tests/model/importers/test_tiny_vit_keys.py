from __future__ import annotations

from pathlib import Path

import pytest
import torch
from plain_tiny_vit import encode
from sam_files import TINYSAM, encoder_file, rest_of_file

from prsmed.model.config import TinyViTConfig
from prsmed.model.importers.encoders import import_tinysam, load_encoder_part
from prsmed.model.importers.tiny_vit_keys import to_original, to_timm
from prsmed.model.tiny_vit import TinyViT

SMALL = TinyViTConfig(
    embed_dims=(8, 16, 24, 32), depths=(1, 2, 2, 1), num_heads=(1, 2, 2, 4), window_sizes=(3, 3, 4, 3), neck_dim=16
)


def test_names_there_and_back_are_the_same() -> None:
    with torch.device("meta"):
        keys = list(TinyViT(TinyViTConfig()).state_dict())
    assert [to_timm(to_original(key)) for key in keys] == keys
    assert len({to_original(key) for key in keys}) == len(keys) == 302 - 4  # without norm_head and head


def test_names_are_those_of_the_published_file() -> None:
    pairs = {
        "patch_embed.seq.2.bn.running_var": "patch_embed.conv2.bn.running_var",
        "layers.0.blocks.1.conv3.c.weight": "stages.0.blocks.1.conv3.conv.weight",
        "layers.1.downsample.conv2.bn.bias": "stages.2.downsample.conv2.bn.bias",
        "layers.3.blocks.0.local_conv.c.weight": "stages.3.blocks.0.local_conv.conv.weight",
        "layers.2.blocks.5.attn.attention_biases": "stages.2.blocks.5.attn.attention_biases",
        "neck.3.weight": "neck.3.weight",
    }
    assert {key: to_timm(key) for key in pairs} == pairs


@torch.no_grad()
def test_renamed_weights_encode_as_the_original_does() -> None:
    torch.manual_seed(0)
    encoder = TinyViT(SMALL).eval()
    state = encoder.state_dict()
    for key, tensor in state.items():
        if tensor.is_floating_point():
            tensor.copy_(torch.rand_like(tensor) + 0.5 if key.endswith("var") else 0.3 * torch.randn_like(tensor))
    encoder.train().eval()  # the cached attention biases are those of the new weights
    original = {to_original(key): tensor for key, tensor in state.items()}
    pixels = torch.rand(2, 3, 96, 96)
    expected = encode(
        original, (pixels - encoder.mean) / encoder.std, SMALL.num_heads, SMALL.window_sizes, SMALL.depths
    )
    torch.testing.assert_close(encoder(pixels).dense, expected, atol=1e-4, rtol=1e-4)


@torch.no_grad()
def test_an_encoder_in_use_takes_the_new_attention_biases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRSMED_PARTS", str(tmp_path / "parts"))
    torch.save({**encoder_file(TINYSAM), **rest_of_file()}, tmp_path / "weights.pth")
    part = import_tinysam(tmp_path / "weights.pth", config=TINYSAM)
    used, fresh = TinyViT(TINYSAM).eval(), TinyViT(TINYSAM).eval()
    assert part.facts["parameters"] == sum(weight.numel() for weight in used.parameters()), "statistics are none"
    pixels = torch.rand(1, 3, 64, 64)
    used(pixels)
    for encoder in (used, fresh):
        load_encoder_part(encoder, "tinysam")
    assert torch.equal(used(pixels).dense, fresh(pixels).dense)
