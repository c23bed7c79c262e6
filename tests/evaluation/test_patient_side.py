"""The patient's side: known on slices of volumes however they are stored, on pictures nobody's."""

from __future__ import annotations

import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from evaluation_set import absent, outcome, write_checkpoint

from prsmed.data import Conversation, Record, Turn, build, look
from prsmed.evaluation import evaluate
from prsmed.evaluation.answering import in_model_square
from prsmed.evaluation.outcome import Answered, Outcome, Prediction
from prsmed.evaluation.outcome_file import read_outcomes
from prsmed.evaluation.patient_side import judge_side
from prsmed.evaluation.position_tables import position_tables
from prsmed.evaluation.run import CHOICE, KINDS, SIDE
from prsmed.model.unet import BaselineUNet, UNetConfig
from prsmed.orientations import ORIENTATIONS

LEFT = "It is on the patient's left side, far from the center."


SLICE = Record(
    "image.nii.gz", "label.nii.gz", "abdomen_ct", "set", "liver", "one", "val", "CC0", plane="axial", slice=2
)


def write_volume(root: Path, orientation: np.ndarray = ORIENTATIONS[0]) -> Path:
    """A bright block on the patient's left (RAS, 6 mm voxels, 360 mm wide), and the list that names it."""
    voxels, mask = np.zeros((60, 50, 6), np.int16), np.zeros((60, 50, 6), np.uint8)
    mask[8:16, 30:38, 2:4] = 1  # x grows to the patient's right here, so a small index is left
    for name, array in (("image", voxels + 100 * mask), ("label", mask)):
        stored = nib.Nifti1Image(array, np.diag((6.0, 6.0, 9.0, 1.0))).as_reoriented(orientation)
        nib.save(stored, root / f"{name}.nii.gz")
    (root / "VOLUMES.csv").write_text(
        "name,modality,image,label,target\nset one,abdomen CT,image.nii.gz,label.nii.gz,liver\n"
    )
    return root


def answered(root: Path, record: Record, mask: np.ndarray, text: str) -> Answered:
    turn = Turn("On which side?", LEFT, "liver", True, look(record, root).positions)
    conversation = Conversation("val-1-patient_side", SIDE, record, (turn,))
    pixels, true = in_model_square(conversation, root, BaselineUNet(UNetConfig(image_size=64, channels=(4, 8, 8))))
    return Answered(conversation, pixels, true, Prediction(mask, mask, text=text))


@pytest.mark.parametrize("orientation", ORIENTATIONS, ids=str)
def test_sides_are_the_patients_however_the_volume_is_stored(tmp_path: Path, orientation: np.ndarray) -> None:
    write_volume(tmp_path, orientation)
    other = np.zeros((64, 64), bool)
    other[20:30, 10:20] = True  # on the left of the picture: the patient's right
    found = judge_side(answered(tmp_path, SLICE, other, LEFT), tmp_path)
    assert (found.true_side, found.true_mask_side, found.mask_side) == ("left", "left", "right")


def test_masks_on_both_sides_and_empty_ones(tmp_path: Path) -> None:
    write_volume(tmp_path)
    both = np.zeros((64, 64), bool)
    both[20:30, 10:20] = both[20:30, 45:55] = True
    assert judge_side(answered(tmp_path, SLICE, both, ""), tmp_path).mask_side == "left + right"
    assert judge_side(answered(tmp_path, SLICE, both & False, ""), tmp_path).mask_side is None


def test_a_picture_has_no_side_whatever_is_said(asked: list[Conversation], image_root: Path) -> None:
    record = next(item for item in asked if item.turn.present).record
    found = judge_side(answered(image_root, record, np.ones((64, 64), bool), LEFT), image_root)
    assert (found.true_side, found.true_mask_side, found.mask_side) == (None, None, None)


def sided(number: int, true: str | None, text: str, mask: str | None) -> Outcome:
    return outcome(
        id=f"s{number}",
        group=f"g{number}",
        text=text,
        mask_area_place=outcome().mask_place,
        true_area_place=outcome().true_place,
        true_side=true,
        mask_side=mask,
        true_mask_side=true,
    )


def test_figures_of_the_side_are_those_counted_by_hand() -> None:
    sides = [
        sided(0, "left", LEFT, "left"),
        sided(1, "left", "It lies on the left of the image.", "right"),
        sided(2, "left", "On the patient's right side.", "left"),
        sided(3, "right", "It is in the right lobe of the liver, on the patient's right.", None),
        sided(4, None, LEFT, None),  # not known, so not counted
    ]
    (table,) = position_tables([sided(9, None, "top left", None), absent()], sides)
    told = {name: (row["Side"], row["Side, balanced"]) for name, row in table.to_json().items()}
    assert {row["n"] for pair in told.values() for row in pair} == {4}
    shares = {name: tuple(row["value"] for row in pair) for name, pair in told.items()}
    assert shares == {
        "Text": (0.5, pytest.approx((1 / 3 + 1) / 2)),
        "Mask, box rule": (0.5, pytest.approx(1 / 3)),
        "Mask, area rule": (0.5, pytest.approx(1 / 3)),
        "True mask, area rule": (1.0, 1.0),
        "Most frequent": (0.75, 0.5),
    }
    assert table.rows[0][-1].interval.endswith("n 4 (4)")


def test_without_a_known_side_it_is_not_applicable() -> None:
    for sides in ((), (sided(0, None, LEFT, None),)):
        (table,) = position_tables([outcome()], sides)
        assert [(cell.figure, cell.interval) for cell in table.rows[0][-2:]] == [("n/a", "n 0")] * 2
        assert table.to_json()["Text"]["Side"] is None


def test_a_list_about_volumes_is_asked_for_sides_too(tmp_path: Path) -> None:
    root, checkpoint = write_volume(tmp_path), write_checkpoint(tmp_path / "model")
    kinds = (*KINDS, CHOICE, SIDE)
    path = build(root, tmp_path / "list", kinds=kinds).path
    found = evaluate(checkpoint, path, root, tmp_path / "out", lambda done, total: None)
    assert [side.true_side for side in found.sides] == ["left", "left"]
    assert read_outcomes(tmp_path / "out/sides.jsonl") == list(found.sides)
    told = json.loads((tmp_path / "out/report.json").read_text())["tables"]["Position fields"]
    assert told["True mask, area rule"]["Side"] == {"value": 1.0, "low": None, "high": None, "n": 2, "groups": 1}

    plain = build(root, tmp_path / "plain", kinds=KINDS).path
    again = evaluate(checkpoint, plain, root, tmp_path / "out", lambda done, total: None)
    assert again.outcomes == found.outcomes, "the further questions change no other answer"
    assert not (tmp_path / "out/sides.jsonl").exists(), "left by the earlier run"
