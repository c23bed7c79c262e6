"""What is said of a picture is true of it as it is shown; corrections and replay come in their shares."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from drawn_corrections import write_correction

from prsmed.data import ConversationDataset, phantom_records
from prsmed.learning.lessons import LessonDataset, Mixture
from prsmed.learning.slices import Lesson, draw_lessons
from prsmed.position.parser import parse
from prsmed.position.zones import locate_all

RADIUS = 0.1


def lessons(folder: Path, **told: object) -> list[Lesson]:
    return draw_lessons(write_correction(folder / "in", "a", **told), folder)


def dataset(drawn: list[Lesson], folder: Path, *, augment: bool = True) -> LessonDataset:
    return LessonDataset(drawn, folder, 64, radius=RADIUS, augment=augment, seed=3)


def test_answers_are_true_of_the_varied_picture(tmp_path: Path) -> None:
    own = dataset(lessons(tmp_path, question="Show me the thing."), tmp_path)
    questions, zones = set(), set()
    for epoch in range(12):
        for index in own.order(epoch):
            sample = own.sample(int(index), epoch)
            assert sample.turn.present == bool(sample.mask.any())
            assert sample.turn.target == "gadget"
            assert "gadget" in sample.turn.answer
            assert parse(sample.turn.answer).none != sample.turn.present
            questions.add(sample.turn.question)
            if sample.mask.any():
                there = locate_all(sample.mask, "box", RADIUS)
                assert set(parse(sample.turn.answer).zones) == {place.zone for place in there[:2]}
                zones |= {place.zone for place in there}
    assert "Show me the thing." in questions
    assert len(questions) > 20, "the training wordings ask too"
    assert {"top left", "top right"} <= zones, "pictures are mirrored"


@pytest.mark.parametrize(
    ("question", "is_mirrored"),
    [("The gadget on the left?", False), ("What is in the upper half?", True)],
    ids=["side", "place"],
)
def test_words_that_name_a_place_stay_true(tmp_path: Path, question: str, is_mirrored: bool) -> None:
    drawn = lessons(tmp_path, question=question)
    own, still = dataset(drawn, tmp_path), dataset(drawn, tmp_path, augment=False)
    seen = set()
    for epoch in range(8):
        for index in range(8):  # the slices that show it
            mask, plain = own.sample(index, epoch).mask, still.sample(index, epoch).mask
            ways = [np.array_equal(mask, plain), np.array_equal(mask, plain[:, ::-1])]
            assert any(ways)
            seen.add(ways[0])
    assert seen == ({True, False} if is_mirrored else {True})


def test_the_same_sample_for_the_same_index_and_epoch(tmp_path: Path) -> None:
    drawn = lessons(tmp_path)
    first, second = dataset(drawn, tmp_path), dataset(drawn, tmp_path)
    for index in (0, 5):
        one, other = first.sample(index, 2), second.sample(index, 2)
        assert np.array_equal(one.pixels, other.pixels)
        assert one.turn == other.turn
        assert not np.array_equal(one.pixels, first.sample(index, 3).pixels)


def test_what_is_far_away_in_the_body_is_asked_for_too(tmp_path: Path) -> None:
    drawn = lessons(tmp_path, names={1: "brain metastasis"})
    own = dataset(drawn, tmp_path)
    absent = [own.sample(index, epoch).absent for index in range(len(drawn)) for epoch in range(6)]
    asked = {turn.target for turn in absent if turn is not None}
    assert "lungs" in asked
    assert not any(turn.present for turn in absent if turn is not None)


def test_a_mixture_keeps_its_share(tmp_path: Path) -> None:
    drawn = lessons(tmp_path)
    records = phantom_records(20, 0)
    mixture = Mixture(
        dataset(drawn, tmp_path), ConversationDataset(records, tmp_path, 64, radius=RADIUS, seed=3), share=0.4
    )
    orders = [mixture.order(epoch) for epoch in range(2)]
    assert not np.array_equal(*orders)
    for order in orders:
        own = [int(index) // 2 for index in order if index % 2 == 0]
        assert sorted(own) == list(range(len(drawn))), "every picture once"
        assert len(own) / len(order) == pytest.approx(0.4, abs=0.02)
    kinds = {mixture.sample(int(index), 0).record.is_phantom for index in orders[0]}
    assert kinds == {True, False}
    mixture.set_size(32)
    assert mixture.sample(int(orders[0][0]), 0).pixels.shape == (32, 32, 3)
