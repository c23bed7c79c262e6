"""A slice as the model gets it, and the model's mask as the user gets it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from prsmed.imaging.plane import ImageSlice
from prsmed.imaging.square import SquareFit, fit_square, from_square, to_square
from prsmed.imaging.window import Window, resolve_window, to_display
from prsmed.model.config import ModelConfig
from prsmed.model.outputs import Segmented


def view(
    slices: Sequence[ImageSlice], window: Window | str | None, config: ModelConfig, device: torch.device
) -> Tensor:
    """The model's input ``(B, 3, S, S)`` in 0..1: slices windowed and fitted into its square.

    Raises:
        PRSMedError: ``bad_window``.
    """
    squares = [
        to_square(to_display(each, window), each.spacing, config.image_size, config.pad_color)[0] for each in slices
    ]
    pixels = torch.from_numpy(np.stack(squares)).to(device)
    return pixels.permute(0, 3, 1, 2).float() / 255


def key_of(image_slice: ImageSlice, window: Window | str | None) -> str:
    """The same for slices that :func:`view` shows alike, and much sooner made.

    Raises:
        PRSMedError: ``bad_window``.
    """
    pixels, shown_by = image_slice.pixels, resolve_window(image_slice, window)
    digest = hashlib.sha256(repr((pixels.shape, pixels.dtype.str, image_slice.spacing, shown_by)).encode())
    digest.update(np.ascontiguousarray(pixels).data)
    return digest.hexdigest()


def fit_of(image_slice: ImageSlice, config: ModelConfig) -> SquareFit:
    """Where a slice lies in the model's square."""
    return fit_square(image_slice.shape, image_slice.spacing, config.image_size)


def slice_masks(
    segmented: Segmented, square_masks: Tensor, slices: Sequence[ImageSlice], config: ModelConfig
) -> list[tuple[NDArray[np.uint8], NDArray[np.float32]]]:
    """Masks and their probabilities, each on the ``(rows, cols)`` of its own slice.

    The edge follows the probability on the slice's own pixels; what is shown at all is what ``square_masks``
    ``(B, 1, S, S)`` (:meth:`~prsmed.model.prsmed.PRSMed.mask_of`) kept in the model's square.
    """
    squares = segmented.mask_logits.sigmoid().squeeze(1).float().cpu().numpy()
    kept = square_masks.squeeze(1).float().cpu().numpy()
    masks = []
    for n, image_slice in enumerate(slices):
        fit = fit_of(image_slice, config)
        probability = from_square(squares[n], fit)
        mask = (probability >= config.mask_threshold) & (from_square(kept[n], fit) > 0)
        masks.append((mask.astype(np.uint8), probability))
    return masks
