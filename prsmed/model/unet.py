"""U-Nets of MONAI: the baselines every mask is compared with. They cannot read the question."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from monai.networks.nets import AttentionUnet, DynUNet, UNet
from torch import Tensor, nn

Network = Literal["residual", "attention", "dynamic"]


@dataclass(frozen=True)
class UNetConfig:
    """A U-Net of about nano's size.

    Attributes:
        name: Of the preset.
        image_size: Side of the square it is asked at.
        channels: Of each stage; every stage but the first halves the grid.
        region_confidence: Which of the regions are shown, as for the other models.
        network: ``"residual"`` is MONAI's U-Net, ``"attention"`` its Attention U-Net (Oktay et al. 2018), ``"dynamic"``
            its DynUNet, the network of nnU-Net (Isensee et al. 2021), with instance norm.
        standardize: Bring each image to mean 0 and deviation 1, as nnU-Net prepares what is not CT, instead of
            scaling it to -1..1.
    """

    name: str = "unet"
    image_size: int = 256
    channels: tuple[int, ...] = (24, 48, 96, 192, 384)
    region_confidence: float = 0.95
    network: Network = "residual"
    standardize: bool = False


BASELINES = {
    baseline.name: baseline
    for baseline in (
        UNetConfig(),
        UNetConfig("attention-unet", channels=(20, 40, 80, 160, 320), network="attention"),
        UNetConfig("dyn-unet", channels=(16, 32, 64, 128, 208, 208), network="dynamic", standardize=True),
    )
}
"""By the name of their preset."""


class BaselineUNet(nn.Module):
    """Images ``(B, 3, S, S)`` in 0..1 to mask logits ``(B, 1, S, S)``."""

    def __init__(self, config: UNetConfig) -> None:
        super().__init__()
        self.config = config
        self.net = _build(config.network, config.channels)

    def forward(self, pixels: Tensor) -> Tensor:
        """Mask logits."""
        logits: Tensor = self.net(_standardized(pixels) if self.config.standardize else pixels * 2 - 1)
        return logits


def _build(network: Network, channels: tuple[int, ...]) -> nn.Module:
    strides, kernels = (2,) * (len(channels) - 1), (3,) * len(channels)
    net: nn.Module
    if network == "attention":
        net = AttentionUnet(2, 3, 1, channels, strides)
    elif network == "dynamic":
        net = DynUNet(2, 3, 1, kernels, (1, *strides), strides, filters=channels, norm_name="instance")
    else:
        net = UNet(2, 3, 1, channels, strides, num_res_units=2, norm="batch")
    return net


def _standardized(pixels: Tensor) -> Tensor:
    """Over all pixels and colours of an image; one of a single grey becomes 0."""
    mean = pixels.mean(dim=(1, 2, 3), keepdim=True)
    deviation = pixels.std(dim=(1, 2, 3), keepdim=True)
    return (pixels - mean) / deviation.clamp_min(1e-6)
