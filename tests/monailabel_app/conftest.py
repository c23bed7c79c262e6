"""Studies of every kind the server takes, small and made on the spot."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import nibabel as nib
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from numpy.typing import NDArray
from PIL import Image
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid
from running import serve
from tiny_model import write_tiny_model


def oblique_affine(spacing: tuple[float, float, float] = (0.9, 1.1, 3.0)) -> NDArray[np.float64]:
    """A rotation about two axes times a spacing, somewhere in space."""
    a, b = 0.3, -0.2
    about_z = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
    about_x = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    affine = np.eye(4)
    affine[:3, :3] = about_z @ about_x @ np.diag(spacing)
    affine[:3, 3] = (-31.25, 17.5, -203.125)
    return affine


def lump(shape: tuple[int, int, int]) -> NDArray[np.int16]:
    """Soft tissue with a bright ball off the middle."""
    grid = np.stack(np.meshgrid(*[np.linspace(-1, 1, n) for n in shape], indexing="ij"), axis=-1)
    ball = np.linalg.norm(grid - (0.4, -0.3, 0.1), axis=-1) < 0.3
    return (np.random.default_rng(0).normal(40, 10, shape) + 150 * ball).astype(np.int16)


def write_series(folder: Path, voxels: NDArray[np.int16], affine: NDArray[np.float64]) -> None:
    """One CT series; `affine` is voxel to RAS mm, `voxels` (I, J, K)."""
    folder.mkdir(parents=True)
    lps = np.diag((-1.0, -1.0, 1.0, 1.0)) @ affine
    spacing = np.linalg.norm(lps[:3, :3], axis=0)
    row, col = (lps[:3, axis] / spacing[axis] for axis in (0, 1))
    study, series, frame = generate_uid(), generate_uid(), generate_uid()
    for k in range(voxels.shape[2]):
        meta = FileMetaDataset()
        meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = CTImageStorage, generate_uid()
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        slice_ = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
        slice_.SOPClassUID, slice_.SOPInstanceUID = CTImageStorage, meta.MediaStorageSOPInstanceUID
        slice_.StudyInstanceUID, slice_.SeriesInstanceUID, slice_.FrameOfReferenceUID = study, series, frame
        slice_.Modality, slice_.InstanceNumber = "CT", k + 1
        slice_.ImageOrientationPatient = [float(f"{value:.10f}") for value in (*row, *col)]
        slice_.ImagePositionPatient = [float(f"{value:.8f}") for value in lps[:3, 3] + k * lps[:3, 2]]
        slice_.PixelSpacing, slice_.SliceThickness = [float(spacing[1]), float(spacing[0])], float(spacing[2])
        slice_.Rows, slice_.Columns = voxels.shape[1], voxels.shape[0]
        slice_.SamplesPerPixel, slice_.PhotometricInterpretation = 1, "MONOCHROME2"
        slice_.BitsAllocated, slice_.BitsStored, slice_.HighBit, slice_.PixelRepresentation = 16, 16, 15, 1
        slice_.RescaleSlope, slice_.RescaleIntercept = 1, 0
        slice_.PixelData = np.ascontiguousarray(voxels[:, :, k].T).tobytes()
        pydicom.dcmwrite(folder / f"{k:03}.dcm", slice_, write_like_original=False)


def write_studies(folder: Path) -> Path:
    """An oblique NIfTI, an NRRD, a PNG, two DICOM series (one nested), and things that are no images."""
    affine = oblique_affine()
    nib.save(nib.Nifti1Image(lump((40, 36, 12)), affine), folder / "nifti.nii.gz")
    nrrd = sitk.GetImageFromArray(lump((32, 40, 10)).transpose(2, 1, 0))
    nrrd.SetSpacing((1.5, 1.5, 4.0))
    nrrd.SetOrigin((10.5, -20.25, 30.125))
    nrrd.SetDirection((0, 0, 1, 1, 0, 0, 0, 1, 0))
    sitk.WriteImage(nrrd, str(folder / "nrrd.nrrd"))
    rgb = np.random.default_rng(1).integers(0, 255, (48, 64, 3)).astype(np.uint8)
    Image.fromarray(rgb).save(folder / "photo.png")
    write_series(folder / "series", lump((32, 28, 8)), affine)
    write_series(folder / "patient.1" / "CT", lump((16, 16, 4)), affine)
    (folder / "series" / "README.txt").write_text("not an image")
    (folder / "notes").mkdir()
    (folder / "notes" / "notes.txt").write_text("not an image")
    return folder


@pytest.fixture(scope="session")
def studies_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_studies(tmp_path_factory.mktemp("studies"))


@pytest.fixture(scope="session")
def studies(studies_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(shutil.copytree(studies_folder, tmp_path_factory.mktemp("served") / "studies"))


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_model(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="session")
def url(studies: Path, model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    log = tmp_path_factory.mktemp("log") / "server.log"
    for server in serve(studies, model, log, "monailabel_app.asgi:app"):
        yield server.url
