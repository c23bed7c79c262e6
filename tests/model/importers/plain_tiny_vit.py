"""TinySAM's image encoder as plain functions over its original names: written from the published layout, for parity."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor
from torch.nn.functional import batch_norm, conv2d, gelu, layer_norm, linear, pad

Weights = dict[str, Tensor]


def encode(
    weights: Weights, image: Tensor, heads: tuple[int, ...], windows: tuple[int, ...], depths: tuple[int, ...]
) -> Tensor:
    """``image`` ``(B, 3, S, S)``, normalised, to the neck's output."""
    x = conv_bn(weights, "patch_embed.seq.0", image, stride=2)
    x = conv_bn(weights, "patch_embed.seq.2", gelu(x), stride=2)
    for block in range(depths[0]):
        name = f"layers.0.blocks.{block}"
        y = gelu(conv_bn(weights, f"{name}.conv1", x))
        y = gelu(conv_bn(weights, f"{name}.conv2", y, groups=y.shape[1]))
        x = gelu(x + conv_bn(weights, f"{name}.conv3", y))
    for layer in (1, 2, 3):
        x = merge(weights, f"layers.{layer - 1}.downsample", x, stride=1 if layer == 3 else 2)
        for block in range(depths[layer]):
            x = transform(weights, f"layers.{layer}.blocks.{block}", x, heads[layer], windows[layer])
    x = norm2d(weights, "neck.1", conv2d(x, weights["neck.0.weight"]))
    return norm2d(weights, "neck.3", conv2d(x, weights["neck.2.weight"], padding=1))


def conv_bn(weights: Weights, name: str, x: Tensor, stride: int = 1, groups: int = 1) -> Tensor:
    kernel = weights[f"{name}.c.weight"]
    x = conv2d(x, kernel, stride=stride, padding=kernel.shape[-1] // 2, groups=groups)
    statistics = (weights[f"{name}.bn.{of}"] for of in ("running_mean", "running_var", "weight", "bias"))
    return batch_norm(x, *statistics)


def merge(weights: Weights, name: str, x: Tensor, stride: int) -> Tensor:
    x = gelu(conv_bn(weights, f"{name}.conv1", x))
    x = gelu(conv_bn(weights, f"{name}.conv2", x, stride=stride, groups=x.shape[1]))
    return conv_bn(weights, f"{name}.conv3", x)


def transform(weights: Weights, name: str, x: Tensor, heads: int, window: int) -> Tensor:
    x = x + attend(weights, f"{name}.attn", x, heads, window)
    x = conv_bn(weights, f"{name}.local_conv", x, groups=x.shape[1])
    tokens = x.permute(0, 2, 3, 1)
    hidden = norm(weights, f"{name}.mlp.norm", tokens)
    hidden = linear(gelu(full(weights, f"{name}.mlp.fc1", hidden)), weights[f"{name}.mlp.fc2.weight"])
    return x + (hidden + weights[f"{name}.mlp.fc2.bias"]).permute(0, 3, 1, 2)


def attend(weights: Weights, name: str, x: Tensor, heads: int, window: int) -> Tensor:
    """Each window apart, pixel by pixel pairs with a bias by distance; padding below and at the right."""
    rows, cols = x.shape[2:]
    x = pad(x.permute(0, 2, 3, 1), (0, 0, 0, -cols % window, 0, -rows % window))
    out = torch.zeros_like(x)
    bias = weights[f"{name}.attention_biases"][:, distances(window)]
    for top, left in itertools.product(range(0, x.shape[1], window), range(0, x.shape[2], window)):
        part = x[:, top : top + window, left : left + window].flatten(1, 2)
        mixed = full(weights, f"{name}.qkv", norm(weights, f"{name}.norm", part))
        q, k, v = mixed.unflatten(-1, (heads, 3, -1)).permute(3, 0, 2, 1, 4)
        scores = q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5 + bias
        seen = (scores.softmax(dim=-1) @ v).transpose(1, 2).flatten(2)
        out[:, top : top + window, left : left + window] = full(weights, f"{name}.proj", seen).unflatten(
            1, (window, window)
        )
    return out[:, :rows, :cols].permute(0, 3, 1, 2)


def distances(window: int) -> Tensor:
    """Number of the distance between any two cells of a window, in the order the distances are first met."""
    cells = list(itertools.product(range(window), range(window)))
    numbers: dict[tuple[int, int], int] = {}
    for one, other in itertools.product(cells, cells):
        numbers.setdefault((abs(one[0] - other[0]), abs(one[1] - other[1])), len(numbers))
    return torch.tensor([[numbers[abs(a - c), abs(b - d)] for c, d in cells] for a, b in cells])


def full(weights: Weights, name: str, x: Tensor) -> Tensor:
    return linear(x, weights[f"{name}.weight"], weights[f"{name}.bias"])


def norm(weights: Weights, name: str, x: Tensor) -> Tensor:
    return layer_norm(x, x.shape[-1:], weights[f"{name}.weight"], weights[f"{name}.bias"])


def norm2d(weights: Weights, name: str, x: Tensor) -> Tensor:
    mean, variance = x.mean(dim=1, keepdim=True), x.var(dim=1, keepdim=True, unbiased=False)
    scale, shift = (weights[f"{name}.{of}"].view(-1, 1, 1) for of in ("weight", "bias"))
    return (x - mean) / (variance + 1e-6).sqrt() * scale + shift
