"""An Orthanc with one series a modality, and what tests put there and take out."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from monailabel.datastore.dicom import DICOMwebClientX
from numpy.typing import NDArray
from orthanc import orthanc
from remote_studies import make_studies, write_all

from monailabel_app.dicomweb import RemoteStudies
from monailabel_app.pacs import Pacs
from prsmed.imaging import Volume, read_volume, write_labelmap

MODALITIES = ("CT", "MR", "CR")
FINDING = {
    "label": 1,
    "name": "tumour",
    "zone": "top left",
    "near_center": False,
    "patient_side": None,
    "centroid_ras_mm": None,
    "centroid_ijk": [1.0, 2.0, 0.0],
    "longest_diameter_mm": 12.5,
    "area_mm2": 81.25,
    "volume_mm3": None,
    "confidence": 0.875,
}
ANSWER = {
    "question": "Where is the tumour?",
    "answer": "At the top left: Ödem.",
    "model": {"version": "nano-1", "sha256": "0"},
    "label_names": {"tumour": 1, "Ödem": 3},
    "findings": [FINDING],
}
PREDICTED = {"model": "prsmed", "params": ANSWER}


@dataclass(frozen=True)
class Archive:
    """An Orthanc with a CT, an MR and a CR series: its address, their UIDs and the files they were made as."""

    url: str
    uids: dict[str, str]
    folders: dict[str, Path]

    def open(self, cache: Path, **options: Any) -> RemoteStudies:
        return RemoteStudies(self.pacs(), cache, **options)

    def pacs(self) -> Pacs:
        return Pacs(DICOMwebClientX(url=self.url))

    def image(self, modality: str) -> Volume:
        return read_volume(self.folders[modality])


def fill(folder: Path) -> Generator[Archive, None, None]:
    with orthanc(folder / "orthanc") as url:
        studies = make_studies()
        folders = {modality: write_all(slices, folder / "made" / modality) for modality, slices in studies.items()}
        archive = Archive(url, {name: str(slices[0].SeriesInstanceUID) for name, slices in studies.items()}, folders)
        for slices in studies.values():
            archive.pacs().store(slices)
        yield archive


def some_labels(volume: Volume, seed: int) -> NDArray[np.uint8]:
    """Labels 1 and 3, on the first slices only."""
    labels = np.random.default_rng(seed).choice(np.array([0, 0, 1, 3], np.uint8), volume.shape)
    labels[:, :, (volume.shape[2] + 1) // 2 :] = 0
    return labels


def save(
    store: RemoteStudies, image: str, labels: NDArray[np.uint8], volume: Volume, tag: str, info: Any, file: Path
) -> None:
    write_labelmap(labels, volume, file)
    store.save_label(image, str(file), tag, info)


def objects(archive: Archive, modality: str, folder: Path) -> list[pydicom.Dataset]:
    """What the archive has of a modality, oldest first."""
    found = []
    for series in archive.pacs().find({"Modality": modality}):
        if not (folder / series.uid).exists():
            archive.pacs().download(series, folder / series.uid)
        found += [pydicom.dcmread(file) for file in (folder / series.uid).iterdir()]
    return sorted(found, key=lambda dataset: (dataset.ContentDate, dataset.ContentTime))
