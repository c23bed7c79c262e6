from __future__ import annotations

import torch
from torch import nn

from prsmed.model.visual_tokens import SharedVisualTokens


def tokens_of(dense: torch.Tensor, grid: int = 4) -> torch.Tensor:
    torch.manual_seed(0)
    with torch.no_grad():
        return SharedVisualTokens(nn.Linear(6, 32), 6, 32, grid).eval()(dense)


def test_tokens_run_row_by_row() -> None:
    dense = torch.randn(1, 6, 8, 8)
    changed = dense.clone()
    changed[..., 2:4, 6:8] += torch.randn(6, 1, 1)  # cell (1, 3) of 4 x 4
    moved = (tokens_of(dense) - tokens_of(changed)).abs().amax(dim=2)[0] > 1e-4
    assert moved.nonzero().flatten().tolist() == [1 * 4 + 3]


def test_every_place_of_a_blank_image_has_its_own_token() -> None:
    tokens = tokens_of(torch.zeros(1, 6, 16, 16))[0]
    distances = torch.cdist(tokens, tokens) + torch.eye(len(tokens))
    assert tokens.shape == (16, 32)
    assert distances.min() > 1e-2


def test_the_projector_stays_the_language_models() -> None:
    module = SharedVisualTokens(nn.Linear(6, 32), 6, 32, 4)
    assert set(module.state_dict()) == {"norm_in.weight", "norm_in.bias", "norm_out.weight", "norm_out.bias"}
