"""SAM's ViT and mask decoder as plain functions over their original names, for parity."""

from __future__ import annotations

import itertools

import torch
from plain_tiny_vit import Weights, full, norm2d
from torch import Tensor
from torch.nn.functional import conv2d, conv_transpose2d, gelu, layer_norm, linear, pad, relu


def encode(weights: Weights, image: Tensor, heads: int, windows: list[int]) -> Tensor:
    """``image`` ``(B, 3, S, S)``, normalised; ``windows`` has 0 for a block that looks everywhere."""
    kernel = weights["patch_embed.proj.weight"]
    x = conv2d(image, kernel, weights["patch_embed.proj.bias"], stride=kernel.shape[-1]).permute(0, 2, 3, 1)
    x = x + weights["pos_embed"]
    for number, window in enumerate(windows):
        name = f"blocks.{number}"
        x = x + windowed(weights, f"{name}.attn", norm(weights, f"{name}.norm1", x), heads, window)
        normed = norm(weights, f"{name}.norm2", x)
        mixed = full(weights, f"{name}.mlp.lin2", gelu(full(weights, f"{name}.mlp.lin1", normed)))
        x = x + mixed + (adapt(weights, f"{name}.Adapter", normed) if f"{name}.Adapter.norm.weight" in weights else 0)
    x = norm2d(weights, "neck.1", conv2d(x.permute(0, 3, 1, 2), weights["neck.0.weight"]))
    return norm2d(weights, "neck.3", conv2d(x, weights["neck.2.weight"], padding=1))


def windowed(weights: Weights, name: str, x: Tensor, heads: int, window: int) -> Tensor:
    rows, cols = x.shape[1:3]
    side = window or rows
    x = pad(x, (0, 0, 0, -cols % side, 0, -rows % side))
    out = torch.zeros_like(x)
    for top, left in itertools.product(range(0, x.shape[1], side), range(0, x.shape[2], side)):
        place = (slice(None), slice(top, top + side), slice(left, left + side))
        out[place] = attend(weights, name, x[place], heads)
    return out[:, :rows, :cols]


def attend(weights: Weights, name: str, x: Tensor, heads: int) -> Tensor:
    """Attention with relative positions along rows and columns, cell by cell."""
    side = x.shape[1]
    q, k, v = full(weights, f"{name}.qkv", x.flatten(1, 2)).unflatten(-1, (3, heads, -1)).permute(2, 0, 3, 1, 4)
    scores = q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5
    cells = list(itertools.product(range(side), range(side)))
    for one, (row, col) in enumerate(cells):
        for other, (to_row, to_col) in enumerate(cells):
            down = weights[f"{name}.rel_pos_h"][row - to_row + side - 1]
            across = weights[f"{name}.rel_pos_w"][col - to_col + side - 1]
            scores[:, :, one, other] += q[:, :, one] @ down + q[:, :, one] @ across
    seen = (scores.softmax(dim=-1) @ v).transpose(1, 2).flatten(2)
    return full(weights, f"{name}.proj", seen).unflatten(1, (side, side))


def adapt(weights: Weights, name: str, x: Tensor) -> Tensor:
    squeezed = relu(linear(x.mean(dim=(1, 2)), weights[f"{name}.channel.0.weight"]))
    gate = linear(squeezed, weights[f"{name}.channel.2.weight"]).sigmoid()
    image = x.permute(0, 3, 1, 2)
    mixed = relu(conv2d(image * gate[..., None, None], weights[f"{name}.spatial.0.weight"], stride=2, padding=1))
    mixed = relu(conv_transpose2d(mixed, weights[f"{name}.spatial.2.weight"], stride=2, padding=1))
    return norm(weights, f"{name}.norm", (image + mixed).permute(0, 2, 3, 1), eps=1e-5)


def decode(weights: Weights, dense: Tensor, prompt: Tensor, heads: int = 8) -> Tensor:
    """Single-mask logits ``(N, 1, 4h, 4w)`` from features ``(N, C, h, w)`` and one prompt token ``(N, C)`` each."""
    count, dim, rows, cols = dense.shape
    start = torch.cat([weights["mask_decoder.iou_token.weight"], weights["mask_decoder.mask_tokens.weight"]])
    tokens = torch.cat([start.expand(count, -1, -1), prompt.unsqueeze(1)], dim=1)
    place = code(weights, rows, cols).flatten(1).T
    image = (dense + weights["prompt_encoder.no_mask_embed.weight"].view(1, dim, 1, 1)).flatten(2).transpose(1, 2)
    queries, keys = tokens, image
    for layer in (0, 1):
        name = f"mask_decoder.transformer.layers.{layer}"
        if layer == 0:
            queries = look(weights, f"{name}.self_attn", queries, queries, queries, heads)
        else:
            asked = queries + tokens
            queries = queries + look(weights, f"{name}.self_attn", asked, asked, queries, heads)
        queries = norm(weights, f"{name}.norm1", queries, 1e-5)
        cross = f"{name}.cross_attn_token_to_image"
        queries = queries + look(weights, cross, queries + tokens, keys + place, keys, heads)
        queries = norm(weights, f"{name}.norm2", queries, 1e-5)
        mixed = full(weights, f"{name}.mlp.lin2", relu(full(weights, f"{name}.mlp.lin1", queries)))
        queries = norm(weights, f"{name}.norm3", queries + mixed, 1e-5)
        cross = f"{name}.cross_attn_image_to_token"
        keys = norm(
            weights, f"{name}.norm4", keys + look(weights, cross, keys + place, queries + tokens, queries, heads), 1e-5
        )
    name = "mask_decoder.transformer"
    queries = queries + look(weights, f"{name}.final_attn_token_to_image", queries + tokens, keys + place, keys, heads)
    queries = norm(weights, f"{name}.norm_final_attn", queries, 1e-5)
    name = "mask_decoder.output_upscaling"
    grid = keys.transpose(1, 2).unflatten(2, (rows, cols))
    grid = conv_transpose2d(grid, weights[f"{name}.0.weight"], weights[f"{name}.0.bias"], stride=2)
    grid = gelu(norm2d(weights, f"{name}.1", grid))
    grid = gelu(conv_transpose2d(grid, weights[f"{name}.3.weight"], weights[f"{name}.3.bias"], stride=2))
    kernel = queries[:, 1]
    for layer in range(3):
        kernel = full(weights, f"mask_decoder.output_hypernetworks_mlps.0.layers.{layer}", kernel)
        kernel = relu(kernel) if layer < 2 else kernel
    return torch.einsum("nc,nchw->nhw", kernel, grid).unsqueeze(1)


def code(weights: Weights, rows: int, cols: int) -> Tensor:
    """Fourier code ``(C, h, w)`` of the middle of every cell."""
    matrix = weights["prompt_encoder.pe_layer.positional_encoding_gaussian_matrix"]
    out = torch.zeros(2 * matrix.shape[1], rows, cols)
    for row, col in itertools.product(range(rows), range(cols)):
        x, y = 2 * (col + 0.5) / cols - 1, 2 * (row + 0.5) / rows - 1
        angle = 2 * torch.pi * (x * matrix[0] + y * matrix[1])
        out[:, row, col] = torch.cat([angle.sin(), angle.cos()])
    return out


def look(weights: Weights, name: str, q: Tensor, k: Tensor, v: Tensor, heads: int) -> Tensor:
    q, k, v = (
        full(weights, f"{name}.{part}_proj", x).unflatten(-1, (heads, -1)).transpose(1, 2)
        for part, x in (("q", q), ("k", k), ("v", v))
    )
    seen = (q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5).softmax(dim=-1) @ v
    return full(weights, f"{name}.out_proj", seen.transpose(1, 2).flatten(2))


def norm(weights: Weights, name: str, x: Tensor, eps: float = 1e-6) -> Tensor:
    return layer_norm(x, x.shape[-1:], weights[f"{name}.weight"], weights[f"{name}.bias"], eps)
