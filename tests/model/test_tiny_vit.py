from __future__ import annotations

import pytest
import torch
from torch import Tensor

from prsmed.model.config import ModelConfig, TinyViTConfig
from prsmed.model.tiny_vit import TinyViT

# TinySAM's image encoder (research prs-med.md 2.4), and the classification head inside it that nothing reads (1.2).
TINYSAM_ENCODER, TINYSAM_UNUSED_HEAD = 6_065_532, 321_640


def sam_channel_norm(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    mean = x.mean(1, keepdim=True)
    variance = ((x - mean) ** 2).mean(1, keepdim=True)
    return weight[:, None, None] * (x - mean) / (variance + 1e-6).sqrt() + bias[:, None, None]


@pytest.fixture
def encoder(tiny_config: ModelConfig) -> TinyViT:
    torch.manual_seed(0)
    return TinyViT(tiny_config.encoder).eval()


@pytest.mark.parametrize("side", [64, 128])
def test_the_grid_is_a_sixteenth_and_finer_features_run_coarse_to_fine(encoder: TinyViT, side: int) -> None:
    features = encoder(torch.rand(2, 3, side, side))
    assert features.dense.shape == (2, 16, side // 16, side // 16)
    assert [finer.shape[2:] for finer in features.finer] == [(side // stride,) * 2 for stride in (8, 4, 2)]
    assert tuple(finer.shape[1] for finer in features.finer) == encoder.finer_dims


def test_the_neck_is_sams(encoder: TinyViT) -> None:
    for norm in (encoder.neck[1], encoder.neck[3]):
        torch.nn.init.normal_(norm.weight)
        torch.nn.init.normal_(norm.bias)
    x = torch.randn(2, 32, 4, 4)
    y = sam_channel_norm(
        torch.einsum("oi,bihw->bohw", encoder.neck[0].weight[:, :, 0, 0], x), *encoder.neck[1].parameters()
    )
    y = torch.nn.functional.conv2d(y, encoder.neck[2].weight, padding=1)
    torch.testing.assert_close(
        encoder.neck(x), sam_channel_norm(y, *encoder.neck[3].parameters()), atol=1e-5, rtol=1e-5
    )


def test_pixels_are_normalised_with_imagenet_statistics(encoder: TinyViT) -> None:
    seen: list[Tensor] = []
    encoder.patch_embed.conv1.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    encoder(torch.tensor([0.485, 0.456, 0.406 + 0.225]).view(1, 3, 1, 1).expand(1, 3, 64, 64))
    torch.testing.assert_close(seen[0][0, :, 5, 7], torch.tensor([0.0, 0.0, 1.0]), atol=1e-5, rtol=0)


def test_tinysams_dimensions_give_tinysams_encoder() -> None:
    with torch.device("meta"):
        encoder = TinyViT(TinyViTConfig()).train()
        features = encoder(torch.empty(1, 3, 1024, 1024))
    assert sum(weight.numel() for weight in encoder.parameters()) == TINYSAM_ENCODER - TINYSAM_UNUSED_HEAD
    assert features.dense.shape == (1, 256, 64, 64)
    assert [tuple(finer.shape[1:]) for finer in features.finer] == [(128, 128, 128), (64, 256, 256), (32, 512, 512)]
