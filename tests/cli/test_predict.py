"""`prsmed predict` over a small archive."""

from __future__ import annotations

import csv
import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from prsmed import predict as predict_room
from prsmed.cli import main
from prsmed.errors import PRSMedError
from prsmed.model.checkpoint import save_checkpoint
from prsmed.model.prsmed import PRSMed
from prsmed.predict import Predicted, predict
from prsmed.studies import find_studies

QUESTION = "Where is the tumour?"


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two pictures, a volume, and a file that is no picture though its name says so."""
    folder = tmp_path_factory.mktemp("archive")
    rng = np.random.default_rng(0)
    (folder / "a" / "deep").mkdir(parents=True)
    for name in ("a/one.png", "a/deep/two.png"):
        Image.fromarray(rng.integers(0, 256, (40, 30), dtype=np.uint8)).save(folder / name)
    volume = nib.Nifti1Image(rng.normal(0, 1, (20, 18, 4)).astype(np.float32), np.diag([-2.0, -2.0, 3.0, 1.0]))
    nib.save(volume, folder / "scan.nii.gz")
    (folder / "broken.png").write_bytes(b"no picture")
    (folder / "notes.txt").write_text("not an image")
    return folder


@pytest.fixture
def model(make_tiny: Callable[..., PRSMed], tmp_path: Path) -> str:
    save_checkpoint(make_tiny(presence_threshold=0.0, mask_threshold=0.0), tmp_path / "tiny", "tiny-1")
    return str(tmp_path / "tiny")


def table(folder: Path) -> dict[str, dict[str, str]]:
    with (folder / "summary.csv").open(newline="") as lines:
        return {row["image"]: row for row in csv.DictReader(lines)}


def test_every_study_has_a_result_a_mask_and_a_line(archive: Path, model: str, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    told = predict(archive, QUESTION, tmp_path / "out", model=model, progress=lambda *now: seen.append(now))
    assert told == Predicted(4, 3, 1, tmp_path / "out" / "summary.csv")
    assert seen == [(0, 4), (1, 4), (2, 4), (3, 4), (4, 4)]
    rows = table(tmp_path / "out")
    assert list(rows) == ["a/deep/two.png", "a/one.png", "broken.png", "scan.nii.gz"]
    assert rows["broken.png"]["status"] == "failed"
    assert rows["broken.png"]["error"].startswith("unreadable_image: broken.png")
    assert not rows["broken.png"]["mask"]
    for name, shape in (("a/one.png", (30, 40, 1)), ("scan.nii.gz", (20, 18, 4))):
        mask = nib.load(tmp_path / "out" / rows[name]["mask"])
        assert mask.shape == shape
        assert np.asarray(mask.dataobj).any() == (rows[name]["zone"] != "")
    results = [json.loads(path.read_text()) for path in (tmp_path / "out" / "studies").iterdir()]
    by_name = {result["image"]: result for result in results}
    assert by_name.keys() == rows.keys()
    assert by_name["scan.nii.gz"]["answer"] == rows["scan.nii.gz"]["answer"]
    assert by_name["scan.nii.gz"]["model"]["version"] == "tiny-1"


def asked(monkeypatch: pytest.MonkeyPatch, stop_at: str = "") -> list[str]:
    """Studies that are asked from now on; the process dies when one of that name has its mask but no result yet."""
    names: list[str] = []
    write = predict_room._write

    def write_or_die(folder: Path, study: Any, result: dict[str, Any]) -> None:
        if study.name == stop_at:
            raise KeyboardInterrupt
        names.append(study.name)
        write(folder, study, result)

    monkeypatch.setattr(predict_room, "_write", write_or_die)
    return names


def test_a_stopped_run_goes_on_where_it_was(
    archive: Path, model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        first = asked(patch, stop_at="a/one.png")
        with pytest.raises(KeyboardInterrupt):
            predict(archive, QUESTION, tmp_path / "out", model=model)
    assert first == ["a/deep/two.png"]
    with monkeypatch.context() as patch:
        second = asked(patch)
        assert predict(archive, QUESTION, tmp_path / "out", model=model).done == 3
    assert second == ["a/one.png", "broken.png", "scan.nii.gz"]
    with monkeypatch.context() as patch:
        third = asked(patch)
        predict(archive, QUESTION, tmp_path / "out", model=model)
    assert third == ["broken.png"], "it may have been repaired"


def test_a_repaired_study_is_answered(archive: Path, model: str, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    shutil.copytree(archive, mine)
    assert predict(mine, QUESTION, tmp_path / "out", model=model).failed == 1
    shutil.copy(mine / "a" / "one.png", mine / "broken.png")
    assert predict(mine, QUESTION, tmp_path / "out", model=model) == Predicted(
        4, 4, 0, tmp_path / "out" / "summary.csv"
    )


def test_processes_share_the_studies(
    archive: Path, model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shares = []
    for rank in range(3):
        with monkeypatch.context() as patch:
            patch.setenv("RANK", str(rank))
            patch.setenv("WORLD_SIZE", "3")
            shares.append(asked(patch))
            told = predict(archive, QUESTION, tmp_path / "out", model=model)
    assert shares == [["a/deep/two.png", "scan.nii.gz"], ["a/one.png"], ["broken.png"]]
    assert (told.done, told.failed) == (3, 1), "the last one's table has everybody's"
    predict(archive, QUESTION, tmp_path / "alone", model=model)
    one, other = table(tmp_path / "out"), table(tmp_path / "alone")
    assert [{**row, "seconds": ""} for row in one.values()] == [{**row, "seconds": ""} for row in other.values()]


def test_results_within_the_archive_are_no_studies(archive: Path, model: str, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    shutil.copytree(archive, mine)
    for _ in range(2):
        assert predict(mine, QUESTION, mine / "out", model=model).studies == 4


def test_a_list_names_studies_and_questions(archive: Path, model: str, tmp_path: Path) -> None:
    lines = [
        "image,question,note",
        "a/one.png,Is there a polyp?,x",
        "a/one.png,,y",
        "nowhere.png,,",
        "a/one.png,,again",
    ]
    (archive / "list.csv").write_text("\n".join(lines))
    told = predict(archive / "list.csv", QUESTION, tmp_path / "out", model=model)
    assert (told.studies, told.done, told.failed) == (3, 2, 1)
    with (tmp_path / "out" / "summary.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["question"] for row in rows] == ["Is there a polyp?", QUESTION, QUESTION]
    assert rows[2]["error"].startswith("file_not_found")


def test_a_folder_of_dicom_files_is_one_study(shared_data: Path, tmp_path: Path) -> None:
    series = shared_data / "volumes" / "brain_mr_dicom"
    if not series.is_dir():
        pytest.skip("no DICOM series among the shared images")
    found = find_studies(series, QUESTION, leave_out=tmp_path)
    assert [study.path for study in found] == sorted(path for path in series.iterdir() if path.is_dir())
    assert len({study.key for study in found}) == len(found)


def test_no_name_leaves_the_folder_of_results(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("image\n../../etc/passwd\n" + "x" * 300 + ".png\na b.png\na-b.png\n")
    keys = [study.key for study in find_studies(tmp_path / "list.csv", QUESTION, leave_out=tmp_path / "out")]
    assert len(set(keys)) == 4
    assert all(len(key) < 80 and not set(key) & set("/. \\") for key in keys)


def test_results_of_another_model_or_view_are_not_mixed(
    archive: Path, model: str, tmp_path: Path, make_tiny: Callable[..., PRSMed]
) -> None:
    predict(archive, QUESTION, tmp_path / "out", model=model)
    save_checkpoint(make_tiny(presence_threshold=0.5), tmp_path / "other", "tiny-2")
    for changes, name in (({"model": str(tmp_path / "other")}, "model"), ({"model": model, "plane": "axial"}, "plane")):
        with pytest.raises(PRSMedError, match=name) as caught:
            predict(archive, QUESTION, tmp_path / "out", **changes)
        assert caught.value.code == "other_run"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["{archive}/nowhere", QUESTION], "file_not_found"),
        (["{archive}/notes.txt", QUESTION], "bad_manifest"),
        (["{archive}/scan.nii.gz", QUESTION], "bad_manifest"),
        (["{empty}", QUESTION], "no_studies"),
        (["{archive}", " "], "empty_question"),
        (["{archive}", QUESTION, "--plane", "slanted"], "bad_plane"),
        (["{archive}", QUESTION, "--window", "a,b"], "bad_window"),
    ],
    ids=lambda value: value if isinstance(value, str) else value[-1].rpartition("/")[2],
)
def test_mistakes_are_told_before_anything_is_asked(
    words: list[str],
    code: str,
    archive: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "empty").mkdir()
    words = [word.format(archive=archive, empty=tmp_path / "empty") for word in words]
    monkeypatch.setattr(sys, "argv", ["prsmed", "predict", *words, "--out", str(tmp_path / "out"), "--json"])
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 2
    assert json.loads(capsys.readouterr().out)["error"]["code"] == code
    assert not (tmp_path / "out" / "summary.csv").exists()
