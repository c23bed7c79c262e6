"""MONAI's U-Net: the baseline every mask is compared with. It cannot read the question."""

from __future__ import annotations

from dataclasses import dataclass

from monai.networks.nets import UNet
from torch import Tensor, nn


@dataclass(frozen=True)
class UNetConfig:
    """A residual U-Net of about nano's size."""

    name: str = "unet"
    image_size: int = 256
    channels: tuple[int, ...] = (24, 48, 96, 192, 384)
    region_confidence: float = 0.95


class BaselineUNet(nn.Module):
    """Images ``(B, 3, S, S)`` in 0..1 to mask logits ``(B, 1, S, S)``."""

    def __init__(self, config: UNetConfig) -> None:
        super().__init__()
        self.config = config
        strides = (2,) * (len(config.channels) - 1)
        self.net = UNet(
            spatial_dims=2,
            in_channels=3,
            out_channels=1,
            channels=config.channels,
            strides=strides,
            num_res_units=2,
            norm="batch",
        )

    def forward(self, pixels: Tensor) -> Tensor:
        """Mask logits."""
        logits: Tensor = self.net(pixels * 2 - 1)
        return logits
