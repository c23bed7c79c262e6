"""The gate's list: the same questions every time, and scores that mean what they say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from small_set import write_set

from prsmed.data import phantom_records
from prsmed.errors import PRSMedError
from prsmed.learning.exam import Case, own_cases, score, set_exam
from prsmed.learning.gate import compare
from prsmed.model.checkpoint import save_checkpoint
from prsmed.model.prsmed import PRSMed

PHANTOMS = [Case(record, Path("drawn")) for record in phantom_records(16, seed=1)]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_set(tmp_path_factory.mktemp("data"))


def test_the_list_hangs_on_the_cases_alone() -> None:
    exam = set_exam(PHANTOMS)
    again = set_exam(reversed(PHANTOMS))
    assert {question.id: question.conversation for question in exam.questions} == {
        question.id: question.conversation for question in again.questions
    }
    part = {question.id for question in set_exam(PHANTOMS[:5]).questions}
    assert part < {question.id for question in exam.questions}


def test_a_case_whose_label_moved_is_another_case(data: Path) -> None:
    case = own_cases(data, 1)[0]
    before = {question.id for question in set_exam([case]).questions}
    mask = data / str(case.record.mask)
    right = mask.read_bytes()
    Image.fromarray(np.roll(np.asarray(Image.open(mask)), 15, (0, 1))).save(mask)
    moved = {question.id for question in set_exam([case]).questions}
    mask.write_bytes(right)
    assert not {name for name in moved & before if "position" in name}
    assert {question.id for question in set_exam([case]).questions} == before


def test_images_of_any_split_are_asked_about_in_the_same_held_out_words() -> None:
    asked = []
    for split in ("train", "val"):
        cases = [replace(case, record=replace(case.record, split=split)) for case in PHANTOMS]
        asked.append([question.conversation.turn for question in set_exam(cases).questions])
    assert asked[0] == asked[1]


def test_some_are_asked_for_what_is_there_and_some_for_what_is_not() -> None:
    present = [question.conversation.turn.present for question in set_exam(PHANTOMS).questions]
    assert 0 < sum(present) < len(present)


def test_scores_are_of_the_cases_and_the_same_every_time(make_tiny: Callable[..., PRSMed], tmp_path: Path) -> None:
    save_checkpoint(make_tiny(), tmp_path / "a", "tiny-1")
    exam, told = set_exam(PHANTOMS), []
    scores = score(tmp_path / "a", exam, lambda done, total: told.append((done, total)))
    assert [one.case for one in scores] == [question.id for question in exam.questions]
    assert told[-1] == (len(scores), len(scores))
    for one, question in zip(scores, exam.questions, strict=True):
        is_present = question.conversation.turn.present
        assert (one.dice is None, one.false_mask is None) == (not is_present, is_present)
        assert one.dice is None or 0 <= one.dice <= 1
        assert one.group == f"{one.modality}/{question.case.record.group}"
    assert score(tmp_path / "a", exam) == scores
    assert compare(scores, scores).metrics("live") == compare(scores, scores).metrics("candidate")


def test_a_model_that_draws_nothing_scores_nothing(make_tiny: Callable[..., PRSMed], tmp_path: Path) -> None:
    save_checkpoint(make_tiny(presence_threshold=1.0), tmp_path / "a", "tiny-1")
    scores = score(tmp_path / "a", set_exam(PHANTOMS))
    assert {one.dice for one in scores} == {0.0, None}
    assert {one.false_mask for one in scores} == {False, None}


def test_users_and_own_cases_of_several_folders(data: Path, make_tiny: Callable[..., PRSMed], tmp_path: Path) -> None:
    save_checkpoint(make_tiny(), tmp_path / "a", "tiny-1")
    own = own_cases(data)
    assert {case.record.split for case in own} == {"val"}
    users = [replace(case, is_users=True) for case in PHANTOMS[:4]]
    exam = set_exam([*own, *users, *users])
    scores = score(tmp_path / "a", exam)
    assert len({one.case for one in scores}) == len(scores)
    assert {one.modality for one in scores if not one.is_users} == {case.record.modality for case in own}
    assert {one.case.split("/")[0] for one in scores if one.is_users} == {"user"}


def test_own_cases_are_the_same_few(data: Path) -> None:
    few, more = own_cases(data, 1), own_cases(data)
    assert {case.record.image for case in few} < {case.record.image for case in more}
    assert len({case.record.modality for case in few}) == len(few)


def test_without_own_images_there_are_none(tmp_path: Path) -> None:
    assert own_cases(None) == own_cases(tmp_path) == []


def test_an_image_that_is_gone_is_told_and_left_out(data: Path) -> None:
    cases = own_cases(data)
    gone = replace(cases[0], record=replace(cases[0].record, image="pairs/gone.png"))
    exam = set_exam([gone, *cases[1:]])
    assert [image for image, _ in exam.unreadable] == ["pairs/gone.png"]
    assert {question.case for question in exam.questions} == set(cases[1:])


def test_a_damaged_model_is_told(make_tiny: Callable[..., PRSMed], tmp_path: Path) -> None:
    save_checkpoint(make_tiny(), tmp_path / "a", "tiny-1")
    (tmp_path / "a" / "model.safetensors").write_bytes(b"short")
    with pytest.raises(PRSMedError) as caught:
        score(tmp_path / "a", set_exam(PHANTOMS))
    assert caught.value.code == "bad_checkpoint"
