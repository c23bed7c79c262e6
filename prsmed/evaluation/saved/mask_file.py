"""Masks as other systems write them: pictures, arrays, volumes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from prsmed.data import Record
from prsmed.errors import PRSMedError
from prsmed.imaging import extract, native_plane, read_volume, slice_count

_VOLUMES = (".nii", ".nii.gz", ".nrrd")
_GRAY_MODES = ("1", "L", "I;16", "I")


def read_probability(folder: Path, name: str, record: Record, shape: tuple[int, int]) -> NDArray[np.float32]:
    """Read what a system drew.

    A grey PNG (0 and 1, or 0 to 255, or 0 to 65535 with 16 bits) and a ``.npy`` array (bool, or 0 to 1) are of the
    image's own size. A NIfTI or NRRD volume lies on the grid of the record's volume, of which the slice asked about is
    taken; for a picture it has one slice.

    Args:
        folder: Masks lie in it or below.
        name: The path in the table.
        record: The image asked about.
        shape: ``(rows, cols)`` of the image as asked about.

    Returns:
        ``(rows, cols)`` probability in 0..1.

    Raises:
        PRSMedError: ``bad_prediction`` naming file, rule and cure.
    """
    path = _inside(folder, name)
    try:
        values = _read(path, record)
    except PRSMedError as error:
        raise _bad(name, f"cannot be used: {error}") from error
    except (OSError, ValueError, SyntaxError, EOFError) as error:
        raise _bad(name, f"cannot be read ({type(error).__name__}); write it again") from error
    if values.shape != shape:
        raise _bad(name, f"has {values.shape} pixels, its image {shape}; write it at the size of the image")
    if not np.isfinite(values).all() or values.min() < 0 or values.max() > 1:
        raise _bad(name, f"holds values from {values.min()} to {values.max()}; give probabilities within 0..1")
    return values


def _inside(folder: Path, name: str) -> Path:
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise _bad(name, "leads out of the folder; copy it into the folder and name it from there")
    if not path.is_file():
        raise _bad(name, "is not in the folder; leave the cell empty to say that nothing is there")
    return path


def _read(path: Path, record: Record) -> NDArray[np.float32]:
    name = path.name.lower()
    if name.endswith(_VOLUMES):
        return _slice_of(path, record)
    if name.endswith(".npy"):
        return _to_float(np.load(path, allow_pickle=False))
    if name.endswith(".png"):
        return _picture(path)
    raise PRSMedError("unknown_format", f"no known ending; use .png, .npy, {', '.join(_VOLUMES)}")


def _picture(path: Path) -> NDArray[np.float32]:
    with Image.open(path) as picture:
        if picture.mode not in _GRAY_MODES:
            raise PRSMedError("not_grey", f"it is a picture of mode {picture.mode}; save one grey channel")
        values = np.asarray(picture)
    if values.dtype == np.bool_ or values.max() <= 1:
        return _to_float(values)
    return values.astype(np.float32) / (255 if values.dtype == np.uint8 else 65535)


def _slice_of(path: Path, record: Record) -> NDArray[np.float32]:
    volume = read_volume(path)
    plane = record.plane or native_plane(volume)
    if record.slice is None and slice_count(volume, plane) != 1:
        raise PRSMedError(
            "not_2d", f"it has {slice_count(volume, plane)} slices, and a picture was asked about; give one"
        )
    return _to_float(extract(volume, plane, record.slice or 0).pixels)


def _to_float(values: NDArray[Any]) -> NDArray[np.float32]:
    return np.asarray(values, dtype=np.float32)


def _bad(name: str, what: str) -> PRSMedError:
    return PRSMedError("bad_prediction", f"mask {name} {what}")
