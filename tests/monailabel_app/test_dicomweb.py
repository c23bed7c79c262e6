"""Our datastore in front of a real Orthanc, and our server in front of both."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import json
import shutil
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import highdicom as hd
import nibabel as nib
import numpy as np
import pydicom
import pytest
import requests
from filled_archive import ANSWER, MODALITIES, PREDICTED, Archive, fill, objects, save, some_labels
from monailabel.datastore.dicom import DICOMwebClientX
from monailabel.interfaces.exception import ImageNotFoundException, LabelNotFoundException
from remote_studies import make_series
from running import ask, parts, serve

from monailabel_app.corrections import read_corrections
from monailabel_app.dicomweb import RemoteStudies
from monailabel_app.pacs import Pacs, Series
from prsmed.errors import PRSMedError
from prsmed.imaging import read_volume, write_labelmap
from prsmed.imaging.dicom_report import CONFIDENCE, ZONE
from prsmed.imaging.dicom_seg import Algorithm, write_seg
from prsmed.imaging.dicom_seg_read import read_seg
from prsmed.imaging.dicom_source import read_headers
from prsmed.learning.correction import Correction
from prsmed.learning.slices import draw_lessons

pytestmark = pytest.mark.slow


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    yield from fill(tmp_path)


@pytest.fixture
def store(archive: Archive, tmp_path: Path) -> Iterator[RemoteStudies]:
    datastore = archive.open(tmp_path / "cache")
    yield datastore
    datastore.close()


@pytest.fixture
def made(tmp_path: Path) -> Path:
    return tmp_path / "made.nii.gz"


@pytest.mark.parametrize("modality", MODALITIES)
def test_the_newest_correction_comes_back_voxel_for_voxel(
    archive: Archive, store: RemoteStudies, modality: str, made: Path, tmp_path: Path
) -> None:
    image, volume = archive.uids[modality], archive.image(modality)
    assert store.status() == {"total": 3, "completed": 0, "label_tags": {}}
    versions = [some_labels(volume, seed) for seed in range(3)]
    save(store, image, versions[0], volume, "original", PREDICTED, made)
    assert store.get_labeled_images() == []
    save(store, image, versions[1], volume, "final", {"user": "first"}, made)
    save(store, image, versions[2], volume, "final", {"user": "second"}, made)
    # One that has none of this server's memory sees the same.
    for reader in (store, archive.open(tmp_path / "other cache")):
        assert set(reader.list_images()) == set(archive.uids.values())
        assert reader.get_labeled_images() == [image]
        assert set(reader.get_unlabeled_images()) == set(archive.uids.values()) - {image}
        assert reader.status() == {"total": 3, "completed": 1, "label_tags": {"original": 1, "final": 1}}
        assert reader.get_labels_by_image_id(image) == {"original": image, "final": image}
        for tag, labels in (("original", versions[0]), ("final", versions[2])):
            again = read_volume(reader.get_label_uri(image, tag))
            np.testing.assert_array_equal(again.voxels, labels)
            np.testing.assert_allclose(again.affine, volume.affine, atol=1e-4)
        (pair,) = reader.datalist()
        np.testing.assert_array_equal(nib.load(pair["label"]).get_fdata(), versions[2])
        np.testing.assert_array_equal(read_volume(pair["image"]).voxels, volume.voxels)
        older = reader.history(image)[1]
        np.testing.assert_array_equal(read_volume(reader.label_file(older)).voxels, versions[1])
        final, original = reader.get_label_info(image, "final"), reader.get_label_info(image, "original")
        assert final["label_names"] == original["label_names"] == ANSWER["label_names"]
        assert (final["user"], [entry["user"] for entry in final["history"]]) == ("second", ["first"])
        assert final["algorithm_type"] == "MANUAL"
        assert original["params"] == ANSWER
        assert (original["algorithm_type"], original["history"]) == ("AUTOMATIC", [])


def test_segmentations_say_who_drew_them(archive: Archive, store: RemoteStudies, made: Path, tmp_path: Path) -> None:
    image, volume = archive.uids["MR"], archive.image("MR")
    save(store, image, some_labels(volume, 0), volume, "original", PREDICTED, made)
    save(store, image, some_labels(volume, 1), volume, "final", {}, made)
    predicted, corrected = objects(archive, "SEG", tmp_path / "got")
    for seg, kind in ((predicted, "AUTOMATIC"), (corrected, "MANUAL")):
        assert [segment.SegmentLabel for segment in seg.SegmentSequence] == ["tumour", "Ödem"]
        assert {segment.SegmentAlgorithmType for segment in seg.SegmentSequence} == {kind}
        assert (seg.ManufacturerModelName, seg.SoftwareVersions) == ("prsmed", "nano-1")
        assert seg.SeriesDescription.endswith("Research use only")
        assert seg.PatientID == "SECRET-MR"
    assert predicted.SegmentSequence[0].SegmentAlgorithmName == "prsmed"
    (report,) = objects(archive, "SR", tmp_path / "got")
    parsed = hd.sr.Comprehensive3DSR.from_dataset(report)
    (group,) = parsed.content.get_volumetric_roi_measurement_groups()
    assert {item.name.meaning: item.value for item in group.get_measurements()} == {
        "Long axis": 12.5,
        "Area": 81.25,
        CONFIDENCE.meaning: 0.875,
    }
    assert ZONE.meaning in {item.name.meaning for item in group.get_qualitative_evaluations()}
    assert group.referenced_segment.referenced_sop_instance_uid == predicted.SOPInstanceUID
    assert parsed.SoftwareVersions == "nano-1"
    assert ANSWER["answer"] in {item.TextValue for item in parsed.ContentSequence if "TextValue" in item}


def test_labels_of_other_software_are_placed_and_named(
    archive: Archive, store: RemoteStudies, made: Path, tmp_path: Path
) -> None:
    image, volume = archive.uids["CT"], archive.image("CT")
    save(store, image, some_labels(volume, 0), volume, "original", PREDICTED, made)
    drawn = np.zeros(volume.shape, np.uint8)
    drawn[3:9, 4:7, 2:4], drawn[20, 20, 5] = 1, 2
    headers = read_headers(archive.folders["CT"])
    seg = write_seg(drawn, {"Ödem": 1, "cyst": 2}, volume, headers, Algorithm("a person", "", "MANUAL"))
    archive.pacs().store([seg])
    store.refresh()
    again = read_volume(store.get_label_uri(image, "final")).voxels
    np.testing.assert_array_equal(again == 3, drawn == 1)
    np.testing.assert_array_equal(again == 2, drawn == 2)
    assert store.get_label_info(image, "final")["label_names"] == {"Ödem": 3, "cyst": 2}
    assert store.get_label(image, "final") is not None


def test_a_label_that_does_not_fit_spoils_no_training(archive: Archive, store: RemoteStudies, made: Path) -> None:
    image, volume = archive.uids["CT"], archive.image("CT")
    seg = write_seg(
        some_labels(volume, 0), {}, volume, read_headers(archive.folders["CT"]), Algorithm("x", "", "MANUAL")
    )
    for group in seg.PerFrameFunctionalGroupsSequence:
        group.PlanePositionSequence[0].ImagePositionPatient[0] += 0.6
    archive.pacs().store([seg])
    save(store, archive.uids["CR"], some_labels(archive.image("CR"), 1), archive.image("CR"), "final", {}, made)
    with pytest.raises(PRSMedError) as caught:
        store.get_label_uri(image, "final")
    assert caught.value.code == "seg_elsewhere"
    assert [Path(pair["image"]).name for pair in store.datalist()] == [f"{archive.uids['CR']}.nrrd"]


def test_corrections_come_with_their_question_and_one_that_does_not_fit_is_told(
    archive: Archive, store: RemoteStudies, made: Path, tmp_path: Path
) -> None:
    told = {"question": "Where is it?", "view": {"mode": "volume", "slice_range": [0, 5]}, "label_names": {"cyst": 1}}
    labels, volume = (some_labels(archive.image("MR"), 2) == 1).astype(np.uint8), archive.image("MR")
    save(store, archive.uids["MR"], labels, volume, "final", {**told, "user": "ann"}, made)
    ct = archive.image("CT")
    seg = write_seg(some_labels(ct, 0), {}, ct, read_headers(archive.folders["CT"]), Algorithm("x", "", "MANUAL"))
    for group in seg.PerFrameFunctionalGroupsSequence:
        group.PlanePositionSequence[0].ImagePositionPatient[0] += 0.6
    archive.pacs().store([seg])
    store.refresh()
    found = list(read_corrections(store))
    (correction,) = (one for one in found if isinstance(one, Correction))
    assert (correction.image, correction.question, correction.view) == (archive.uids["MR"], *list(told.values())[:2])
    assert (dict(correction.names), correction.group) == (
        {1: "cyst"},
        store.get_image_info(correction.image)["StudyInstanceUID"],
    )
    lessons = draw_lessons(correction, tmp_path)
    assert {lesson.question for lesson in lessons} == {"Where is it?"}
    assert any(lesson.record.mask for lesson in lessons)
    (left,) = (one for one in found if not isinstance(one, Correction))
    assert left["image"] == archive.uids["CT"]


def test_a_label_that_cannot_be_had_hides_no_other(
    archive: Archive, store: RemoteStudies, made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image, volume = archive.uids["CT"], archive.image("CT")
    save(store, image, some_labels(volume, 0), volume, "final", {"user": "first"}, made)
    save(store, image, some_labels(volume, 1), volume, "final", {"user": "second"}, made)
    newest = store.history(image)[0].series
    download = Pacs.download

    def spoiled(pacs: Pacs, series: Series, folder: Path) -> None:
        download(pacs, dataclasses.replace(series, study="1.2.3") if series.uid == newest else series, folder)

    monkeypatch.setattr(Pacs, "download", spoiled)
    reader = archive.open(tmp_path / "other")
    assert [label.info["user"] for label in reader.history(image)] == ["first"]
    monkeypatch.undo()
    assert [label.info["user"] for label in reader.history(image)] == ["second", "first"]


def test_images_are_downloaded_once_and_whole(archive: Archive, store: RemoteStudies, tmp_path: Path) -> None:
    image = archive.uids["MR"]
    with ThreadPoolExecutor(8) as threads:
        folders = set(threads.map(store.source, [image] * 8))
        files = set(threads.map(store.get_image_uri, [image] * 8))
    (folder,), (file,) = folders, files
    assert folder is not None
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]
    original = archive.image("MR")
    for path in (folder, Path(file)):
        np.testing.assert_array_equal(read_volume(path).voxels, original.voxels)
        np.testing.assert_allclose(read_volume(path).affine, original.affine, atol=1e-5)
    store.close()
    assert not Path(file).exists()
    assert archive.open(tmp_path / "folders", as_file=False).get_image_uri(image) != ""


def test_a_series_that_grows_is_fetched_again(archive: Archive, store: RemoteStudies) -> None:
    slices = make_series("CT", np.zeros((8, 8, 4), np.int16), np.diag((1.0, 1.0, 2.0, 1.0)))
    archive.pacs().store(slices[:2])
    store.refresh()
    image = str(slices[0].SeriesInstanceUID)
    before = store.source(image)
    archive.pacs().store(slices[2:])
    store.refresh()
    after = store.source(image)
    assert before is not None
    assert after is not None
    assert (read_volume(before).shape[2], read_volume(after).shape[2]) == (2, 4)


@pytest.mark.parametrize("image", ["", "1.2.3", "../../etc/passwd", "*", "1.2.3/../4", None, ["1.2"], "1." * 40 + "1"])
def test_unknown_ids_are_not_found(archive: Archive, store: RemoteStudies, image: Any, made: Path) -> None:
    assert store.source(image) is None
    assert store.get_image_uri(image) == ""
    assert store.get_image_info(image) == {}
    if isinstance(image, str):
        assert store.get_label_uri(image, "final") == ""
        assert store.get_label_info(image, "final") == {}
    with pytest.raises(ImageNotFoundException):
        store.save_label(image, str(made), "final", {})
    with pytest.raises(ImageNotFoundException):
        store.update_image_info(image, {})


def test_a_search_narrows_the_images(archive: Archive, tmp_path: Path) -> None:
    assert archive.open(tmp_path / "c", search={"Modality": "MR"}).list_images() == [archive.uids["MR"]]


def test_remarks_and_listing(archive: Archive, store: RemoteStudies, made: Path, tmp_path: Path) -> None:
    image, volume = archive.uids["CR"], archive.image("CR")
    save(store, image, some_labels(volume, 0), volume, "final", {}, made)
    store.update_image_info(image, {"strategy": {"first": 1}})
    store.update_label_info(image, "final", {"checked": True})
    with pytest.raises(LabelNotFoundException):
        store.update_label_info(image, "original", {})
    again = archive.open(tmp_path / "cache")
    info = again.get_image_info(image)
    assert (info["Modality"], info["strategy"], info["name"]) == ("CR", {"first": 1}, f"{image}.nrrd")
    assert "SECRET" not in json.dumps(again.json())
    assert again.json()["objects"][image]["labels"]["final"]["info"]["checked"] is True
    zipped = Path(again.get_dataset_archive(None))
    shutil.unpack_archive(zipped, tmp_path / "unzipped")
    zipped.unlink()
    assert (tmp_path / "unzipped" / "label" / f"{image}.nii.gz").is_file()
    for refused in (again.add_image, again.remove_image, again.remove_label):
        with pytest.raises(PRSMedError) as caught:
            refused(image, "x", {})
        assert caught.value.code == "read_only"


def test_nothing_is_stored_of_what_is_wrong(archive: Archive, store: RemoteStudies, made: Path) -> None:
    image, volume = archive.uids["CT"], archive.image("CT")
    labels = some_labels(volume, 0)
    for spoiled in ({"findings": "none"}, {"findings": [{"name": "tumour"}]}, {"label_names": [1]}):
        with pytest.raises(PRSMedError):
            save(store, image, labels, volume, "original", {"model": "m", "params": {**ANSWER, **spoiled}}, made)
    nib.save(nib.Nifti1Image(labels[1:], volume.affine), made)
    with pytest.raises(PRSMedError) as caught:
        store.save_label(image, str(made), "final", {})
    assert caught.value.code == "bad_label_grid"
    assert [series.modality for series in archive.pacs().find({}) if not series.is_image] == []


def test_many_may_save_at_once(archive: Archive, store: RemoteStudies, tmp_path: Path) -> None:
    image, volume = archive.uids["CR"], archive.image("CR")
    saved: list[int] = []
    order = threading.Lock()

    def one(number: int) -> None:
        file = tmp_path / f"{number}.nii.gz"
        labels = np.full(volume.shape, 0, np.uint8)
        labels[number, number] = 1
        with order:  # so that the test knows which is the last
            save(store, image, labels, volume, "final", {"user": str(number)}, file)
            saved.append(number)

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(one, range(8)))
    assert [int(label.info["user"]) for label in store.history(image)] == saved[::-1]
    assert read_volume(store.get_label_uri(image, "final")).voxels[saved[-1], saved[-1], 0] == 1


def test_frames_can_be_fetched_one_by_one(archive: Archive, tmp_path: Path) -> None:
    pacs = Pacs(DICOMwebClientX(url=archive.url), fetch_by_frame=True)
    for modality in MODALITIES:
        folder = RemoteStudies(pacs, tmp_path / "cache").source(archive.uids[modality])
        assert folder is not None
        np.testing.assert_array_equal(read_volume(folder).voxels, archive.image(modality).voxels)


def test_an_archive_that_is_away_is_told_in_words(tmp_path: Path) -> None:
    for archive in fill(tmp_path):
        store = archive.open(tmp_path / "cache")
        image = archive.uids["CT"]
        assert store.source(image) is not None
    store.refresh()
    for away in (store.list_images, store.status, lambda: store.source(image)):
        with pytest.raises(PRSMedError) as caught:
            away()
        assert caught.value.code == "pacs_unreachable"
        assert "127.0.0.1" not in str(caught.value)


def test_an_incomplete_series_is_never_served(archive: Archive, tmp_path: Path) -> None:
    pacs = archive.pacs()
    (series,) = pacs.find({"SeriesInstanceUID": archive.uids["CT"]})
    more = type(series)(series.uid, series.study, "CT", "", series.num_instances + 1)
    with pytest.raises(PRSMedError) as caught:
        pacs.download(more, tmp_path / "got" / "series")
    assert caught.value.code == "pacs_unreachable"
    assert list((tmp_path / "got").iterdir()) == []


def test_the_server_asks_saves_and_corrects_over_http(model: Path, tmp_path: Path) -> None:
    with contextlib.ExitStack() as running:
        archives = fill(tmp_path)
        archive = next(archives)
        environment = {"MONAI_LABEL_DICOMWEB_CACHE_PATH": str(tmp_path / "cache")}
        servers = serve(archive.url, model, tmp_path / "server.log", **environment)  # type: ignore[arg-type]
        running.callback(servers.close)  # type: ignore[attr-defined]
        url = next(servers).url
        for modality in MODALITIES:
            _ask_and_correct(url, archive, modality, tmp_path)
        status = requests.get(f"{url}/datastore/", timeout=60).json()
        assert status == {"total": 3, "completed": 3, "label_tags": {"original": 3, "final": 3}}
        pairs = requests.get(f"{url}/datastore/", params={"output": "train"}, timeout=60).json()
        assert len(pairs) == 3
        kinds = Counter(series.modality for series in archive.pacs().find({}))
        assert kinds == {"CT": 1, "MR": 1, "CR": 1, "SEG": 9, "SR": 3}
        unknown = ask(url, "1.2.3")
        assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, "unknown_image")
        archives.close()
        away = ask(url, archive.uids["CT"], save_label=True)
        assert (away.status_code, away.json()["error"]["code"]) == (503, "pacs_unreachable")
        assert archive.url not in away.text
    log = (tmp_path / "server.log").read_text()
    assert not any(told in log for told in ("SECRET", "Logging error", "1.2.826."))


def _ask_and_correct(url: str, archive: Archive, modality: str, folder: Path) -> None:
    image, volume = archive.uids[modality], archive.image(modality)
    answer, mask = parts(ask(url, image, save_label=True))
    assert mask is not None
    response = ask(url, image, output="dicom_seg")
    assert response.headers["content-type"] == "application/dicom"
    labels, names = read_seg(
        pydicom.dcmread(io.BytesIO(response.content)), volume, read_headers(archive.folders[modality])
    )
    assert labels.any()
    assert list(names) == list(answer["label_names"])
    labels[:, 0], labels[2, 2, 0] = 0, 1
    for value in (0, 1):
        labels[3, 3, 0] = value
        write_labelmap(labels, volume, folder / "corrected.nii.gz")
        with (folder / "corrected.nii.gz").open("rb") as file:
            saved = requests.put(
                f"{url}/datastore/label", params={"image": image, "tag": "final"}, files={"label": file}, timeout=60
            )
        saved.raise_for_status()
    got = requests.get(f"{url}/datastore/label", params={"label": image, "tag": "final"}, timeout=60)
    (folder / "got").mkdir(exist_ok=True)
    (folder / "got" / f"{modality}.nii.gz").write_bytes(got.content)
    np.testing.assert_array_equal(read_volume(folder / "got" / f"{modality}.nii.gz").voxels, labels)
    info = requests.get(f"{url}/datastore/label/info", params={"label": image, "tag": "final"}, timeout=60).json()
    assert info["label_names"] == answer["label_names"]
    assert len(info["history"]) == 1
