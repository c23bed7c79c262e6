from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_set import record

from prsmed.data import TEST_TEMPLATES, TRAIN_TEMPLATES, Turn, absent_names, converse, present_names
from prsmed.data.converse import RADIUS
from prsmed.data.templates import ask, places
from prsmed.data.wording import Wording
from prsmed.position.zones import locate_all

RECORDS = [
    record("brain_mri", "brain tumour"),
    record("polyp_endoscopy", "polyp"),
    record("lung_ct", "lung nodule"),
    record("lung_ct", "lung tumour"),
    record("breast_ultrasound", "breast tumour"),
    record("skin_dermoscopy", "skin lesion"),
    record("lung_xray", "lungs"),
    record("lung_xray", "lungs", is_healthy=True),
    record("phantom_ct", "nodule", seed=1),
    record("phantom_mr", "brain tumour", seed=2),
    record("phantom_photo", "skin lesion", seed=3),
]
IDS = [f"{r.modality}-{r.target}-{r.is_healthy}" for r in RECORDS]


def blob(top: int, left: int) -> np.ndarray:
    mask = np.zeros((64, 64), dtype=np.uint8)
    mask[top : top + 8, left : left + 8] = 1
    return mask


def turns(mask: np.ndarray, r: object, count: int = 400, **options: object) -> list[Turn]:
    return [converse(mask, r, np.random.default_rng(n), **options) for n in range(count)]  # type: ignore[arg-type]


@pytest.mark.parametrize("r", RECORDS, ids=IDS)
def test_about_a_third_is_absent_and_truly_so(r: object) -> None:
    drawn = turns(blob(5, 5), r)
    absent = [turn for turn in drawn if not turn.present]
    assert 0.2 < len(absent) / len(drawn) < 0.4
    assert not {turn.target for turn in absent} & set(present_names(r))  # type: ignore[arg-type]
    assert all(turn.positions == () for turn in absent)
    assert {turn.target for turn in drawn if turn.present} == set(present_names(r))  # type: ignore[arg-type]


@pytest.mark.parametrize("r", RECORDS, ids=IDS)
def test_an_empty_mask_is_asked_for_its_own_target_and_denied(r: object) -> None:
    for turn in turns(np.zeros((64, 64), dtype=np.uint8), r, 40, absent_share=0.0):
        assert not turn.present
        assert turn.target in present_names(r)  # type: ignore[arg-type]


def test_uncertain_names_are_never_asked() -> None:
    def asked(r: object) -> set[str]:
        return set(present_names(r)) | set(absent_names(r, is_empty=False))  # type: ignore[arg-type]

    nodule, sick_chest, healthy_chest = RECORDS[2], RECORDS[6], RECORDS[7]
    assert not {"lungs", "lung fields"} & (asked(nodule) | asked(RECORDS[3]))
    assert not {"tumour", "lung tumour"} & asked(nodule)
    assert not {"melanoma", "mole"} & asked(RECORDS[5])
    assert not {"lesion", "nodule"} & asked(sick_chest)
    assert {"lesion", "nodule", "tumour"} <= set(absent_names(healthy_chest, is_empty=False))


@given(top=st.integers(0, 56), left=st.integers(0, 56), seed=st.integers(0, 99))
def test_positions_are_those_of_the_given_mask_and_its_mirror(top: int, left: int, seed: int) -> None:
    for mask in (blob(top, left), blob(top, left)[:, ::-1]):
        turn = converse(mask, RECORDS[0], np.random.default_rng(seed), absent_share=0.0)
        assert turn.positions == locate_all(mask, "box", RADIUS)
        assert turn.positions[0].zone in turn.answer.lower()


def test_a_mirror_swaps_left_and_right_in_the_answer() -> None:
    here, there = blob(4, 4), blob(4, 4)[:, ::-1]
    left, right = (converse(mask, RECORDS[0], np.random.default_rng(5), absent_share=0.0) for mask in (here, there))
    assert left.question == right.question
    assert "top left" in left.answer
    assert right.answer == left.answer.replace("top left", "top right")


def test_a_turn_says_where_its_wording_comes_from() -> None:
    wordings = {phrase.id: phrase.text for phrase in Wording.load().of("position", "questions", held_out=False)}
    for turn in turns(blob(5, 5), RECORDS[1], 40):
        [stem] = {wordings[turn.template].split("{")[0].rstrip(" ?.").lower()}
        assert turn.question.lower().startswith(stem)


def test_two_regions_at_most_and_no_specks() -> None:
    mask = blob(2, 2) | blob(2, 50) | blob(50, 50)
    mask[40, 2] = 1
    turn = converse(mask, RECORDS[1], np.random.default_rng(0), absent_share=0.0)
    assert len(turn.positions) == 2


def test_the_radius_decides_what_is_near() -> None:
    near, far = (
        converse(blob(16, 32), RECORDS[0], np.random.default_rng(0), absent_share=0.0, radius=radius)
        for radius in (0.3, 0.1)
    )
    assert near.positions[0].near_center
    assert not far.positions[0].near_center


def test_test_wording_is_never_trained_on() -> None:
    assert len(set(TRAIN_TEMPLATES)) == len(TRAIN_TEMPLATES) >= 50
    assert len(set(TEST_TEMPLATES)) == 5
    plain = [{t.lower().replace(" {here}", "").rstrip("?.") for t in ts} for ts in (TRAIN_TEMPLATES, TEST_TEMPLATES)]
    assert not plain[0] & plain[1]


@pytest.mark.parametrize("template", TRAIN_TEMPLATES + TEST_TEMPLATES)
@pytest.mark.parametrize("target", ["polyp", "lungs"])
def test_every_template_makes_a_clean_question_that_names_the_target(template: str, target: str) -> None:
    question = ask(template, target, places("lung_xray")[0])
    assert target in question
    assert not set("{}") & set(question)
    assert "  " not in question
    wrong = ("is the lungs", "a lungs", "lungs is") if target == "lungs" else ("are the polyp", "polyp are")
    assert not [words for words in wrong if words in question.lower()]
