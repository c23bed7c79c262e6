from __future__ import annotations

import numpy as np
import pytest

from prsmed.data import Conversation, Record, Turn
from prsmed.evaluation.outcome import Answered, Prediction, judge
from prsmed.evaluation.place import Place
from prsmed.position.findings import Position

BOX = np.zeros((40, 40), dtype=bool)
BOX[2:12, 2:12] = True
EMPTY = np.zeros_like(BOX)


def answered(prediction: Prediction, present: bool = True) -> Answered:
    record = Record("a.png", "b.png", "brain_mri", "made", "brain tumour", "g7", "val", "CC0")
    positions = (Position("top left", False),) if present else ()
    turn = Turn("Where is the tumour?", "There.", "tumour", present, positions)
    true = BOX if present else EMPTY
    conversation = Conversation("val-1", "position" if present else "absent", record, (turn,))
    return Answered(conversation, np.zeros((40, 40, 3), np.uint8), true, prediction)


def test_a_good_answer() -> None:
    half = BOX.copy()
    half[2:7] = False
    found = judge(answered(Prediction(half, BOX, 0.9, True, "It is in the top left, far from the center.")))
    assert found.dice == pytest.approx(2 * 50 / 150)
    assert found.iou == pytest.approx(0.5)
    assert (found.mask_share, found.raw_share) == (50 / 1600, 100 / 1600)
    assert found.mask_place == found.text_place == found.true_place == Place(("top left",), False)
    assert found.agrees is True
    assert found.text_denies is False
    assert found.group == "brain_mri/g7"
    assert (found.shared_pixels, found.union_pixels, found.lesion_f1) == (50, 100, 1)
    assert found.hd95 == 5  # the outline's lower edge is five rows from the truth's
    assert found.mdice is None  # no probabilities were given


def test_words_are_checked_against_the_mask_not_the_truth() -> None:
    mirrored = BOX[:, ::-1]
    found = judge(answered(Prediction(mirrored, mirrored, 0.9, True, "It is in the top right.")))
    assert found.agrees is True
    assert not found.text_place.has_zones_of(found.true_place)
    assert judge(answered(Prediction(mirrored, mirrored, 0.9, True, "top left"))).agrees is False
    assert judge(answered(Prediction(BOX, BOX, 0.9, True, "the lesion the the"))).agrees is None


def test_a_missed_target() -> None:
    found = judge(answered(Prediction(EMPTY, BOX, 0.1, False, "There is no tumour in this image.")))
    assert (found.dice, found.iou, found.mask_share) == (0.0, 0.0, 0.0)
    assert found.text_denies
    assert found.agrees
    assert (found.hd95, found.surface_dice, found.lesion_f1) == (pytest.approx(40 * 2**0.5), 0, 0)


def test_absent_targets_have_no_overlap() -> None:
    found = judge(answered(Prediction(BOX, BOX, 0.9, True, "top left"), present=False))
    assert (found.dice, found.iou, found.hd95, found.surface_dice, found.lesion_f1) == (None,) * 5
    assert (found.shared_pixels, found.union_pixels) == (0, 100)
    assert found.mask_share == 100 / 1600
    assert found.true_place == Place()


def test_a_system_without_words() -> None:
    found = judge(answered(Prediction(BOX, BOX)))
    assert found.dice == 1
    assert (found.text, found.text_place, found.text_denies, found.agrees, found.presence) == (None,) * 5


def test_probabilities_are_counted_as_published() -> None:
    found = judge(answered(Prediction(BOX, BOX, probability=BOX.astype(np.float32))))
    assert found.mdice == pytest.approx((255 + 200 / 1700) / 256)  # at the lowest level all 1600 pixels are taken
    assert found.miou == pytest.approx((255 + 100 / 1600) / 256)
