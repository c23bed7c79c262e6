"""Another view of an image: geometry for picture and mask, tones for the picture alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from prsmed.data.augment.geometry import flip, zoom
from prsmed.data.augment.intensity import compress, device_noise, recolor
from prsmed.data.augment.rotation import rotate, rotate_slice, small_angle
from prsmed.data.pictures import Pixels
from prsmed.data.record import Record
from prsmed.data.shown import Shown

_ROTATED, _NOISY, _COMPRESSED = 0.5, 0.5, 0.3  # shares of the images
_PHOTOGRAPHS = ("polyp_endoscopy", "skin_dermoscopy", "phantom_photo")


def change_view(shown: Shown, rng: np.random.Generator) -> Shown:
    """Cut, mirror and turn an image with its mask. The positions are left empty: measure them anew.

    A picture is cut, mirrored and turned as its modality allows. A slice of a volume is mirrored left to right only
    where its columns run across the patient, and turned a little; it is not cut, for the midline would move, nor put
    on its head, as no screen would show it so. Mirroring keeps the slice's affine: that is the mirrored patient in
    radiological display, so the side measured from the new mask is the other one, as in the picture. Turning turns
    the affine too, so the side is the one before.

    Args:
        shown: What is seen; its pixels and mask are not changed in place.
        rng: Where every choice is drawn from.
    """
    degrees = small_angle(shown.record, rng) if rng.random() < _ROTATED else 0.0
    if shown.image_slice is None:
        shown = _change_picture(shown, rng)
    elif shown.image_slice.plane != "sagittal" and rng.random() < 0.5:
        shown = mirror(shown)
    return _rotate(replace(shown, positions=()), degrees)


def mirror(shown: Shown) -> Shown:
    """Exchange left and right of a slice under the same affine, so of the patient too."""
    assert shown.image_slice is not None
    image_slice = replace(shown.image_slice, pixels=shown.image_slice.pixels[:, ::-1])
    return replace(shown, pixels=shown.pixels[:, ::-1], mask=shown.mask[:, ::-1], positions=(), image_slice=image_slice)


def change_tones(pixels: Pixels, record: Record, rng: np.random.Generator) -> Pixels:
    """Vary brightness, contrast, sharpness and noise as the image's device would; mask and words stay true.

    Args:
        pixels: ``(rows, cols)`` grey or ``(rows, cols, 3)`` colour uint8.
        record: Its modality decides the noise; photographs are sometimes compressed instead.
        rng: Where every choice is drawn from.

    Returns:
        ``(rows, cols, 3)`` uint8.
    """
    color = pixels if pixels.ndim == 3 else np.repeat(pixels[..., None], 3, axis=2)
    if record.modality in _PHOTOGRAPHS:
        color = compress(color, rng) if rng.random() < _COMPRESSED else color
    elif rng.random() < _NOISY:
        color = device_noise(color, record.modality, rng)
    return recolor(color, rng)


def _change_picture(shown: Shown, rng: np.random.Generator) -> Shown:
    pixels, mask = flip(*zoom(shown.pixels, shown.mask, shown.record, rng), shown.record, rng)
    return replace(shown, pixels=pixels, mask=mask)


def _rotate(shown: Shown, degrees: float) -> Shown:
    if not degrees:
        return shown
    image_slice = shown.image_slice
    pixels, mask = rotate(shown.pixels, shown.mask, degrees, (1.0, 1.0) if image_slice is None else image_slice.spacing)
    return replace(shown, pixels=pixels, mask=mask, image_slice=image_slice and rotate_slice(image_slice, degrees))
