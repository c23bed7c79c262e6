from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from prsmed.model.build import build_encoder
from prsmed.model.config import SamViTConfig, TinyViTConfig
from prsmed.model.sam_adapter import MlpWithAdapter
from prsmed.model.sam_vit import SamViT

SMALL = SamViTConfig(
    image_size=64, hidden_size=16, num_layers=2, num_heads=2, window_size=3, global_attention=(1,), neck_dim=24
)


TINY = TinyViTConfig(
    embed_dims=(8, 16, 24, 32), depths=(1, 1, 1, 1), num_heads=(1, 2, 2, 2), window_sizes=(4,) * 4, neck_dim=16
)


@pytest.fixture
def encoder() -> SamViT:
    torch.manual_seed(0)
    return SamViT(SMALL).eval()


@torch.no_grad()
@pytest.mark.parametrize("side", [64, 128, 32])
def test_any_square_becomes_its_own_grid(encoder: SamViT, side: int) -> None:
    features = encoder(torch.rand(2, 3, side, side))
    assert features.dense.shape == (2, 24, 4, 4)
    assert features.finer == ()


@torch.no_grad()
def test_min_max_makes_brightness_and_contrast_of_no_matter(encoder: SamViT) -> None:
    pixels = torch.rand(2, 3, 64, 64)
    torch.testing.assert_close(encoder(0.2 + 0.5 * pixels).dense, encoder(pixels).dense, atol=1e-4, rtol=1e-4)


@torch.no_grad()
def test_an_image_of_one_value_is_finite(encoder: SamViT) -> None:
    assert encoder(torch.full((1, 3, 64, 64), 0.7)).dense.isfinite().all()


@torch.no_grad()
def test_images_do_not_share_their_range(encoder: SamViT) -> None:
    dark, bright = 0.1 * torch.rand(1, 3, 64, 64), torch.rand(1, 3, 64, 64)
    torch.testing.assert_close(encoder(torch.cat([dark, bright])).dense[:1], encoder(dark).dense, atol=1e-5, rtol=1e-5)


def test_imagenet_statistics_are_sams_pixel_mean_and_deviation() -> None:
    encoder = SamViT(replace(SMALL, normalization="imagenet"))
    pixels = torch.rand(1, 3, 64, 64)
    mean, std = torch.tensor([123.675, 116.28, 103.53]), torch.tensor([58.395, 57.12, 57.375])
    expected = (255 * pixels - mean.view(3, 1, 1)) / std.view(3, 1, 1)
    torch.testing.assert_close(encoder._normalize(pixels), expected)


def test_adapters_stand_in_every_block() -> None:
    encoder = SamViT(replace(SMALL, adapters=True))
    assert all(isinstance(layer.mlp, MlpWithAdapter) for layer in encoder.vit.layers)
    encoder(torch.rand(1, 3, 64, 64)).dense.square().mean().backward()
    adapters = {name: weight for name, weight in encoder.named_parameters() if ".adapter." in name}
    assert all(weight.grad is not None and weight.grad.any() for weight in adapters.values())


@pytest.mark.parametrize("config", [SMALL, TINY])
def test_a_frozen_encoder_stays_in_evaluation_mode(config: SamViTConfig | TinyViTConfig) -> None:
    encoder = build_encoder(replace(config, frozen=True)).train()
    assert not any(module.training for module in encoder.modules())
    assert not any(weight.requires_grad for weight in encoder.parameters())


def test_imported_batch_norms_keep_their_statistics() -> None:
    for part, moves in (("", True), ("tinysam", False)):
        encoder = build_encoder(replace(TINY, part=part)).train()
        before = {key: tensor.clone() for key, tensor in encoder.state_dict().items() if "running" in key}
        encoder(torch.rand(2, 3, 64, 64))
        after = encoder.state_dict()
        assert any(not torch.equal(tensor, after[key]) for key, tensor in before.items()) == moves
