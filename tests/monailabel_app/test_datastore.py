from __future__ import annotations

import shutil
import threading
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from monailabel_app.datastore import StudyDatastore
from monailabel_app.studies import VolumeCache, locate
from prsmed.errors import PRSMedError
from prsmed.imaging import read_volume

IDS = {"nifti", "nrrd", "photo", "series", "patient.1__CT"}


@pytest.fixture
def folder(studies_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(studies_folder, tmp_path / "studies"))


@pytest.fixture
def datastore(folder: Path) -> StudyDatastore:
    return StudyDatastore(str(folder))


def test_files_and_series_folders_are_listed(datastore: StudyDatastore) -> None:
    assert set(datastore.list_images()) == IDS
    assert datastore.status()["total"] == len(IDS)


def test_a_second_start_lists_the_same(folder: Path, datastore: StudyDatastore) -> None:
    assert set(StudyDatastore(str(folder)).list_images()) == IDS


def test_source_is_the_original(folder: Path, datastore: StudyDatastore) -> None:
    assert datastore.source("series") == folder.resolve() / "series"
    assert datastore.source("patient.1__CT") == folder.resolve() / "patient.1" / "CT"
    assert datastore.source("nifti") == folder.resolve() / "nifti.nii.gz"
    assert datastore.source("nothing") is None


def test_a_series_is_downloaded_as_one_file_of_the_same_geometry(folder: Path, datastore: StudyDatastore) -> None:
    copy = Path(datastore.get_image_uri("series"))
    assert copy.is_file()
    assert folder.resolve() not in copy.parents
    original, downloaded = read_volume(folder / "series"), read_volume(copy)
    np.testing.assert_allclose(downloaded.affine, original.affine, atol=1e-6)
    np.testing.assert_array_equal(downloaded.voxels, original.voxels)
    assert datastore.get_image_info("series")["path"] == str(copy)
    assert datastore.get_image_info("series")["name"] == copy.name
    assert datastore.get_image_uri("series") == str(copy)


def test_a_changed_series_is_converted_again(folder: Path, datastore: StudyDatastore) -> None:
    before = read_volume(datastore.get_image_uri("series"))
    (folder / "series" / "007.dcm").unlink()
    (folder / "series" / "README.txt").write_text("one slice fewer")
    assert read_volume(datastore.get_image_uri("series")).shape[2] == before.shape[2] - 1


def test_closing_leaves_no_copy(datastore: StudyDatastore) -> None:
    copy = Path(datastore.get_image_uri("series"))
    datastore.close()
    assert not copy.exists()
    assert not copy.parent.parent.exists()
    assert Path(datastore.get_image_uri("series")).exists()


def test_files_keep_their_own_path(folder: Path, datastore: StudyDatastore) -> None:
    assert datastore.get_image_uri("nifti") == str(folder.resolve() / "nifti.nii.gz")
    assert datastore.get_image_uri("nothing") == ""


def test_a_new_series_is_found_when_it_is_asked_for(folder: Path, datastore: StudyDatastore) -> None:
    shutil.copytree(folder / "series", folder / "late")
    assert datastore.source("late") == folder.resolve() / "late"
    assert "late" in datastore.list_images()


def test_a_removed_series_is_forgotten(folder: Path, datastore: StudyDatastore) -> None:
    shutil.rmtree(folder / "series")
    datastore.refresh()
    assert set(datastore.list_images()) == IDS - {"series"}


def test_a_series_takes_a_label(folder: Path, datastore: StudyDatastore, tmp_path: Path) -> None:
    mask = tmp_path / "mask.nii.gz"
    nib.save(nib.Nifti1Image(np.ones((32, 28, 8), np.uint8), np.eye(4)), mask)
    datastore.save_label("patient.1__CT", str(mask), "final", {"user": "me"})
    again = StudyDatastore(str(folder))
    assert again.get_label_info("patient.1__CT", "final")["user"] == "me"
    assert again.get_labeled_images() == ["patient.1__CT"]
    assert set(again.list_images()) == IDS
    assert Path(again.get_label_uri("patient.1__CT", "final")).is_file()


def test_the_studies_folder_may_itself_be_a_series(studies_folder: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(studies_folder / "series", tmp_path / "alone")
    datastore = StudyDatastore(str(folder))
    assert datastore.list_images() == ["alone"]
    assert read_volume(datastore.get_image_uri("alone")).shape == (32, 28, 8)
    assert StudyDatastore(str(folder)).list_images() == ["alone"]


def test_only_images_are_opened(datastore: StudyDatastore, tmp_path: Path) -> None:
    (tmp_path / "x.nii.gz").touch()
    for image in (str(tmp_path / "x.nii.gz"), "../x.nii.gz", "nothing", "", None, ["nifti"]):
        with pytest.raises(PRSMedError) as caught:
            locate(datastore, image)
        assert caught.value.code == "unknown_image"


def test_volumes_are_read_once_and_again_when_changed(folder: Path) -> None:
    cache = VolumeCache(1 << 30)
    path = folder / "nifti.nii.gz"
    first = cache.read(path)
    assert cache.read(path) is first
    nib.save(nib.Nifti1Image(np.zeros((3, 4, 5), np.int16), np.eye(4)), path)
    assert cache.read(path).shape == (3, 4, 5)
    series = cache.read(folder / "series")
    assert cache.read(folder / "series") is series
    (folder / "series" / "007.dcm").unlink()
    assert cache.read(folder / "series").shape[2] == series.shape[2] - 1


def test_the_least_recently_used_volume_leaves_first(tmp_path: Path) -> None:
    paths = [tmp_path / f"{name}.nii" for name in "abc"]
    for path in paths:
        nib.save(nib.Nifti1Image(np.zeros((10, 10, 10), np.int16), np.eye(4)), path)
    cache = VolumeCache(max_bytes=4000)
    a, b = cache.read(paths[0]), cache.read(paths[1])
    assert cache.read(paths[0]) is a
    cache.read(paths[2])
    assert cache.kept.num_bytes == 4000
    assert cache.read(paths[0]) is a
    assert cache.read(paths[1]) is not b


def test_a_volume_over_the_bound_is_not_kept(folder: Path) -> None:
    cache = VolumeCache(max_bytes=10)
    assert cache.read(folder / "nifti.nii.gz").shape == (40, 36, 12)
    assert cache.kept.num_bytes == 0


def test_unknown_ids_do_not_keep_a_slow_folder_busy(datastore: StudyDatastore, monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[int] = []
    monkeypatch.setattr(datastore, "refresh", lambda: looks.append(1))
    datastore._look_seconds = 10.0
    for _ in range(5):
        assert datastore.source("nothing") is None
    assert looks == []
    datastore._looked -= 100
    assert datastore.source("nothing") is None
    assert looks == [1]


def test_a_damaged_list_is_set_aside_and_begun_anew(folder: Path) -> None:
    StudyDatastore(str(folder)).save_label("nifti", str(folder / "nifti.nii.gz"), "final", {"question": "where?"})
    (folder / "datastore_v2.json").write_text('{"objects": {"nif')
    again = StudyDatastore(str(folder))
    assert set(again.list_images()) == IDS
    assert again.get_labeled_images() == ["nifti"]
    assert [path.name for path in folder.glob("datastore_v2.json.damaged-*")]


def test_another_kind_of_file_takes_the_place_of_a_label(folder: Path) -> None:
    datastore = StudyDatastore(str(folder))
    datastore.save_label("nifti", str(folder / "nifti.nii.gz"), "final", {})
    datastore.save_label("nifti", str(folder / "nrrd.nrrd"), "final", {"user": "alice"})
    assert [path.name for path in (folder / "labels" / "final").iterdir()] == ["nifti.nrrd"]
    assert datastore.get_label_info("nifti", "final")["user"] == "alice"


def test_two_processes_lose_nothing_of_each_other(folder: Path) -> None:
    """Two datastores of one folder, as a server and its batch have: each sees what the other saved."""
    both = [StudyDatastore(str(folder)) for _ in range(2)]

    def save(number: int) -> None:
        for n in range(20):
            both[number].save_label("nifti", str(folder / "nifti.nii.gz"), f"tag{number}-{n}", {})
            both[number].update_image_info("photo", {f"note{number}-{n}": n})

    threads = [threading.Thread(target=save, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    objects = StudyDatastore(str(folder)).json()["objects"]
    assert len(objects["nifti"]["labels"]) == 40
    assert len([key for key in objects["photo"]["image"]["info"] if key.startswith("note")]) == 40
