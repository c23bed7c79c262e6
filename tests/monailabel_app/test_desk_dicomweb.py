"""The desk in front of a real Orthanc."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from monailabel.datastore.dicom import DICOMwebClientX
from orthanc import orthanc
from remote_studies import make_studies

from monailabel_app.ask import AskTask
from monailabel_app.conversations import Conversations
from monailabel_app.dicomweb import RemoteStudies
from monailabel_app.next_study import Desk, Reader, open_desk, scores_in_background
from monailabel_app.pacs import Pacs
from monailabel_app.settings import ServerSettings
from monailabel_app.studies import VolumeCache
from monailabel_app.turns import Line
from prsmed.errors import PRSMedError
from prsmed.imaging import read_volume, write_labelmap
from prsmed.inference import Engine

pytestmark = pytest.mark.slow


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RemoteStudies]:
    with orthanc(tmp_path / "orthanc") as url:
        pacs = Pacs(DICOMwebClientX(url=url))
        for slices in make_studies().values():
            pacs.store(slices)
        datastore = RemoteStudies(pacs, tmp_path / "cache")
        yield datastore
        datastore.close()


@pytest.fixture
def desk(store: RemoteStudies, model: Path) -> Iterator[Desk]:
    task = AskTask(Engine(model, device="cpu"), VolumeCache(1 << 20), Line(8), Conversations(8, 8, 60))
    desk = open_desk(task, store, ServerSettings())
    yield desk
    desk.scorer.stop()


def test_series_are_handed_out_once_and_free_when_labelled(store: RemoteStudies, desk: Desk, tmp_path: Path) -> None:
    given = [desk.next("first", Reader(name)) for name in ("ann", "bob", "cyd", "dan")]
    assert sorted(each["id"] for each in given[:3]) == sorted(store.list_images())
    assert "id" not in given[3]
    volume = read_volume(store.source(given[0]["id"]))
    write_labelmap(np.ones(volume.shape, np.uint8), volume, tmp_path / "label.nii.gz")
    store.save_label(given[0]["id"], str(tmp_path / "label.nii.gz"), "final", {"question": "Where is the cyst?"})
    assert desk.next("first", Reader("dan"))["reason"].startswith("All 2 unlabelled images are with other readers")


def test_series_are_scored_when_asked_for(store: RemoteStudies, desk: Desk, tmp_path: Path) -> None:
    assert not list((tmp_path / "cache" / "series").rglob("*.dcm"))
    desk.scorer.start()
    end = time.monotonic() + 60
    while desk.scorer.progress() != (3, 3):
        assert time.monotonic() < end
        time.sleep(0.05)
    asked = {row["question"] for row in desk.scores()["scores"].values()}
    assert asked == {"Where is the lesion?", "Where is the tumour?", "Where is the opacity?"}
    assert desk.next("blend", Reader("ann"))["question"] in asked
    desk.scorer.stop()
    assert (tmp_path / "cache" / "scores.json").exists()


def test_an_archive_that_is_away_is_told(model: Path, tmp_path: Path) -> None:
    away = RemoteStudies(Pacs(DICOMwebClientX(url="http://127.0.0.1:9/dicom-web")), tmp_path / "cache")
    task = AskTask(Engine(model, device="cpu"), VolumeCache(1 << 20), Line(8), Conversations(8, 8, 60))
    desk = open_desk(task, away, ServerSettings())
    with pytest.raises(PRSMedError) as caught:
        desk.next("first", Reader("ann"))
    assert caught.value.code == "pacs_unreachable"


@pytest.mark.parametrize(
    ("studies", "scoring", "expected"),
    [
        ("/srv/studies", "auto", True),
        ("https://pacs.example.org/dicom-web", "auto", False),
        ("https://pacs.example.org/dicom-web", "all", True),
        ("/srv/studies", "off", False),
    ],
)
def test_a_whole_archive_is_not_downloaded_unasked(studies: str, scoring: str, expected: bool) -> None:
    assert scores_in_background(studies, ServerSettings(scoring=scoring)) == expected  # type: ignore[arg-type]
