"""Images to segment: an oblique series, a radiograph; and labels on them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from conftest import Series, make_dataset
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from prsmed.imaging import Volume, read_volume
from prsmed.imaging.dicom_seg import Algorithm
from prsmed.imaging.dicom_source import read_headers

MODEL = Algorithm("prsmed", "nano-1", "AUTOMATIC")
NAMES = {"tumour": 1, "Ödem": 2}


def series_image(series: Series) -> tuple[Volume, list[Dataset]]:
    for slice_ in series.slices:
        slice_["SOPInstanceUID"] = generate_uid()
    folder = series.write()
    return read_volume(folder), read_headers(folder)


def radiograph_image(folder: Path) -> tuple[Volume, list[Dataset]]:
    pixels = np.random.default_rng(1).integers(0, 4000, (9, 5)).astype(np.uint16)
    tags = {"Modality": "CR", "SOPClassUID": "1.2.840.10008.5.1.4.1.1.1", "SOPInstanceUID": generate_uid()}
    dataset = make_dataset(pixels, **tags, ImagerPixelSpacing=[0.2, 0.3])
    del dataset.FrameOfReferenceUID
    dataset.save_as(folder / "cr.dcm")
    return read_volume(folder / "cr.dcm"), read_headers(folder / "cr.dcm")


def some_labels(volume: Volume, seed: int = 0) -> np.ndarray:
    """Labels on a few slices only."""
    labels = np.random.default_rng(seed).integers(0, 3, volume.shape).astype(np.uint8)
    labels[:, :, volume.shape[2] // 2 + 1 :] = 0
    labels[0, 0, 0] = 2
    return labels
