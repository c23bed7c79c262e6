from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from prsmed.data import Conversation, Record, look
from prsmed.errors import PRSMedError
from prsmed.evaluation import evaluate, judge
from prsmed.evaluation.saved import SavedSystem, export_questions
from prsmed.evaluation.saved.mask_file import read_probability

Lines = list[list[str]]


def quiet(done: int, total: int) -> None:
    """No progress shown."""


@pytest.fixture
def answers(asked: Sequence[Conversation], image_root: Path, tmp_path: Path) -> Path:
    """What a system would write that knows the truth: masks at the image's size, the true words, presence."""
    lines: Lines = [["id", "mask", "answer", "presence"]]
    for item in asked:
        name = f"{item.id}.png" if item.turn.present else ""
        if name:
            Image.fromarray(look(item.record, image_root).mask * np.uint8(255)).save(tmp_path / name)
        lines.append([item.id, name, item.turn.answer, "0.9" if item.turn.present else "0.2"])
    write(tmp_path, lines)
    return tmp_path


def write(folder: Path, lines: Lines) -> None:
    with (folder / "predictions.csv").open("w", newline="") as file:
        csv.writer(file).writerows(lines)


def lines_of(folder: Path) -> Lines:
    with (folder / "predictions.csv").open(newline="") as file:
        return list(csv.reader(file))


def test_who_answers_the_truth_gets_full_marks(asked: Sequence[Conversation], image_root: Path, answers: Path) -> None:
    outcomes = [judge(answered) for answered in SavedSystem(answers, asked).ask(asked, image_root)]
    assert [outcome.id for outcome in outcomes] == [item.id for item in asked]
    present = [outcome for outcome in outcomes if outcome.present]
    assert {outcome.dice for outcome in present} == {1.0}
    assert all(outcome.text_place and outcome.text_place.has_zones_of(outcome.true_place) for outcome in present)
    assert all(outcome.says_present == outcome.present for outcome in outcomes)
    assert all(outcome.mask_share == 0 and outcome.text_denies for outcome in outcomes if not outcome.present)


def test_the_report_is_that_of_a_model(
    image_root: Path, answers: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    out = tmp_path_factory.mktemp("report")
    found = evaluate("unused", None, image_root, out, quiet, predictions=answers)
    assert found.model.kind == "saved"
    assert found.summary["dice"]["macro"].value == 1
    assert found.summary["mdice"]["macro"].value > 0.9
    assert (out / "report.html").is_file()


def test_a_system_may_have_neither_words_nor_presence(
    asked: Sequence[Conversation], image_root: Path, answers: Path
) -> None:
    write(answers, [line[:2] for line in lines_of(answers)])
    for answered in SavedSystem(answers, asked).ask(asked, image_root):
        assert (answered.prediction.text, answered.prediction.presence) == (None, None)


def test_the_questions_another_system_gets_tell_nothing_of_the_truth(
    asked: Sequence[Conversation], image_root: Path, tmp_path: Path
) -> None:
    with export_questions(asked, image_root, tmp_path, quiet).open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["id"] for row in rows] == [item.id for item in asked]
    assert rows[0].keys() == {"id", "image", "question", "target"}
    for row, item in zip(rows, asked, strict=True):
        with Image.open(tmp_path / row["image"]) as picture:
            assert np.array_equal(np.asarray(picture), look(item.record, image_root).pixels)
    assert {path.name for path in tmp_path.iterdir()} == {"questions.csv", "images"}
    assert len(list((tmp_path / "images").iterdir())) == len({item.record.image for item in asked})


def _change(row: int, column: int, text: str) -> Callable[[Lines], object]:
    return lambda lines: lines[row].__setitem__(column, text)


BROKEN: dict[str, tuple[Callable[[Lines], object], str, str]] = {
    "a line missing": (lambda lines: lines.pop(), "missing_predictions", "1 of"),
    "all lines missing": (
        lambda lines: lines.__delitem__(slice(1, None)),
        "missing_predictions",
        "questions have no line",
    ),
    "an id not asked": (lambda lines: lines.append(["other", "", "no", "0"]), "bad_predictions", "not asked (other)"),
    "an id twice": (lambda lines: lines.append(lines[1]), "bad_predictions", "a second time"),
    "no id": (_change(1, 0, ""), "bad_predictions", "line 2 has no id"),
    "presence in words": (_change(1, 3, "yes"), "bad_predictions", "presence 'yes'"),
    "presence over one": (_change(1, 3, "1.2"), "bad_predictions", "presence '1.2'"),
    "presence that is no number": (_change(1, 3, "nan"), "bad_predictions", "presence 'nan'"),
    "a cell too few": (lambda lines: lines[1].pop(), "bad_predictions", "line 2 has more or fewer cells"),
    "a cell too many": (lambda lines: lines[1].append("x"), "bad_predictions", "line 2 has more or fewer cells"),
    "a misspelt column": (_change(0, 2, "anwser"), "bad_predictions", "columns id, mask, anwser"),
    "no mask column": (_change(0, 1, "masks"), "bad_predictions", "it needs id, mask"),
    "a column twice": (_change(0, 3, "answer"), "bad_predictions", "each once"),
    "nothing": (lambda lines: lines.clear(), "bad_predictions", "columns none"),
}


@pytest.mark.parametrize(("change", "code", "says"), BROKEN.values(), ids=BROKEN)
def test_a_broken_table_is_refused(
    change: Callable[[Lines], object], code: str, says: str, asked: Sequence[Conversation], answers: Path
) -> None:
    lines = lines_of(answers)
    change(lines)
    write(answers, lines)
    with pytest.raises(PRSMedError) as refused:
        SavedSystem(answers, asked)
    assert refused.value.code == code
    assert says in str(refused.value)


def test_no_table_and_no_text_are_refused(asked: Sequence[Conversation], tmp_path: Path) -> None:
    with pytest.raises(PRSMedError, match=r"no predictions\.csv"):
        SavedSystem(tmp_path, asked)
    (tmp_path / "predictions.csv").write_bytes(b"id,mask\n\xff\xfe\x00")
    with pytest.raises(PRSMedError, match="UTF-8"):
        SavedSystem(tmp_path, asked)


RECORD = Record("a.png", None, "brain_mri", "made", "tumour", "g", "val", "CC0")
TRUE = np.zeros((20, 30), dtype=bool)
TRUE[5:9, 20:28] = True


def save(folder: Path, name: str, values: np.ndarray) -> None:
    if name.endswith(".npy"):
        np.save(folder / name, values)
    elif name.endswith(".nii.gz"):
        nib.save(nib.Nifti1Image(values, np.diag([-1.0, -1.0, 1.0, 1.0])), folder / name)
    else:
        Image.fromarray(values).save(folder / name)


FORMS = {
    "8 bit": ("m.png", TRUE * np.uint8(255)),
    "0 and 1": ("m.png", TRUE.astype(np.uint8)),
    "1 bit": ("m.png", TRUE),
    "16 bit": ("m.png", TRUE * np.uint16(65535)),
    "array": ("m.npy", TRUE),
    "probability": ("m.npy", TRUE.astype(np.float64)),
    "volume": ("m.nii.gz", TRUE.T[:, :, None].astype(np.uint8)),
}


@pytest.mark.parametrize(("name", "values"), FORMS.values(), ids=FORMS)
def test_a_mask_is_read_as_it_was_drawn(name: str, values: np.ndarray, tmp_path: Path) -> None:
    save(tmp_path, name, values)
    assert np.array_equal(read_probability(tmp_path, name, RECORD, TRUE.shape), TRUE.astype(np.float32))


def test_of_a_volume_the_slice_asked_about_is_taken(tmp_path: Path) -> None:
    voxels = np.zeros((30, 20, 4), np.uint8)
    voxels[:, :, 2] = TRUE.T
    save(tmp_path, "m.nii.gz", voxels)
    for index, expected in ((2, TRUE), (1, np.zeros_like(TRUE))):
        record = replace(RECORD, plane="axial", slice=index)
        assert np.array_equal(read_probability(tmp_path, "m.nii.gz", record, TRUE.shape) > 0, expected)


REFUSED = {
    "another size": ("m.png", np.zeros((20, 31), np.uint8), "(20, 31) pixels, its image (20, 30)"),
    "colours": ("m.png", np.zeros((20, 30, 3), np.uint8), "one grey channel"),
    "logits": ("m.npy", np.full((20, 30), -3.0), "values from -3.0"),
    "no number": ("m.npy", np.full((20, 30), np.nan), "probabilities within 0..1"),
    "several slices": ("m.nii.gz", np.zeros((30, 20, 4), np.uint8), "4 slices"),
}


@pytest.mark.parametrize(("name", "values", "says"), REFUSED.values(), ids=REFUSED)
def test_a_mask_that_cannot_be_compared_is_refused(name: str, values: np.ndarray, says: str, tmp_path: Path) -> None:
    save(tmp_path, name, values)
    with pytest.raises(PRSMedError) as refused:
        read_probability(tmp_path, name, RECORD, TRUE.shape)
    assert refused.value.code == "bad_prediction"
    assert says in str(refused.value)


@pytest.mark.parametrize(
    ("name", "says"),
    [("../m.png", "leads out"), ("/m.png", "leads out"), ("m.png", "is not in"), ("m.gif", "no known ending")],
)
def test_a_path_that_leads_nowhere_is_refused(name: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "m.gif").touch()
    with pytest.raises(PRSMedError, match=says):
        read_probability(tmp_path, name, RECORD, TRUE.shape)


@pytest.mark.parametrize("name", ["m.png", "m.npy", "m.nii.gz"])
def test_junk_and_pickles_are_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"no mask at all")
    with pytest.raises(PRSMedError, match="cannot be"):
        read_probability(tmp_path, name, RECORD, TRUE.shape)
    np.save(tmp_path / "m.npy", np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(PRSMedError, match="cannot be read"):
        read_probability(tmp_path, "m.npy", RECORD, TRUE.shape)
