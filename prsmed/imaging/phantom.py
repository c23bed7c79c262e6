"""Studies made on the spot, each with a known lesion: for demonstrations, for tests, and to train on.

Nothing here is copied from a patient; shape, place, texture and noise all come from the random generator.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from prsmed.errors import PRSMedError
from prsmed.imaging.phantom_ct import paint_ct
from prsmed.imaging.phantom_mr import paint_mr
from prsmed.imaging.phantom_photo import paint_photo
from prsmed.imaging.plane import extract
from prsmed.imaging.volume import Volume
from prsmed.imaging.window import to_display

PhantomKind = Literal["ct", "mr", "photo"]
PHANTOM_KINDS: tuple[PhantomKind, ...] = get_args(PhantomKind)
SLICE_SIZE = 256
_LUNG_WINDOW = (-600.0, 1500.0)


def make_phantom(
    kind: PhantomKind, rng: np.random.Generator, *, lesion: bool = True
) -> tuple[Volume, NDArray[np.uint8]]:
    """Make a study.

    Args:
        kind: ``"ct"``: chest in Hounsfield units, stored left-posterior-superior as DICOM does, with a nodule
            in one lung; ``"mr"``: T1-weighted head after contrast, stored right-anterior-superior, with a
            tumour; ``"photo"``: colour photograph of skin with a dark lesion.
        rng: Where all chance comes from.
        lesion: ``False`` leaves the lesion out; the mask is then empty.

    Returns:
        The image and the lesion's mask ``(I, J, K)``, 1 inside.

    Raises:
        PRSMedError: ``unknown_phantom``.
    """
    if kind == "ct":
        size = int(rng.integers(136, 157))
        spacing = (380.0 / size, 380.0 / size, float(rng.uniform(4, 6)))
        grid, values, mask = paint_ct((size, size, int(rng.integers(24, 33))), spacing, rng, lesion)
        return Volume(np.rint(values).astype(np.int16), grid.affine, "CT", _LUNG_WINDOW), mask
    if kind == "mr":
        size = int(rng.integers(136, 157))
        spacing = (232.0 / size, 232.0 / size, float(rng.uniform(4.5, 6)))
        grid, values, mask = paint_mr((size, size, int(rng.integers(24, 31))), spacing, rng, lesion)
        affine = grid.affine
        # Store it the NIfTI way: i to the right, j to the front.
        last = np.array([size - 1, size - 1, 0, 1.0])
        affine[:, 3] = affine @ last
        affine[:3, :2] *= -1
        voxels = np.ascontiguousarray(np.rint(values).astype(np.int16)[::-1, ::-1])
        return Volume(voxels, affine, "MR"), np.ascontiguousarray(mask[::-1, ::-1])
    if kind == "photo":
        picture, mask = paint_photo(SLICE_SIZE, rng, lesion)
        affine = np.diag((-1.0, -1.0, 1.0, 1.0))
        voxels = np.ascontiguousarray(picture.transpose(1, 0, 2)[:, :, None])
        return Volume(voxels, affine, "XC", has_patient_space=False), mask.T[:, :, None].copy()
    raise PRSMedError("unknown_phantom", f"phantom {kind!r} is unknown; choose one of {', '.join(PHANTOM_KINDS)}")


def phantom_slice(
    kind: PhantomKind, rng: np.random.Generator, *, lesion: bool = True
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Make one slice as a screen shows it: the middle of a lesion, in finer pixels than :func:`make_phantom`.

    Args:
        kind: As in :func:`make_phantom`.
        rng: Where all chance comes from.
        lesion: ``False`` leaves the lesion out; the mask is then empty.

    Returns:
        The picture ``(256, 256, 3)`` and the lesion's mask ``(256, 256)``, 1 inside.
    """
    if kind == "photo":
        return paint_photo(SLICE_SIZE, rng, lesion)
    field_mm = float(rng.uniform(330, 420) if kind == "ct" else rng.uniform(200, 260))
    pixel = field_mm / SLICE_SIZE
    paint = paint_ct if kind == "ct" else paint_mr
    grid, values, mask = paint((SLICE_SIZE, SLICE_SIZE, 1), (pixel, pixel, 5.0), rng, lesion)
    window = (rng.uniform(-650, -500), rng.uniform(1300, 1700)) if kind == "ct" else None
    volume = Volume(values, grid.affine, "CT" if kind == "ct" else "MR")
    return to_display(extract(volume, "axial", 0), window), np.ascontiguousarray(mask[:, :, 0].T)
