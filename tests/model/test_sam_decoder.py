from __future__ import annotations

import pytest
import torch

from prsmed.errors import PRSMedError
from prsmed.model.config import SamDecoderConfig
from prsmed.model.encoder import ImageFeatures
from prsmed.model.sam_decoder import SamDecoder, load_sam


@pytest.fixture
def decoder() -> SamDecoder:
    torch.manual_seed(0)
    return SamDecoder(SamDecoderConfig(), image_dim=32, prompt_dim=8).eval()


def masks(decoder: SamDecoder, dense: torch.Tensor, prompt: torch.Tensor, size: int = 40) -> torch.Tensor:
    features = ImageFeatures(dense, ())
    fused = decoder.fuse(features, prompt, torch.zeros(prompt.shape[:2], dtype=torch.bool))
    return decoder.draw(fused, features, size)


@torch.no_grad()
@pytest.mark.parametrize("grid", [(4, 4), (8, 8), (3, 5)])
def test_any_grid_is_drawn_at_any_size(decoder: SamDecoder, grid: tuple[int, int]) -> None:
    assert masks(decoder, torch.randn(3, 32, *grid), torch.randn(3, 1, 8)).shape == (3, 1, 40, 40)


@torch.no_grad()
def test_each_mask_is_of_its_own_vector_and_image(decoder: SamDecoder) -> None:
    dense, prompt = torch.randn(2, 32, 4, 4), torch.randn(2, 1, 8)
    together = masks(decoder, dense, prompt)
    for row in range(2):
        torch.testing.assert_close(masks(decoder, dense[[row]], prompt[[row]]), together[[row]], atol=1e-5, rtol=1e-4)
    moved = masks(decoder, dense[[0]], prompt[[1]])
    assert (moved - together[[0]]).abs().max() > 1e-4


def test_every_weight_of_a_single_mask_learns(decoder: SamDecoder) -> None:
    masks(decoder, torch.randn(1, 32, 4, 4), torch.randn(1, 1, 8)).square().mean().backward()
    idle = {name.split(".")[1] for name, weight in decoder.named_parameters() if weight.grad is None}
    assert idle <= {"iou_prediction_head", "output_hypernetworks_mlps"}, "scores and the three other masks of SAM"


def test_weights_of_another_shape_are_named(decoder: SamDecoder) -> None:
    with pytest.raises(PRSMedError, match=r"1 unexpected keys: sam\.iou_token\.other") as caught:
        load_sam(decoder, {"mask_decoder.iou_token.other": torch.zeros(1)})
    assert caught.value.code == "bad_weights"
