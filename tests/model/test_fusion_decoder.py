from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from prsmed.model.config import FusionConfig
from prsmed.model.encoder import ImageFeatures
from prsmed.model.fusion_decoder import FusionDecoder
from prsmed.model.prsmed import PRSMed

FINER_DIMS = (12, 10, 8)
SMALL = FusionConfig(dim=16, num_heads=2, up_dims=(12, 10, 8), skips=3, dropout=0.0)


def decoder(config: FusionConfig) -> FusionDecoder:
    torch.manual_seed(0)
    return FusionDecoder(config, image_dim=6, prompt_dim=5, finer_dims=FINER_DIMS).eval()


def features(grid: int = 4) -> ImageFeatures:
    torch.manual_seed(1)
    finer = tuple(torch.randn(2, dim, grid * 2**n, grid * 2**n) for n, dim in enumerate(FINER_DIMS, start=1))
    return ImageFeatures(torch.randn(2, 6, grid, grid), finer)


def prompt(length: int = 7) -> tuple[Tensor, Tensor]:
    torch.manual_seed(2)
    return torch.randn(2, length, 5), torch.zeros(2, length, dtype=torch.bool)


@torch.no_grad()
def test_the_published_decoder_upscales_sixteen_times_and_takes_no_finer_features() -> None:
    published = decoder(FusionConfig())
    drawn: list[Tensor] = []
    published.head.register_forward_hook(lambda _, __, output: drawn.append(output))
    seen = features()
    fused = published.fuse(seen, *prompt())
    masks = published.draw(fused, seen, 64)
    assert masks.shape == drawn[0].shape == (2, 1, 64, 64)
    torch.testing.assert_close(masks, drawn[0], atol=1e-6, rtol=0)
    without = ImageFeatures(seen.dense, ())
    assert torch.equal(published.draw(fused, without, 64), masks)


def test_a_model_with_the_published_decoder_runs(make_tiny: Callable[..., PRSMed]) -> None:
    model = make_tiny(decoder=FusionConfig(), condition_on="all", answer_from="prompt")
    with torch.no_grad():
        seen = model.see(torch.rand(1, 3, 64, 64))
        context = model.read(seen, model.language.encode_questions(["where?"]))
        assert model.segment(seen.features, context, 64).mask_logits.shape == (1, 1, 64, 64)


@torch.no_grad()
@pytest.mark.parametrize("skips", [0, 1, 2, 3])
def test_a_decoder_uses_exactly_the_skips_it_has(skips: int) -> None:
    net, seen = decoder(replace(SMALL, skips=skips)), features()
    fused = net.fuse(seen, *prompt())
    expected = net.draw(fused, seen, 64)
    for level in range(3):
        finer = [tensor + (torch.randn_like(tensor) if n == level else 0) for n, tensor in enumerate(seen.finer)]
        changed = net.draw(fused, ImageFeatures(seen.dense, tuple(finer)), 64)
        assert torch.equal(changed, expected) == (level >= skips)


@torch.no_grad()
def test_padding_is_not_looked_at() -> None:
    net, seen = decoder(SMALL), features()
    tokens, is_padding = prompt()
    is_padding[0, 4:] = True
    garbage = torch.where(is_padding.unsqueeze(2), 1e3, tokens)
    torch.testing.assert_close(
        net.fuse(seen, garbage, is_padding).grid, net.fuse(seen, tokens, is_padding).grid, atol=1e-6, rtol=0
    )
    short = ImageFeatures(seen.dense[:1], ())
    alone = net.fuse(short, tokens[:1, :4], is_padding[:1, :4]).grid
    torch.testing.assert_close(net.fuse(seen, tokens, is_padding).grid[:1], alone, atol=1e-6, rtol=0)
    assert not torch.allclose(net.fuse(seen, tokens, torch.zeros_like(is_padding)).grid[:1], alone, atol=1e-4)


@torch.no_grad()
def test_prompt_tokens_are_a_set_to_the_decoder() -> None:
    net, seen = decoder(SMALL), features()
    tokens, is_padding = prompt()
    expected = net.fuse(seen, tokens, is_padding).grid
    torch.testing.assert_close(net.fuse(seen, tokens.flip(1), is_padding).grid, expected, atol=1e-6, rtol=0)


@torch.no_grad()
@pytest.mark.parametrize("size", [32, 50, 128])
def test_masks_come_in_the_size_asked_for(size: int) -> None:
    net, seen = decoder(SMALL), features()
    assert net.draw(net.fuse(seen, *prompt()), seen, size).shape == (2, 1, size, size)
