from __future__ import annotations

import pytest
from evaluation_set import absent, outcome

from prsmed.evaluation.measures import MASK_MEASURES, WORD_MEASURES
from prsmed.evaluation.summary import MACRO, all_measures, summarise

OUTCOMES = [
    outcome(dice=0.8, iou=2 / 3, shared_pixels=8, union_pixels=12),
    outcome(dice=0.0, iou=0.0, mask_share=0.0, says_present=False, text_denies=True, agrees=True, group="g1"),
    outcome(dice=0.4, iou=0.25, text="hm", agrees=None, group="g1", shared_pixels=2, union_pixels=8),
    outcome(dice=0.1, iou=0.05, agrees=False, group="g2"),
    absent(group="g3", shared_pixels=0, union_pixels=0),
    absent(raw_share=0.0010001, group="g3"),
    absent(raw_share=0.0009, mask_share=0.0009, says_present=True, text_denies=False, agrees=True, group="g4"),
    outcome(modality="lung_ct", dice=1.0),
]
EXPECTED = {  # brain, worked out by hand
    "dice": 1.3 / 4,
    "hit": 2 / 4,
    "failure": 1 / 4,
    "giou": (2 / 3 + 1 / 4 + 1) / 3,
    "ciou": 10 / 20,
    "missed": 1 / 4,
    "false_mask": 1 / 3,
    "false_mask_raw": 1 / 3,
    "presence": 5 / 7,
    "text_denies_present": 1 / 4,
    "text_grants_absent": 1 / 3,
    "agreement_present": 2 / 4,
    "agreement": 5 / 7,
}


@pytest.mark.parametrize("name", EXPECTED)
def test_what_is_counted(name: str) -> None:
    row = summarise((*MASK_MEASURES, *WORD_MEASURES), OUTCOMES)[name]
    assert row["brain_mri"].value == pytest.approx(EXPECTED[name])


def test_counts_stand_beside_figures() -> None:
    summary = summarise(MASK_MEASURES, OUTCOMES)
    dice, false_mask = summary["dice"], summary["false_mask"]
    assert (dice["brain_mri"].n, dice["brain_mri"].groups) == (4, 3)
    assert (false_mask["brain_mri"].n, false_mask["brain_mri"].groups) == (3, 2)
    assert dice[MACRO].value == pytest.approx((1.3 / 4 + 1.0) / 2)
    assert "lung_ct" not in false_mask  # nothing absent was asked there
    assert false_mask[MACRO].value == false_mask["brain_mri"].value


def test_measures_that_never_apply_are_left_out() -> None:
    mute = [outcome(says_present=None, text=None, text_place=None, text_denies=None, agrees=None)]
    names = set(summarise(all_measures(mute), mute))
    assert names == {
        "dice",
        "iou",
        "hit",
        "failure",
        "missed",
        "mask_zone",
        "mask_near",
        "constant_zone",
        "constant_near",
    }


def test_names_and_titles_are_unique() -> None:
    measures = all_measures(OUTCOMES)
    assert len({measure.name for measure in measures}) == len(measures)
    assert len({(measure.section, measure.title) for measure in measures}) == len(measures)
