"""Makers of DICOM files, written tag by tag and knowing nothing of the reader."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import FileDataset, FileMetaDataset, validate_file_meta
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

PATIENT = "SECRET^NAME"


def make_dataset(pixels: np.ndarray | None, syntax: str = ExplicitVRLittleEndian, **tags: Any) -> FileDataset:
    """A DICOM object with ``pixels`` ``(rows, cols)``, ``(frames, rows, cols)`` or ``(rows, cols, 3)``."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
    meta.MediaStorageSOPInstanceUID = generate_uid()
    meta.TransferSyntaxUID = syntax
    validate_file_meta(meta)
    dataset = FileDataset(None, {}, preamble=b"\0" * 128, file_meta=meta, is_implicit_VR=False, is_little_endian=True)
    basic = {
        "SOPClassUID": meta.MediaStorageSOPClassUID,
        "SOPInstanceUID": meta.MediaStorageSOPInstanceUID,
        "PatientName": PATIENT,
        "PatientID": "SECRET-ID",
        "Modality": "CT",
        "SeriesInstanceUID": "1.2.3",
        "StudyInstanceUID": "1.2.4",
        "FrameOfReferenceUID": "1.2.5",
    }
    if pixels is not None:
        is_color = pixels.shape[-1] == 3 and pixels.dtype == np.uint8
        frames = pixels.ndim - (3 if is_color else 2)
        basic |= {
            "Rows": pixels.shape[frames],
            "Columns": pixels.shape[frames + 1],
            "SamplesPerPixel": 3 if is_color else 1,
            "PhotometricInterpretation": "RGB" if is_color else "MONOCHROME2",
            "BitsAllocated": pixels.dtype.itemsize * 8,
            "BitsStored": pixels.dtype.itemsize * 8,
            "HighBit": pixels.dtype.itemsize * 8 - 1,
            "PixelRepresentation": int(pixels.dtype.kind == "i"),
        }
        if is_color:
            basic["PlanarConfiguration"] = 0
        if frames:
            basic["NumberOfFrames"] = pixels.shape[0]
        data = pixels.tobytes()
        basic["PixelData"] = data + b"\0" * (len(data) % 2)
    for keyword, value in (basic | tags).items():
        setattr(dataset, keyword, value)
    if "PixelData" in dataset:
        dataset["PixelData"].VR = "OB" if dataset.BitsAllocated == 8 else "OW"
    return dataset


@pytest.fixture
def write_dicom(tmp_path: Path) -> Callable[..., Path]:
    """Write one DICOM file ``name`` with pixels and tags; returns its path."""

    def write(name: str, pixels: np.ndarray | None, **tags: Any) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        make_dataset(pixels, **tags).save_as(path)
        return path

    return write


class Series:
    """A regular oblique CT series of 7 slices, each a dictionary of tags that a test may spoil before writing."""

    along = np.array([0.6, 0.8, 0.0])
    down = np.array([0.0, 0.0, -1.0])
    origin = np.array([-40.0, 12.5, 80.0])
    spacing = (0.9, 0.7)
    step = 2.5

    def __init__(self, folder: Path, write: Callable[..., Path]) -> None:
        self.folder = folder / "series"
        self._write = write
        normal = np.cross(self.along, self.down)
        self.values = np.random.default_rng(5).integers(0, 3000, (7, 6, 8)).astype(np.uint16)
        self.slices = [
            {
                "pixels": self.values[k],
                "ImagePositionPatient": [float(v) for v in self.origin + k * self.step * normal],
                "ImageOrientationPatient": [*self.along, *self.down],
                "PixelSpacing": list(self.spacing),
                "SliceThickness": 2.0,
                "RescaleSlope": 1.0,
                "RescaleIntercept": -1024.0,
                "InstanceNumber": 7 - k,
            }
            for k in range(7)
        ]

    def write(self) -> Path:
        """Write the slices under names that have nothing to do with their order."""
        self.folder.mkdir(exist_ok=True)
        order = np.random.default_rng(0).permutation(len(self.slices))
        for number, index in enumerate(order):
            self._write(f"series/IM{number:03d}", **self.slices[index])
        return self.folder


@pytest.fixture
def series(tmp_path: Path, write_dicom: Callable[..., Path]) -> Series:
    """A series to spoil and write."""
    return Series(tmp_path, write_dicom)
