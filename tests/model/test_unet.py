from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from prsmed.model.checkpoint import load_checkpoint, save_checkpoint
from prsmed.model.unet import BASELINES, BaselineUNet, UNetConfig

each = pytest.mark.parametrize("config", BASELINES.values(), ids=BASELINES)


def small(config: UNetConfig) -> BaselineUNet:
    torch.manual_seed(0)
    return BaselineUNet(replace(config, channels=(4, 8, 8))).eval()


@each
def test_it_draws_on_the_grid_of_the_image_and_comes_back_from_disk(config: UNetConfig, tmp_path: Path) -> None:
    model, pixels = small(config), torch.rand(2, 3, 32, 32)
    save_checkpoint(model, tmp_path, "baseline-1")
    loaded, manifest = load_checkpoint(tmp_path)
    assert manifest.config["name"] == config.name
    assert model(pixels).shape == (2, 1, 32, 32)
    torch.testing.assert_close(loaded(pixels), model(pixels), rtol=0, atol=0)


@each
def test_each_is_of_about_nanos_size(config: UNetConfig) -> None:
    count = sum(parameter.numel() for parameter in BaselineUNet(config).parameters())
    assert 3.0e6 < count < 4.9e6


def test_standardized_images_are_the_same_at_any_contrast() -> None:
    model, pixels = small(BASELINES["dyn-unet"]), torch.rand(2, 3, 32, 32)
    torch.testing.assert_close(model(0.3 * pixels + 0.2), model(pixels), rtol=1e-3, atol=1e-4)
    assert model(torch.full((1, 3, 32, 32), 0.5)).isfinite().all()


def test_another_image_of_the_batch_changes_nothing() -> None:
    model, pixels = small(BASELINES["dyn-unet"]), torch.rand(2, 3, 32, 32)
    torch.testing.assert_close(model(pixels)[:1], model(pixels[:1]), rtol=1e-4, atol=1e-5)
