"""Demonstration studies on disk: a CT series, an MR volume, a photograph, each with a known lesion."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydicom.dataset import FileDataset, FileMetaDataset, validate_file_meta
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

from prsmed.imaging.export import to_nifti
from prsmed.imaging.nrrd import LPS_TO_RAS
from prsmed.imaging.phantom import PhantomKind, make_phantom
from prsmed.imaging.volume import Volume

_STUDIES: dict[str, PhantomKind] = {"chest_ct": "ct", "brain_mr": "mr", "skin_photo": "photo"}
# A lesion for a demonstration covers at least this part of its largest slice.
_MIN_FRACTION = 0.004
_STORED_OFFSET = 1024


def demo_phantoms(seed: int = 0) -> dict[str, tuple[Volume, NDArray[np.uint8]]]:
    """The images and lesion masks behind :func:`write_demo_studies`, by the same names."""
    phantoms = {}
    for number, (name, kind) in enumerate(_STUDIES.items()):
        rng = np.random.default_rng([seed, number])
        volume, mask = make_phantom(kind, rng)
        while mask.mean(axis=(0, 1)).max() < _MIN_FRACTION:
            volume, mask = make_phantom(kind, rng)
        phantoms[name] = (volume, mask)
    return phantoms


def write_demo_studies(folder: Path, seed: int = 0) -> dict[str, Path]:
    """Write the demonstration studies.

    Args:
        folder: Where to; made if missing.
        seed: The same seed gives the same studies, UIDs included.

    Returns:
        ``chest_ct`` (folder of a DICOM series), ``brain_mr`` (NIfTI) and ``skin_photo`` (PNG) to their paths.
    """
    phantoms = demo_phantoms(seed)
    paths = {
        "chest_ct": folder / "chest_ct",
        "brain_mr": folder / "brain_mr.nii.gz",
        "skin_photo": folder / "skin_photo.png",
    }
    paths["chest_ct"].mkdir(parents=True, exist_ok=True)
    _write_ct_series(phantoms["chest_ct"][0], paths["chest_ct"], seed)
    brain = phantoms["brain_mr"][0]
    nib.save(to_nifti(brain.voxels, brain.affine), paths["brain_mr"])
    Image.fromarray(phantoms["skin_photo"][0].voxels[:, :, 0].transpose(1, 0, 2).copy()).save(paths["skin_photo"])
    return paths


def _write_ct_series(volume: Volume, folder: Path, seed: int) -> None:
    for k in range(volume.shape[2]):
        dataset = _ct_slice(volume, k, seed)
        dataset.save_as(folder / f"{k + 1:04d}.dcm")


def _ct_slice(volume: Volume, k: int, seed: int) -> FileDataset:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.MediaStorageSOPInstanceUID = _uid(seed, f"slice {k}")
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    validate_file_meta(meta)
    dataset = FileDataset(None, {}, preamble=b"\0" * 128, file_meta=meta, is_implicit_VR=False, is_little_endian=True)
    stored = np.ascontiguousarray(volume.voxels[:, :, k].T.astype(np.int32) + _STORED_OFFSET, dtype="<u2")
    for keyword, value in (_study_tags(seed) | _geometry_tags(volume, k) | _pixel_tags(volume)).items():
        setattr(dataset, keyword, value)
    dataset.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
    dataset.PixelData = stored.tobytes()
    dataset["PixelData"].VR = "OW"
    return dataset


def _study_tags(seed: int) -> dict[str, Any]:
    return {
        "SpecificCharacterSet": "ISO_IR 100",
        "ImageType": ["DERIVED", "SECONDARY", "AXIAL"],
        "SOPClassUID": CTImageStorage,
        "StudyDate": "20200101",
        "StudyTime": "120000",
        "AccessionNumber": "",
        "Modality": "CT",
        "Manufacturer": "PRS-Med phantom",
        "ReferringPhysicianName": "",
        "StudyDescription": "Phantom chest",
        "SeriesDescription": "Phantom chest CT",
        "PatientName": "PHANTOM^CT",
        "PatientID": f"PHANTOM-CT-{seed}",
        "PatientBirthDate": "",
        "PatientSex": "",
        "KVP": "120",
        "PatientPosition": "HFS",
        "StudyInstanceUID": _uid(seed, "study"),
        "SeriesInstanceUID": _uid(seed, "series"),
        "StudyID": "1",
        "SeriesNumber": 1,
        "FrameOfReferenceUID": _uid(seed, "frame of reference"),
        "PositionReferenceIndicator": "",
    }


def _geometry_tags(volume: Volume, k: int) -> dict[str, Any]:
    lps = LPS_TO_RAS @ volume.affine
    spacing = volume.spacing
    directions = lps[:3, :2] / spacing[:2]
    return {
        "InstanceNumber": k + 1,
        "ImagePositionPatient": _decimals(lps @ (0, 0, k, 1))[:3],
        "ImageOrientationPatient": _decimals(directions.T.ravel()),
        "PixelSpacing": _decimals((spacing[1], spacing[0])),
        "SliceThickness": _decimals((spacing[2],))[0],
    }


def _pixel_tags(volume: Volume) -> dict[str, Any]:
    center, width = volume.window or (0.0, 1.0)
    return {
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "Rows": volume.shape[1],
        "Columns": volume.shape[0],
        "BitsAllocated": 16,
        "BitsStored": 16,
        "HighBit": 15,
        "PixelRepresentation": 0,
        "WindowCenter": f"{center:g}",
        "WindowWidth": f"{width:g}",
        "RescaleIntercept": str(-_STORED_OFFSET),
        "RescaleSlope": "1",
        "RescaleType": "HU",
    }


def _decimals(values: Any) -> list[str]:
    """Numbers as DICOM decimal strings, which have at most 16 characters."""
    return [f"{value:.8f}"[:16] for value in values]


def _uid(seed: int, what: str) -> str:
    return str(generate_uid(entropy_srcs=["prsmed phantom ct", str(seed), what]))
