"""CT, oblique MR and CR series to fill an archive with."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import (
    ComputedRadiographyImageStorage,
    CTImageStorage,
    ExplicitVRLittleEndian,
    MRImageStorage,
    generate_uid,
)

_CLASSES = {"CT": CTImageStorage, "MR": MRImageStorage, "CR": ComputedRadiographyImageStorage}


def make_studies() -> dict[str, list[FileDataset]]:
    """The objects of one series a modality."""
    straight = np.diag((-1.5, -1.5, 5.0, 1.0))
    return {
        "CT": make_series("CT", _lump((32, 28, 8)), straight),
        "MR": make_series("MR", _lump((24, 30, 6)), _oblique()),
        "CR": make_series("CR", _lump((40, 36, 1)), None),
    }


def make_series(modality: str, voxels: NDArray[np.int16], affine: NDArray[np.float64] | None) -> list[FileDataset]:
    """A series of ``voxels`` (I, J, K); ``affine`` is voxel to RAS mm, ``None`` for an image without position."""
    study, series, frame = generate_uid(), generate_uid(), generate_uid()
    return [_slice(modality, voxels, affine, k, (study, series, frame)) for k in range(voxels.shape[2])]


def write_all(datasets: list[FileDataset], folder: Path) -> Path:
    folder.mkdir(parents=True)
    for number, dataset in enumerate(datasets):
        pydicom.dcmwrite(folder / f"{number:03}.dcm", dataset, write_like_original=False)
    return folder


def _oblique() -> NDArray[np.float64]:
    affine = np.eye(4)
    turn, _ = np.linalg.qr(np.array([[9.0, 2.0, 1.0], [-2.0, 8.0, 3.0], [0.5, -3.0, 9.0]]))
    affine[:3, :3] = turn @ np.diag((0.9, 1.1, 3.0))
    affine[:3, 3] = (-31.25, 17.5, -203.125)
    return affine


def _lump(shape: tuple[int, int, int]) -> NDArray[np.int16]:
    """Noise with a bright ball off the middle."""
    grid = np.stack(np.meshgrid(*[np.linspace(-1, 1, n) for n in shape], indexing="ij"), axis=-1)
    ball = np.linalg.norm(grid - (0.4, -0.3, -1.0 if shape[2] == 1 else 0.1), axis=-1) < 0.3
    return (np.random.default_rng(0).normal(40, 10, shape) + 150 * ball).astype(np.int16)


def _slice(
    modality: str,
    voxels: NDArray[np.int16],
    affine: NDArray[np.float64] | None,
    k: int,
    uids: tuple[str, str, str],
) -> FileDataset:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = _CLASSES[modality], generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128, is_implicit_VR=False, is_little_endian=True)
    made.SOPClassUID, made.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    made.StudyInstanceUID, made.SeriesInstanceUID = uids[:2]
    made.PatientID, made.PatientName = f"SECRET-{modality}", "SECRET^NAME"
    made.Modality, made.SeriesDescription, made.InstanceNumber = modality, f"A {modality}", k + 1
    if affine is not None:
        lps = np.diag((-1.0, -1.0, 1.0, 1.0)) @ affine
        spacing = np.linalg.norm(lps[:3, :3], axis=0)
        row, col = (lps[:3, axis] / spacing[axis] for axis in (0, 1))
        made.FrameOfReferenceUID = uids[2]
        made.ImageOrientationPatient = [float(f"{value:.10f}") for value in (*row, *col)]
        made.ImagePositionPatient = [float(f"{value:.8f}") for value in lps[:3, 3] + k * lps[:3, 2]]
        made.PixelSpacing, made.SliceThickness = [float(spacing[1]), float(spacing[0])], float(spacing[2])
    else:
        made.ImagerPixelSpacing = [0.2, 0.2]
    made.Rows, made.Columns = voxels.shape[1], voxels.shape[0]
    made.SamplesPerPixel, made.PhotometricInterpretation = 1, "MONOCHROME2"
    made.BitsAllocated, made.BitsStored, made.HighBit, made.PixelRepresentation = 16, 16, 15, 1
    made.RescaleSlope, made.RescaleIntercept = 1, 0
    made.PixelData = np.ascontiguousarray(voxels[:, :, k].T).tobytes()
    return made
