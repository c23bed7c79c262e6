"""Connected regions of many masks at once, on the device they are on.

scipy labels one mask at a time on the CPU, which a training step on a GPU would wait for. On a CPU scipy is the faster;
both ways give the same regions.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from prsmed.position.confidence import confident_regions
from prsmed.position.zones import MIN_SHARE, regions

_JUMPS = 8
HOST = "cpu"
"""The kind of device where scipy labels."""


def confident(mask: Tensor, probability: Tensor, share: float) -> Tensor:
    """:func:`~prsmed.position.confidence.confident_regions` of each row.

    Args:
        mask: ``(N, 1, S, S)`` bool.
        probability: ``(N, 1, S, S)``, 0..1.
        share: A region stays when its mean probability is at least this share of its row's highest.
    """
    if not mask.numel() or share <= 0:
        return mask
    if mask.device.type == HOST:
        rows = zip(mask[:, 0].numpy(), probability[:, 0].float().numpy(), strict=True)
        return torch.from_numpy(np.stack([confident_regions(*row, share) for row in rows])).unsqueeze(1)
    labels = label(mask).flatten(1)
    sizes = _per_label(labels, torch.ones_like(labels, dtype=torch.float64))
    sums = _per_label(labels, probability.flatten(1).double())  # exact in any order: float32 of at least a half
    means = torch.where(sizes > 0, sums / sizes.clamp(min=1), 0.0)
    kept = (means >= share * means.amax(dim=1, keepdim=True)) & (sizes > 0)
    return kept.gather(1, labels).view_as(mask)


def largest(mask: Tensor, count: int) -> Tensor:
    """The first ``count`` of :func:`~prsmed.position.zones.regions` of each row.

    Args:
        mask: ``(N, 1, S, S)``; every pixel above 0 counts.
        count: How many regions, R.

    Returns:
        ``(N, R, S, S)`` float32 of 0 and 1, largest first; empty where there are fewer.
    """
    if mask.device.type == HOST:
        parts = np.zeros((mask.shape[0], count, *mask.shape[2:]), dtype=np.float32)
        for row, pixels in enumerate(mask[:, 0].numpy()):
            for n, region in enumerate(regions(pixels)[:count]):
                parts[row, n] = region
        return torch.from_numpy(parts)
    if not mask.numel():
        return mask.new_zeros(mask.shape[0], count, *mask.shape[2:], dtype=torch.float32)
    labels = label(mask > 0).flatten(1)
    sizes = _per_label(labels, torch.ones_like(labels))
    # Of two as large the one that begins first, which has the higher label.
    order = sizes * sizes.shape[1] + torch.arange(sizes.shape[1], device=sizes.device)
    chosen = torch.where(sizes > 0, order, 0).topk(count, dim=1).indices  # (N, R)
    areas = sizes.gather(1, chosen)
    is_kept = (areas > 0) & (areas.double() >= MIN_SHARE * areas[:, :1].double())
    parts_of = (labels.unsqueeze(1) == chosen.unsqueeze(2)) & is_kept.unsqueeze(2)
    return parts_of.view(-1, count, *mask.shape[2:]).float()


def label(mask: Tensor) -> Tensor:
    """Number the regions of each mask; pixels touching at a corner are connected.

    Every pixel begins as a region of its own. In each round a region joins the highest one it touches and all take over
    the number of the region they are in by now, so that rounds grow with the logarithm of a region's length.

    Args:
        mask: ``(N, 1, S, S)`` bool.

    Returns:
        ``(N, 1, S, S)`` int64: 0 outside; inside ``S * S`` less the flat index of the region's first pixel.
    """
    pixels = mask[0].numel()
    first = torch.arange(pixels, 0, -1, device=mask.device).view(mask.shape[1:])
    labels = torch.where(mask, first, 0)
    numbers = torch.arange(pixels + 1, device=mask.device).expand(mask.shape[0], -1)
    while True:
        # float32 holds every number up to 2**24: 4096 x 4096 pixels.
        highest = nn.functional.max_pool2d(labels.float(), 3, stride=1, padding=1).long()
        joined = numbers.scatter_reduce(1, labels.flatten(1), torch.where(mask, highest, 0).flatten(1), "amax")
        for _ in range(_JUMPS):
            joined = joined.gather(1, joined)
        merged = joined.gather(1, labels.flatten(1)).view_as(labels)
        if torch.equal(merged, labels):
            return labels
        labels = merged


def _per_label(labels: Tensor, values: Tensor) -> Tensor:
    """Sums ``(N, S * S + 1)`` of ``values`` ``(N, S * S)`` over the pixels of each label; 0 for the outside."""
    sums = values.new_zeros(labels.shape[0], labels.shape[1] + 1).scatter_add_(1, labels, values)
    sums[:, 0] = 0
    return sums
