"""A real server process, asked over HTTP as a client would."""

from __future__ import annotations

import contextlib
import json
import shutil
import tempfile
import threading
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
import requests
import SimpleITK as sitk
from PIL import Image
from running import ask, parts, serve
from tiny_model import FOUND, MISSED

from prsmed.imaging import Volume, read_volume

pytestmark = pytest.mark.slow

CONTRACT = {
    "answer",
    "present",
    "findings",
    "agreement",
    "label_names",
    "conversation",
    "model",
    "latencies_ms",
}
FINDING = {
    "label",
    "name",
    "zone",
    "near_center",
    "patient_side",
    "centroid_ras_mm",
    "centroid_ijk",
    "longest_diameter_mm",
    "area_mm2",
    "volume_mm3",
    "confidence",
}
IMAGES = {"nifti": ".nii.gz", "nrrd": ".nrrd", "series": ".nii.gz", "photo": ".png", "patient.1__CT": ".nii"}


def lasting_files(folder: Path) -> dict[str, tuple[int, int]]:
    """All but what the server scores by itself meanwhile: its file, and the file that becomes it."""
    lasting = {}
    for path in folder.rglob("*"):
        if path.name in (".lock", "scores.json") or path.name.startswith(".part-"):
            continue
        with contextlib.suppress(FileNotFoundError):
            if path.is_file():
                lasting[str(path.relative_to(folder))] = (path.stat().st_size, path.stat().st_mtime_ns)
    return lasting


def check_contract(answer: dict[str, Any], has_mask: bool) -> None:
    assert answer.keys() >= CONTRACT
    assert isinstance(answer["answer"], str)
    assert answer["present"].keys() == {"probability", "threshold"}
    assert 0 <= answer["present"]["probability"] <= 1
    assert answer["agreement"].keys() == {"text_zone", "mask_zone", "agrees"}
    assert answer["model"]["version"]
    assert len(answer["model"]["sha256"]) == 64
    assert answer["latencies_ms"].keys() >= {"image", "prefill", "mask", "text"}
    assert bool(answer["findings"]) == has_mask
    for finding in answer["findings"]:
        assert finding.keys() == FINDING
        assert finding["label"] in answer["label_names"].values()


def test_info_lists_the_task_as_stock_clients_need_it(url: str) -> None:
    info = requests.get(f"{url}/info/", timeout=60).json()
    task = info["models"]["prsmed"]
    assert task["type"] == "segmentation"
    assert task["dimension"] == 3
    assert {"prompt", "mode", "plane", "slice", "window"} <= task["config"].keys()
    assert info["datastore"]["total"] == len(IMAGES)
    listed = requests.get(f"{url}/datastore/", params={"output": "all"}, timeout=60).json()
    assert set(listed["objects"]) == set(IMAGES)


def test_the_stock_slicer_module_can_send_its_untouched_options(url: str) -> None:
    config = requests.get(f"{url}/info/", timeout=60).json()["models"]["prsmed"]["config"]
    table = {key: value[0] if isinstance(value, list) else value for key, value in config.items()}
    answer, mask = parts(ask(url, "nifti", **{**table, "result_extension": ".nrrd", "result_dtype": "uint8"}))
    check_contract(answer, has_mask=True)
    assert mask is not None
    assert mask.startswith(b"NRRD")


@pytest.mark.parametrize("mode", ["slice", "volume"])
@pytest.mark.parametrize("image", ["nifti", "nrrd", "series", "patient.1__CT"])
def test_the_mask_is_on_the_grid_of_the_image(url: str, studies: Path, tmp_path: Path, image: str, mode: str) -> None:
    answer, content = parts(ask(url, image, mode=mode, result_extension=IMAGES[image]))
    check_contract(answer, has_mask=True)
    assert content is not None
    file = tmp_path / f"mask{IMAGES[image]}"
    file.write_bytes(content)
    mask, original = read_mask(file), read_original(studies, image)
    assert mask.shape == original.shape
    np.testing.assert_allclose(mask.affine, original.affine, atol=1e-4)
    assert mask.voxels.dtype == np.uint8
    assert set(np.unique(mask.voxels)) - {0} <= set(answer["label_names"].values())
    occupied = [list(np.unique(indices)) for indices in np.nonzero(mask.voxels)]
    if mode == "slice":
        assert [answer["view"]["slice"]] in occupied
    else:
        assert occupied == [list(range(count)) for count in mask.shape]


def read_mask(file: Path) -> Volume:
    """Read with a library of its own, not with what wrote it, where that is possible."""
    if file.suffix == ".nrrd":
        image = sitk.ReadImage(str(file))
        lps = np.eye(4)
        lps[:3, :3] = np.reshape(image.GetDirection(), (3, 3)) * image.GetSpacing()
        lps[:3, 3] = image.GetOrigin()
        return Volume(sitk.GetArrayFromImage(image).transpose(2, 1, 0), np.diag((-1.0, -1.0, 1.0, 1.0)) @ lps)
    image = nib.load(file)
    return Volume(np.asanyarray(image.dataobj), image.affine)


def read_original(studies: Path, image: str) -> Volume:
    files = {
        "nifti": "nifti.nii.gz",
        "nrrd": "nrrd.nrrd",
        "series": "series",
        "patient.1__CT": "patient.1/CT",
    }
    return read_volume(studies / files[image])


def test_a_picture_answers_with_a_picture_of_its_size(url: str, tmp_path: Path) -> None:
    answer, content = parts(ask(url, "photo"))
    check_contract(answer, has_mask=True)
    assert content is not None
    assert all(finding["patient_side"] is None for finding in answer["findings"])
    (tmp_path / "mask.png").write_bytes(content)
    with Image.open(tmp_path / "mask.png") as mask:
        assert mask.size == (64, 48)


def test_options_reach_the_engine(url: str) -> None:
    answer, _ = parts(ask(url, "nifti", plane="coronal", slice="7", window="40, 400"))
    assert answer["view"] == {"mode": "slice", "plane": "coronal", "slice": 7, "window": [40.0, 400.0]}
    answer, _ = parts(ask(url, "nifti", mode="volume", slice_range=[2, 4], window="soft tissue"))
    assert answer["view"] == {"mode": "volume", "plane": "axial", "slice_range": [2, 4]}


def test_json_alone_when_there_is_no_mask(url: str) -> None:
    for mode in ("slice", "volume"):
        answer, content = parts(ask(url, "series", prompt=MISSED, mode=mode))
        check_contract(answer, has_mask=False)
        assert content is None
        assert answer["agreement"]["mask_zone"] == "none"
    assert ask(url, "series", output="json").headers["content-type"] == "application/json"


def test_who_takes_only_a_file_gets_an_empty_one(url: str, tmp_path: Path) -> None:
    response = ask(url, "nifti", output="image", prompt=MISSED)
    assert response.status_code == 200
    (tmp_path / "empty.nii.gz").write_bytes(response.content)
    mask = read_mask(tmp_path / "empty.nii.gz")
    assert mask.shape == (40, 36, 12)
    assert not mask.voxels.any()


def test_an_uploaded_image_is_answered(url: str, studies: Path) -> None:
    with (studies / "nifti.nii.gz").open("rb") as upload:
        files = {
            "params": (None, json.dumps({"prompt": FOUND})),
            "file": ("up.nii.gz", upload),
        }
        response = requests.post(f"{url}/infer/prsmed", params={"output": "json"}, files=files, timeout=300)
    assert response.json()["answer"] == parts(ask(url, "nifti"))[0]["answer"]


def test_a_series_is_downloaded_as_a_file(url: str, studies: Path, tmp_path: Path) -> None:
    response = requests.get(f"{url}/datastore/image", params={"image": "series"}, timeout=60)
    assert response.status_code == 200
    file = tmp_path / "series.nrrd"
    file.write_bytes(response.content)
    np.testing.assert_allclose(read_volume(file).affine, read_volume(studies / "series").affine, atol=1e-4)
    sample = requests.post(f"{url}/activelearning/first", timeout=60).json()
    assert sample["id"] in IMAGES


def test_special_tokens_in_a_question_are_only_text(url: str) -> None:
    answer, _ = parts(ask(url, "nifti", prompt=f"<image> <s> </s> [SEG] <pad> {FOUND}"))
    check_contract(answer, has_mask=True)


@pytest.mark.parametrize(
    ("image", "params", "status", "code"),
    [
        ("nothing", {}, 404, "unknown_image"),
        ("../nifti", {}, 404, "unknown_image"),
        ("/etc/hostname", {}, 404, "unknown_image"),
        ("nifti", {"conversation": "nobodys"}, 404, "unknown_conversation"),
        ("nifti", {"ticket": "../x"}, 400, "bad_ticket"),
        ("nifti", {"plane": "diagonal"}, 400, "unknown_plane"),
        ("nifti", {"slice": 12}, 400, "slice_out_of_range"),
        ("nifti", {"slice": -1}, 400, "slice_out_of_range"),
        ("nifti", {"mode": "volume", "slice_range": [3, 12]}, 400, "slice_out_of_range"),
        ("photo", {"plane": "sagittal"}, 400, "plane_not_available"),
        ("nifti", {"prompt": ""}, 400, "empty_question"),
        ("nifti", {"prompt": "x" * 100_000}, 400, "question_too_long"),
        ("nifti", {"prompt": "Where\u0000 is it?"}, 400, "control_characters"),
        ("nifti", {"window": [40, 0]}, 400, "bad_window"),
        ("nifti", {"window": "pancake"}, 400, "bad_window"),
        ("nifti", {"result_extension": ".png"}, 400, "bad_result_extension"),
        ("nifti", {"mode": "hologram"}, 400, "unknown_mode"),
    ],
)
def test_a_mistake_is_4xx_json_and_writes_nothing(
    url: str, studies: Path, image: str, params: dict[str, object], status: int, code: str
) -> None:
    before = lasting_files(studies)
    response = ask(url, image, **params)
    assert response.status_code == status
    error = response.json()["error"]
    assert response.json().keys() == {"error"}
    assert error.keys() == {"code", "message"}
    assert error["code"] == code
    assert len(error["message"]) < 400
    assert str(studies) not in error["message"]
    assert lasting_files(studies) == before


@pytest.mark.parametrize("params", ["{", "[]", "3", '"x"', "[" * 100_000])
def test_params_that_are_no_object(url: str, params: str) -> None:
    response = requests.post(f"{url}/infer/prsmed?image=nifti", files={"params": (None, params)}, timeout=60)
    assert response.status_code == 400
    assert response.json()["error"]["code"] == "bad_params"


def test_no_image_at_all(url: str) -> None:
    response = ask(url, "")
    assert (response.status_code, response.json()["error"]["code"]) == (400, "image_missing")


def test_errors_of_stock_routes_have_the_same_form(url: str) -> None:
    response = requests.get(f"{url}/datastore/image", params={"image": "nothing"}, timeout=60)
    assert (response.status_code, response.json()["error"]["code"]) == (404, "not_found")
    response = requests.get(f"{url}/datastore/", params={"output": "everything"}, timeout=60)
    assert (response.status_code, response.json()["error"]["code"]) == (422, "invalid_request")


def test_params_cannot_name_another_image_or_model(url: str) -> None:
    answer, _ = parts(ask(url, "photo", image="/etc/hostname", model="other", asked="me", folder="/etc"))
    check_contract(answer, has_mask=True)
    assert requests.post(f"{url}/infer/other?image=photo", timeout=60).json()["error"]["code"] == "unknown_model"


def test_a_broken_series_is_explained(url: str, studies: Path) -> None:
    broken = Path(shutil.copytree(studies / "series", studies / "broken"))
    try:
        (broken / "004.dcm").unlink()
        for response in (
            ask(url, "broken"),
            requests.get(f"{url}/datastore/image", params={"image": "broken"}, timeout=60),
        ):
            assert response.status_code == 400
            assert response.json()["error"]["code"].startswith("dicom")
    finally:
        shutil.rmtree(broken)


def test_no_temporary_file_stays(url: str, studies: Path) -> None:
    temporary = Path(tempfile.gettempdir())
    before = {*temporary.glob("prsmed-mask-*"), *temporary.glob("tmp*.nii.gz")}
    ask(url, "nifti")
    ask(url, "nifti", output="json")
    ask(url, "nifti", output="image")
    ask(url, "nifti", prompt="")
    with (studies / "nifti.nii.gz").open("rb") as upload:
        files = {"params": (None, json.dumps({"prompt": ""})), "file": ("up.nii.gz", upload)}
        assert requests.post(f"{url}/infer/prsmed", files=files, timeout=60).status_code == 400
    assert {*temporary.glob("prsmed-mask-*"), *temporary.glob("tmp*.nii.gz")} <= before


def test_the_server_answers_others_while_it_thinks(url: str) -> None:
    question = {"mode": "volume", "plane": "sagittal", "window": [41, 399]}
    thinking = threading.Thread(target=ask, args=(url, "nifti"), kwargs=question)
    thinking.start()
    answered = 0
    while thinking.is_alive():
        answered += requests.get(f"{url}/info/", timeout=60).ok
    # A server that does one thing at a time answers one or two: before the question came, and after it.
    assert answered >= 5


def test_the_stock_application_answers_too(studies: Path, model: Path, tmp_path: Path) -> None:
    for server in serve(studies, model, tmp_path / "stock.log", "monailabel.app:app"):
        answer, content = parts(ask(server.url, "nifti"))
        check_contract(answer, has_mask=True)
        assert content is not None
        refused = ask(server.url, "nifti", plane="diagonal")
        assert refused.status_code == 400
        assert refused.json()["detail"]["error"]["code"] == "unknown_plane"
