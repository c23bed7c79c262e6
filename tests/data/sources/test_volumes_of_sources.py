from __future__ import annotations

import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from miniature_files import case
from miniatures import MINIATURES

from prsmed.data.problems import Problems
from prsmed.data.record import Record
from prsmed.data.sources import monai_label, msd, volume_list
from prsmed.data.sources.slices import slice_records


def _write(name: str, root: Path) -> Path:
    folder = root / "set"
    folder.mkdir()
    MINIATURES[name].write(folder)
    return folder


def _shown(records: list[Record], target: str) -> set[int | None]:
    return {record.slice for record in records if record.target == target and record.mask is not None}


def test_a_slice_for_every_target_it_shows_and_two_without(tmp_path: Path) -> None:
    records = list(msd.SOURCE.read(tmp_path, _write("msd", tmp_path), Problems()))
    # Label 2 is the tumour, which is in the liver: both values are liver.
    assert _shown(records, "liver") == {2, 3}
    assert _shown(records, "liver tumour") == {3}
    assert {(r.modality, r.plane, r.licence) for r in records} == {("abdomen_ct", "axial", "CC-BY-SA 4.0")}
    empty = [record for record in records if record.mask is None]
    assert [record.target for record in empty].count("liver") == 2
    assert not {record.slice for record in empty if record.target == "liver"} & {2, 3}
    assert [record.slice for record in records] == sorted(record.slice or 0 for record in records)


def test_other_label_maps_go_by_their_own_names(tmp_path: Path) -> None:
    case(tmp_path / "imagesTr/p1_0000.nii.gz", tmp_path / "labelsTr/p1.nii.gz", {1: 1, 4: 3})
    about = {"channel_names": {"0": "T1 MR"}, "labels": {"background": 0, "Cyst": 1, "any": [1, 3]}}
    (tmp_path / "dataset.json").write_text(json.dumps(about))
    records = list(msd.SOURCE.read(tmp_path, tmp_path, Problems()))
    assert _shown(records, "cyst") == {1}
    assert _shown(records, "any") == {1, 4}
    assert {record.modality for record in records} == {"mri"}
    assert {record.group for record in records} == {f"msd/{tmp_path.name}/p1"}


@pytest.mark.parametrize("text", ["{", "[]", '{"labels": {"a": "b"}}'])
def test_a_listing_that_cannot_be_read_costs_only_its_set(tmp_path: Path, text: str) -> None:
    case(tmp_path / "imagesTr/a.nii.gz", tmp_path / "labelsTr/a.nii.gz", {1: 1})
    (tmp_path / "dataset.json").write_text(text)
    problems = Problems()
    assert not list(msd.SOURCE.read(tmp_path, tmp_path, problems))
    assert problems.found == {"unreadable": ["dataset.json"]}


def test_the_acquired_plane_is_the_one_with_the_largest_steps(tmp_path: Path) -> None:
    drawn = np.zeros((5, 8, 9), dtype=np.int16)
    drawn[3] = 1
    for name, voxels in (("image", np.arange(360).reshape(5, 8, 9).astype(np.int16)), ("label", drawn)):
        nib.save(nib.Nifti1Image(voxels, np.diag((4.0, 1.0, 1.0, 1.0))), tmp_path / f"{name}.nii")
    volume = Record("image.nii", "label.nii", "mri", "s", "", "s/1", "train", "own")
    records = list(slice_records(volume, {"knee": (1,)}, tmp_path, Problems()))
    assert {record.plane for record in records} == {"sagittal"}
    assert _shown(records, "knee") == {3}


def test_what_no_volume_can_be_made_of_is_noted(tmp_path: Path) -> None:
    case(tmp_path / "a.nii.gz", tmp_path / "b.nii.gz", {1: 1})
    (tmp_path / "bad.nii.gz").write_bytes(b"x")
    problems = Problems()
    for image, label, values in (("a", "b", 5), ("bad", "b", 1), ("a", "none", 1), ("none", "b", 1)):
        volume = Record(f"{image}.nii.gz", f"{label}.nii.gz", "mri", "s", "", "s/1", "train", "own")
        assert not list(slice_records(volume, {"knee": (values,)}, tmp_path, problems))
    assert dict(problems.found) == {
        "empty mask": ["b.nii.gz"],
        "unreadable": ["bad.nii.gz"],
        "image without mask": ["a.nii.gz"],
        "mask without image": ["none.nii.gz"],
    }


def test_a_list_names_targets_and_values(tmp_path: Path) -> None:
    records = list(volume_list.SOURCE.read(tmp_path, _write("volume_list", tmp_path), Problems()))
    assert _shown(records, "cyst") == {3}
    assert _shown(records, "kidney") == {1, 2, 3}
    assert {(record.dataset, record.modality) for record in records} == {("own", "abdomen_ct")}


def test_a_datastore_names_its_labels(tmp_path: Path) -> None:
    records = list(monai_label.SOURCE.read(tmp_path, _write("monai_label", tmp_path), Problems()))
    assert _shown(records, "tumour") == {1}
    assert _shown(records, "oedema") == {2}
    assert [(record.target, record.labels) for record in records if record.slice is None] == [("mole", (255,))]
