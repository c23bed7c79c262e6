"""The guard's judgements, without a server."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest

from monailabel_app.guard.api_keys import ApiKeys, add_key
from monailabel_app.guard.identity import Person
from monailabel_app.guard.labels import check_label, names_of
from monailabel_app.guard.neighbours import check_neighbour
from monailabel_app.guard.privacy import Discretion
from prsmed.errors import PRSMedError
from prsmed.imaging import Volume

AFFINE = np.diag((0.5, 0.5, 3.0, 1.0))


def label_file(folder: Path, voxels: np.ndarray, affine: np.ndarray = AFFINE) -> Path:
    nib.save(nib.Nifti1Image(voxels, affine), folder / "label.nii.gz")
    return folder / "label.nii.gz"


def code_of(*args: Any) -> str | None:
    try:
        check_label(*args)
    except PRSMedError as error:
        return error.code
    return None


@pytest.fixture
def image() -> Volume:
    return Volume(np.zeros((5, 4, 3), np.int16), AFFINE)


def test_a_label_lies_where_its_image_does(image: Volume, tmp_path: Path) -> None:
    voxels = np.ones((5, 4, 3), np.uint8)
    assert code_of(label_file(tmp_path, voxels), image, None) is None
    rounding, turned, flipped, scaled = (AFFINE.copy() for _ in range(4))
    rounding[:3, 3] += 0.01
    turned[:3, :3] = AFFINE[:3, :3] @ np.array([[0, 1, 0], [-1, 0, 0], [0, 0, 1]])
    flipped[0, 0], flipped[0, 3] = -0.5, 2.0
    scaled[2, 2] = 3.2
    assert code_of(label_file(tmp_path, voxels, rounding), image, None) is None
    for affine in (turned, flipped, scaled):
        assert code_of(label_file(tmp_path, voxels, affine), image, None) == "bad_label_grid"
    picture = Volume(np.zeros((5, 4, 3), np.uint8), np.diag((-1.0, -1.0, 1.0, 1.0)), has_patient_space=False)
    assert code_of(label_file(tmp_path, voxels), picture, None) is None


@pytest.mark.parametrize("values", [[-1, 0], [0, 256], [0.5], [np.nan], [np.inf]])
def test_labels_are_small_whole_numbers(image: Volume, tmp_path: Path, values: list[float]) -> None:
    voxels = np.resize(np.array(values, np.float32), (5, 4, 3))
    assert code_of(label_file(tmp_path, voxels), image, None) in ("bad_label_values", "bad_voxels")


def test_values_need_names_where_names_are_given(image: Volume, tmp_path: Path) -> None:
    voxels = np.resize(np.array([0, 2], np.uint8), (5, 4, 3))
    file = label_file(tmp_path, voxels)
    assert code_of(file, image, {2: "tumour"}) is None
    assert code_of(file, image, {1: "tumour"}) == "unknown_label"
    assert code_of(file, image, {}) == "unknown_label"


def test_names_come_from_the_client_or_the_prediction() -> None:
    predicted = {"params": {"label_names": {"tumour": 1}}}
    assert names_of({}, predicted) == {1: "tumour"}
    assert names_of({}, {}) is None
    assert names_of({"label_names": {"liver": 3}}, predicted) == {3: "liver"}
    stock = {"label_info": [{"name": "a", "idx": 2}, {"name": "b", "idx": 3}, "nonsense"]}
    assert set(names_of(stock, {}) or {}) == {1, 2, 3}
    with pytest.raises(PRSMedError, match="give a number to each name"):
        names_of({"label_names": {"tumour": "one"}}, {})


def test_roles_include_the_lesser_ones() -> None:
    assert [Person("a", frozenset({"reviewer"})).may(role) for role in ("admin", "reviewer", "annotator", "user")] == [
        False,
        True,
        True,
        True,
    ]
    assert not Person("a", frozenset()).may("user")


@pytest.mark.parametrize(
    ("reached", "host", "origin", "code"),
    [
        ("127.0.0.1", "localhost", None, None),
        ("::1", "[::1]", "http://localhost:3000", None),
        (None, "anything", None, None),
        ("127.0.0.1", "127.0.0.1", "https://viewer.example", None),
        ("10.0.0.7", "10.0.0.7", None, "keys_required"),
        ("127.0.0.1", "rebound.example", None, "foreign_page"),
        ("127.0.0.1", "127.0.0.1", "https://evil.example", "foreign_page"),
        ("127.0.0.1", "127.0.0.1", "http://localhost.evil.example", "foreign_page"),
        ("127.0.0.1", "127.0.0.1", "null", "foreign_page"),
    ],
)
def test_who_is_let_in_without_keys(reached: str | None, host: str, origin: str | None, code: str | None) -> None:
    found = None
    try:
        check_neighbour(reached, host, origin, ["https://viewer.example"])
    except PRSMedError as error:
        found = error.code
    assert found == code


def test_keys_are_kept_as_hashes_and_bad_lines_are_told(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    key = add_key(file, "alice", "annotator,reviewer")
    file.write_text(f"# a note\n\n{file.read_text()}")
    assert ApiKeys(file).find(key) == ("alice", frozenset({"annotator", "reviewer"}))
    assert ApiKeys(file).find("") is None
    assert file.stat().st_mode & 0o077 == 0
    file.write_text("alice annotator secret\n")
    with pytest.raises(PRSMedError, match="is no key") as caught:
        ApiKeys(file)
    assert caught.value.code == "bad_api_keys"


def test_discretion_takes_out_paths_and_patients() -> None:
    formatter = Discretion(logging.Formatter("%(message)s"), ["/data/studies"], lambda: ["DOE_JOHN", "ct"])

    def line(text: str, level: int) -> str:
        return formatter.format(logging.LogRecord("x", level, "x.py", 1, text, (), None))

    assert line("lost '/data/studies/DOE JOHN/1.dcm' again", logging.INFO) == "lost '<path>' again"
    assert line("series 1.2.840.113619.2.55.3.604 at 127.0.0.1", logging.INFO) == "series <uid> at 127.0.0.1"
    assert line("no such image: DOE_JOHN (ct)", logging.ERROR) == "no such image: <image> (ct)"
