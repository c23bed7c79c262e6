"""What a training gets from a folder of studies."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest

from monailabel_app.corrections import read_corrections
from monailabel_app.datastore import StudyDatastore
from prsmed.learning.correction import Correction

QUESTION, VIEW = "Where is the tumour?", {"mode": "slice", "plane": "axial", "slice": 3}


@pytest.fixture
def store(studies_folder: Path, tmp_path: Path) -> Iterator[StudyDatastore]:
    datastore = StudyDatastore(str(shutil.copytree(studies_folder, tmp_path / "studies")))
    yield datastore
    datastore.close()


def save(store: StudyDatastore, folder: Path, image: str, tag: str = "final", /, **info: Any) -> None:
    nib.save(nib.Nifti1Image(np.ones((4, 4, 4), np.uint8), np.eye(4)), folder / "label.nii.gz")
    store.save_label(image, str(folder / "label.nii.gz"), tag, info)


def test_a_correction_brings_its_question_view_and_names(store: StudyDatastore, tmp_path: Path) -> None:
    told = {"question": QUESTION, "view": VIEW, "label_names": {"tumour": 1}, "user": "ann"}
    save(store, tmp_path, "nifti", **told)
    save(store, tmp_path, "photo", "original", params={"label_names": {"polyp": 2}})
    save(store, tmp_path, "photo")
    save(store, tmp_path, "nrrd", label_info=[{"name": "liver"}, {"name": "spleen"}])
    save(store, tmp_path, "patient.1__CT", params=told)
    save(store, tmp_path, "series", "original", **told)  # no correction
    found = {correction.image: correction for correction in read_corrections(store)}
    assert list(found) == ["nifti", "nrrd", "patient.1__CT", "photo"]
    nifti, photo, nrrd, ct = (found[name] for name in ("nifti", "photo", "nrrd", "patient.1__CT"))
    assert (nifti.question, nifti.view, nifti.names, nifti.group) == (QUESTION, VIEW, {1: "tumour"}, "nifti")
    assert nifti.source.name == "nifti.nii.gz"
    assert nifti.label.is_file()
    assert (photo.question, photo.view, photo.names) == (None, {}, {2: "polyp"})
    assert nrrd.names == {1: "liver", 2: "spleen"}
    assert (ct.question, ct.names, ct.group, ct.source.is_dir()) == (QUESTION, {1: "tumour"}, "patient.1", True)


def test_what_cannot_be_used_is_told_and_the_others_are_used(store: StudyDatastore, tmp_path: Path) -> None:
    save(store, tmp_path, "nifti", label_names={"tumour": "one"})
    save(store, tmp_path, "nrrd", question=7, view="axial")
    save(store, tmp_path, "photo")
    (tmp_path / "studies/labels/final/photo.nii.gz").unlink()
    nifti, nrrd, photo = read_corrections(store)
    assert isinstance(nrrd, Correction)
    assert (nrrd.question, nrrd.view) == (None, {})
    assert nifti == {"image": "nifti", "reason": 'label_names must give a number to each name, as in {"tumour": 1}'}
    assert photo == {"image": "photo", "reason": "the label's file is gone; save the label anew"}
