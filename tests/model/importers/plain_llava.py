"""LLaVA as plain functions over its authors' names: CLIP's features, two linear layers, a Llama-shaped decoder."""

from __future__ import annotations

import torch
from llava_folders import TEXT, TOWER, VISION
from plain_tiny_vit import Weights, full, norm
from torch import Tensor
from torch.nn.functional import conv2d, gelu, linear, silu


def next_token(weights: Weights, before: list[int], image: Tensor, after: list[int], theta: float) -> Tensor:
    """Logits behind ``before``, an image ``(3, S, S)`` as CLIP wants it, and ``after``."""
    embeddings = weights["model.embed_tokens.weight"]
    x = torch.cat([embeddings[before], look(weights, image[None])[0], embeddings[after]])
    places = torch.arange(len(x))
    for layer in range(TEXT["num_hidden_layers"]):
        name = f"model.layers.{layer}"
        x = x + attend(weights, f"{name}.self_attn", scale(weights, f"{name}.input_layernorm", x), places, theta)
        y = scale(weights, f"{name}.post_attention_layernorm", x)
        gate, up = (linear(y, weights[f"{name}.mlp.{part}_proj.weight"]) for part in ("gate", "up"))
        x = x + linear(silu(gate) * up, weights[f"{name}.mlp.down_proj.weight"])
    return linear(scale(weights, "model.norm", x)[-1], weights["lm_head.weight"])


def look(weights: Weights, image: Tensor) -> Tensor:
    """The second to last layer without its class token, projected."""
    patches = conv2d(image, weights[f"{TOWER}embeddings.patch_embedding.weight"], stride=VISION["patch"])
    start = weights[f"{TOWER}embeddings.class_embedding"].expand(1, 1, -1)
    x = torch.cat([start, patches.flatten(2).transpose(1, 2)], dim=1)
    x = norm(weights, f"{TOWER}pre_layrnorm", x + weights[f"{TOWER}embeddings.position_embedding.weight"])
    for layer in range(VISION["layers"] - 1):
        name = f"{TOWER}encoder.layers.{layer}"
        y = norm(weights, f"{name}.layer_norm1", x)
        q, k, v = (
            full(weights, f"{name}.self_attn.{part}_proj", y).unflatten(-1, (2, -1)).transpose(1, 2) for part in "qkv"
        )
        seen = (q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5).softmax(dim=-1) @ v
        x = x + full(weights, f"{name}.self_attn.out_proj", seen.transpose(1, 2).flatten(2))
        y = full(weights, f"{name}.mlp.fc1", norm(weights, f"{name}.layer_norm2", x))
        x = x + full(weights, f"{name}.mlp.fc2", y * torch.sigmoid(1.702 * y))
    hidden = gelu(full(weights, "model.mm_projector.0", x[:, 1:]))
    return full(weights, "model.mm_projector.2", hidden)


def attend(weights: Weights, name: str, x: Tensor, places: Tensor, theta: float) -> Tensor:
    """Grouped causal attention with rotary positions."""
    heads, groups = TEXT["num_attention_heads"], TEXT["num_key_value_heads"]
    q, k, v = (
        linear(x, weights[f"{name}.{part}_proj.weight"]).unflatten(-1, (count, -1)).transpose(0, 1)
        for part, count in (("q", heads), ("k", groups), ("v", groups))
    )
    q, k = turn(q, places, theta), turn(k, places, theta)
    out = torch.zeros_like(q)
    for head in range(heads):
        group = head * groups // heads
        scores = q[head] @ k[group].T * q.shape[-1] ** -0.5
        scores = scores.masked_fill(places[None] > places[:, None], float("-inf"))
        out[head] = scores.softmax(dim=-1) @ v[group]
    return linear(out.transpose(0, 1).flatten(1), weights[f"{name}.o_proj.weight"])


def turn(x: Tensor, places: Tensor, theta: float) -> Tensor:
    """Each pair of a channel of the first half and its fellow of the second turns as a complex number."""
    half = x.shape[-1] // 2
    angles = places[:, None] * theta ** (-torch.arange(half) / half)
    numbers = torch.complex(x[..., :half], x[..., half:]) * torch.polar(torch.ones_like(angles), angles)
    return torch.cat([numbers.real, numbers.imag], dim=-1)


def scale(weights: Weights, name: str, x: Tensor) -> Tensor:
    return x / (x.square().mean(dim=-1, keepdim=True) + TEXT["rms_norm_eps"]).sqrt() * weights[f"{name}.weight"]
