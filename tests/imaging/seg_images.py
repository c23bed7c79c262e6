"""Images to segment: an oblique series, a radiograph; and labels on them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from pydicom.dataset import Dataset
from pydicom.uid import ComputedRadiographyImageStorage, generate_uid

from prsmed.imaging import Volume, read_volume
from prsmed.imaging.dicom_seg import Algorithm
from prsmed.imaging.dicom_source import read_headers

MODEL = Algorithm("prsmed", "nano-1", "AUTOMATIC")
NAMES = {"tumour": 1, "Ödem": 2}


def series_image(series: Any) -> tuple[Volume, list[Dataset]]:
    """The `series` fixture's, written and read."""
    for slice_ in series.slices:
        slice_["SOPInstanceUID"] = generate_uid()
    folder = series.write()
    return read_volume(folder), read_headers(folder)


def radiograph_image(write_dicom: Callable[..., Path]) -> tuple[Volume, list[Dataset]]:
    """One without a position, written by the `write_dicom` fixture."""
    pixels = np.random.default_rng(1).integers(0, 4000, (9, 5)).astype(np.uint16)
    tags = {"Modality": "CR", "SOPClassUID": ComputedRadiographyImageStorage, "SOPInstanceUID": generate_uid()}
    path = write_dicom("cr.dcm", pixels, **tags, ImagerPixelSpacing=[0.2, 0.3])
    dataset = pydicom.dcmread(path)
    del dataset.FrameOfReferenceUID
    dataset.save_as(path)
    return read_volume(path), read_headers(path)


def some_labels(volume: Volume, seed: int = 0) -> np.ndarray:
    """Labels on a few slices only."""
    labels = np.random.default_rng(seed).integers(0, 3, volume.shape).astype(np.uint8)
    labels[:, :, volume.shape[2] // 2 + 1 :] = 0
    labels[0, 0, 0] = 2
    return labels
