"""Pixels of a DICOM object: decoded, in colour as RGB, rescaled, dark and bright the way they are shown."""

from __future__ import annotations

from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from prsmed.errors import PRSMedError

try:
    from pydicom.pixels import apply_color_lut, convert_color_space
except ImportError:  # pydicom 2
    from pydicom.pixel_data_handlers.util import apply_color_lut, convert_color_space

# From version 3 on, pydicom decodes YBR to RGB by itself.
_DECODES_TO_RGB = hasattr(Dataset, "pixel_array_options")


def decode_frames(dataset: Dataset, name: str) -> NDArray[np.generic]:
    """Stored values ``(frames, rows, cols)``, or ``(frames, rows, cols, 3)`` uint8 RGB.

    Args:
        dataset: The object, with pixel data.
        name: The file's name, for error messages.

    Raises:
        PRSMedError: ``dicom_compressed`` when no decoder is installed for the transfer syntax,
            ``unreadable_image`` when the pixel data is missing, damaged or truncated.
    """
    try:
        pixels = dataset.pixel_array
        if dataset.PhotometricInterpretation == "PALETTE COLOR":
            pixels = apply_color_lut(pixels, dataset)
        elif not _DECODES_TO_RGB and dataset.PhotometricInterpretation in {"YBR_FULL", "YBR_FULL_422"}:
            pixels = convert_color_space(pixels, dataset.PhotometricInterpretation, "RGB")
    except Exception as error:  # pydicom's decoders raise what they like
        raise _explain(dataset, name) from error
    frame_axes = 3 if is_color(dataset) else 2
    if pixels.ndim == frame_axes:
        pixels = pixels[None]
    if is_color(dataset) and pixels.dtype != np.uint8:
        pixels = (pixels >> 8).astype(np.uint8)
    return np.asarray(pixels)


def is_color(dataset: Dataset) -> bool:
    """Whether the pixels are colours rather than measurements."""
    return int(dataset.get("SamplesPerPixel", 1)) == 3 or dataset.PhotometricInterpretation == "PALETTE COLOR"


def rescale(stored: NDArray[np.generic], dataset: Dataset, slope: float, intercept: float) -> NDArray[np.generic]:
    """Stored values to output units (Hounsfield units for CT); ``MONOCHROME1`` inverted: more is brighter."""
    if is_color(dataset):
        return stored
    if dataset.PhotometricInterpretation == "MONOCHROME1":
        stored = _inversion_sum(dataset) - stored.astype(np.int32)
    if slope == 1 and intercept == 0:
        return stored
    if float(slope).is_integer() and float(intercept).is_integer() and stored.dtype.kind in "iu":
        return stored.astype(np.int32) * int(slope) + int(intercept)
    return (stored.astype(np.float64) * slope + intercept).astype(np.float32)


def read_window(dataset: Dataset, source: Any, slope: float, intercept: float) -> tuple[float, float] | None:
    """The first window of ``source`` (the object, or one of its functional groups) as ``(center, width)``."""
    center, width = (_first(source.get(tag)) for tag in ("WindowCenter", "WindowWidth"))
    if center is None or width is None or not np.isfinite(center) or not width > 0:
        return None
    if dataset.PhotometricInterpretation == "MONOCHROME1":
        center = slope * _inversion_sum(dataset) + 2 * intercept - center
    return center, width


def _first(value: Any) -> float | None:
    if value is None or value == "":
        return None
    is_several = isinstance(value, (list, tuple, pydicom.multival.MultiValue))
    return float(value[0]) if is_several else float(value)


def _inversion_sum(dataset: Dataset) -> int:
    """Smallest plus largest value that can be stored; inverting takes a value from it."""
    bits = int(dataset.BitsStored)
    return -1 if int(dataset.PixelRepresentation) == 1 else 2**bits - 1


def _explain(dataset: Dataset, name: str) -> PRSMedError:
    syntax = dataset.file_meta.get("TransferSyntaxUID", None)
    if syntax is not None and syntax.is_compressed and "PixelData" in dataset:
        return PRSMedError(
            "dicom_compressed",
            f"{name} is compressed as {syntax.name}, which cannot be decoded here; "
            "pip install python-gdcm, or decompress the series with gdcmconv --raw or dcmdjpeg",
        )
    return PRSMedError(
        "unreadable_image", f"{name} has missing, damaged or truncated pixel data; copy or export it again"
    )
