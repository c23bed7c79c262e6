"""A slice as the model gets it, and the model's mask as the user gets it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from prsmed.imaging.plane import ImageSlice
from prsmed.imaging.square import SquareFit, from_square, to_square
from prsmed.imaging.window import Window, to_display
from prsmed.model.config import ModelConfig
from prsmed.model.outputs import Segmented


@dataclass(frozen=True)
class View:
    """A windowed slice in the model's square: ``pixels`` ``(S, S, 3)`` uint8."""

    pixels: NDArray[np.uint8]
    fit: SquareFit


def view(image_slice: ImageSlice, window: Window | str | None, config: ModelConfig) -> View:
    """Window a slice and fit it into the model's square."""
    display = to_display(image_slice, window)
    return View(*to_square(display, image_slice.spacing, config.image_size, config.pad_color))


def stack_views(views: Sequence[View], device: torch.device) -> Tensor:
    """The model's input ``(B, 3, S, S)`` in 0..1."""
    pixels = torch.from_numpy(np.stack([each.pixels for each in views])).to(device)
    return pixels.permute(0, 3, 1, 2).float() / 255


def slice_masks(
    segmented: Segmented, square_masks: Tensor, views: Sequence[View], mask_threshold: float
) -> list[tuple[NDArray[np.uint8], NDArray[np.float32]]]:
    """Masks and their probabilities, each on the ``(rows, cols)`` of its own slice.

    The edge follows the probability on the slice's own pixels; what is shown at all is what ``square_masks``
    ``(B, 1, S, S)`` (:meth:`~prsmed.model.prsmed.PRSMed.mask_of`) kept in the model's square.
    """
    squares = segmented.mask_logits.sigmoid().squeeze(1).float().cpu().numpy()
    kept = square_masks.squeeze(1).float().cpu().numpy()
    masks = []
    for n, each in enumerate(views):
        probability = from_square(squares[n], each.fit)
        mask = (probability >= mask_threshold) & (from_square(kept[n], each.fit) > 0)
        masks.append((mask.astype(np.uint8), probability))
    return masks
