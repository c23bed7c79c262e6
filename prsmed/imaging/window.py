"""Raw values to what a screen shows: window centre and width, by number, by name, or from the values."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from prsmed.errors import PRSMedError
from prsmed.imaging.plane import ImageSlice
from prsmed.imaging.volume import SOFT_TISSUE, robust_window

Window = tuple[float, float]

# (center, width) in Hounsfield units, as radiology departments commonly set them.
PRESETS: dict[str, Window] = {
    "soft tissue": SOFT_TISSUE,
    "lung": (-600.0, 1500.0),
    "mediastinum": (50.0, 350.0),
    "bone": (400.0, 1800.0),
    "brain": (40.0, 80.0),
    "stroke": (35.0, 35.0),
    "liver": (60.0, 160.0),
    "angio": (300.0, 600.0),
}
AUTO = "auto"


def to_display(image_slice: ImageSlice, window: Window | str | None = None) -> NDArray[np.uint8]:
    """Turn a slice into a picture.

    Args:
        image_slice: The slice; colour passes through unchanged.
        window: ``(center, width)``, a name of :data:`PRESETS`, ``"auto"`` (0.5th to 99.5th percentile of the
            slice), or ``None`` for the volume's own default (see ``Volume.default_window``).

    Returns:
        ``(rows, cols, 3)`` uint8. Values up to ``center - width / 2`` are 0, from ``center + width / 2`` on
        255; NaN is 0.

    Raises:
        PRSMedError: ``bad_window``.
    """
    center_width = resolve_window(image_slice, window)
    if center_width is None:
        return np.ascontiguousarray(image_slice.pixels, dtype=np.uint8)
    center, width = center_width
    values = image_slice.pixels.astype(np.float32)
    scaled = (values - np.float32(center - width / 2)) * np.float32(255.0 / width)
    gray = np.nan_to_num(np.clip(np.rint(scaled), 0, 255), nan=0.0).astype(np.uint8)
    return np.repeat(gray[:, :, None], 3, axis=2)


def resolve_window(image_slice: ImageSlice, window: Window | str | None = None) -> Window | None:
    """The ``(center, width)`` that :func:`to_display` uses for a slice; ``None`` for colour.

    Raises:
        PRSMedError: ``bad_window`` for an unknown name or numbers that make no window, also on colour.
    """
    if window is None:
        chosen = image_slice.window
    elif isinstance(window, str):
        chosen = _named(image_slice, window)
    else:
        chosen = _explicit(window)
    return None if image_slice.pixels.ndim == 3 else chosen


def _named(image_slice: ImageSlice, name: str) -> Window:
    if name == AUTO:
        return robust_window(image_slice.pixels)
    if name not in PRESETS:
        known = ", ".join([AUTO, *PRESETS])
        raise PRSMedError("bad_window", f"window {name!r} is unknown; choose one of {known}, or give center and width")
    return PRESETS[name]


def _explicit(window: Window) -> Window:
    if len(window) != 2 or not all(math.isfinite(value) for value in window):
        raise PRSMedError("bad_window", f"window {window!r} is not two finite numbers; give center and width")
    center, width = window
    if width <= 0:
        raise PRSMedError("bad_window", f"window width {width:g} must be greater than 0; give a larger width")
    return float(center), float(width)
