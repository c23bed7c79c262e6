"""The released decoder against an implementation of its own, written from its description layer by layer."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn.functional import conv2d, interpolate, layer_norm, linear, relu

from prsmed.model.config import ReferenceConfig
from prsmed.model.encoder import ImageFeatures
from prsmed.model.reference_decoder import ReferenceDecoder

DIM, PROMPT = 32, 24


def make(pre_norm: bool) -> ReferenceDecoder:
    torch.manual_seed(0)
    decoder = ReferenceDecoder(ReferenceConfig(hidden_dim=40, pre_norm=pre_norm), image_dim=DIM, prompt_dim=PROMPT)
    for weight in decoder.parameters():
        torch.nn.init.normal_(weight, std=0.3)
    return decoder.eval()


def draw(decoder: ReferenceDecoder, dense: Tensor, prompt: Tensor, padding: Tensor | None = None) -> Tensor:
    features = ImageFeatures(dense, ())
    is_padding = torch.zeros(prompt.shape[:2], dtype=torch.bool) if padding is None else padding
    return decoder.draw(decoder.fuse(features, prompt, is_padding), features, 16 * dense.shape[-1])


def plain(weights: dict[str, Tensor], image: Tensor, prompt: Tensor) -> Tensor:
    def dense(name: str, x: Tensor) -> Tensor:
        return linear(x, weights[f"{name}.weight"], weights[f"{name}.bias"])

    def norm(name: str, x: Tensor) -> Tensor:
        return layer_norm(x, x.shape[-1:], weights[f"{name}.weight"], weights[f"{name}.bias"], 1e-5)

    def attend(name: str, q: Tensor, kv: Tensor, heads: int, out: str) -> Tensor:
        projections = zip(
            weights[f"{name}_weight"].chunk(3), weights[f"{name}_bias"].chunk(3), (q, kv, kv), strict=True
        )
        q, k, v = (linear(x, w, b).unflatten(-1, (heads, -1)).transpose(1, 2) for w, b, x in projections)
        scores = (q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5).softmax(dim=-1)
        return dense(out, (scores @ v).transpose(1, 2).flatten(2))

    def convolve(name: str, x: Tensor, padding: int) -> Tensor:
        return conv2d(x, weights[f"{name}.weight"], weights[f"{name}.bias"], padding=padding)

    def instance_norm(name: str, x: Tensor) -> Tensor:
        mean, var = x.mean(dim=(2, 3), keepdim=True), x.var(dim=(2, 3), keepdim=True, unbiased=False)
        scale, shift = (weights[f"{name}.{of}"].view(-1, 1, 1) for of in ("weight", "bias"))
        return (x - mean) / (var + 1e-5).sqrt() * scale + shift

    keys = relu(norm("prompt_projection.1", dense("prompt_projection.0", prompt)))
    keys = relu(norm("prompt_projection.4", dense("prompt_projection.3", keys)))
    tokens = image.flatten(2).transpose(1, 2)
    if "image_norm.weight" in weights:
        tokens, keys = norm("image_norm", tokens), norm("prompt_norm", keys)
    x = attend("attn.in_proj", tokens, keys, 8, "attn.out_proj")
    x = norm("norm1", x + tokens if "image_norm.weight" in weights else x)
    x = norm(
        "encoder_layer.norm1",
        x + attend("encoder_layer.self_attn.in_proj", x, x, 16, "encoder_layer.self_attn.out_proj"),
    )
    x = norm("encoder_layer.norm2", x + dense("encoder_layer.linear2", relu(dense("encoder_layer.linear1", x))))
    x = relu(dense("ffn.fc1", x)) + x
    x = norm("ffn.norm", relu(dense("ffn.fc2", x)))
    x = x.transpose(1, 2).reshape(image.shape) + image
    for block in ("mask_generation.0", "mask_generation.1", "mask_generation.2"):
        x = relu(instance_norm(f"{block}.bn1", convolve(f"{block}.conv1", x, 1))) + x
        x = convolve(f"{block}.conv3", instance_norm(f"{block}.bn2", convolve(f"{block}.conv2", x, 1)), 0)
    return interpolate(convolve("out_dec", x, 0), scale_factor=16, mode="bilinear", align_corners=True)


@torch.no_grad()
@pytest.mark.parametrize("pre_norm", [False, True], ids=["v6", "v5"])
@pytest.mark.parametrize("side", [4, 7])
def test_it_draws_what_the_description_says(pre_norm: bool, side: int) -> None:
    decoder = make(pre_norm)
    image, prompt = torch.randn(2, DIM, side, side), torch.randn(2, 9, PROMPT)
    expected = plain(decoder.state_dict(), image, prompt)
    assert (draw(decoder, image, prompt) - expected).abs().max() < 1e-5 * max(1.0, expected.abs().max().item())


@pytest.mark.parametrize(("pre_norm", "count"), [(False, 5_365_441), (True, 5_366_465)])
def test_it_has_the_parameters_of_the_released_code(pre_norm: bool, count: int) -> None:
    with torch.device("meta"):
        decoder = ReferenceDecoder(ReferenceConfig(pre_norm=pre_norm), image_dim=256, prompt_dim=4096)
    assert sum(parameter.numel() for parameter in decoder.parameters()) == count
    keys = decoder.state_dict().keys()
    assert ("image_norm.weight" in keys) == ("prompt_norm.bias" in keys) == pre_norm
    assert {"ffn.norm1.weight", "mask_generation.2.bn2.weight", "encoder_layer.linear1.bias", "out_dec.bias"} <= keys


@torch.no_grad()
@pytest.mark.parametrize("pre_norm", [False, True])
def test_padding_is_not_looked_at(pre_norm: bool) -> None:
    decoder, image, prompt = make(pre_norm), torch.randn(1, DIM, 4, 4), torch.randn(1, 6, PROMPT)
    padding = torch.tensor([[False] * 4 + [True] * 2])
    torch.testing.assert_close(draw(decoder, image, prompt, padding), draw(decoder, image, prompt[:, :4]))
