from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage
from small_set import record
from talk_set import SHAPE, SPOTS, conversation, positions_of, turn, write_picture

from prsmed.data import item as item_module
from prsmed.data.images import SIDE, fit_square
from prsmed.data.item import Item, make_item, make_varied_item
from prsmed.data.questions import Wording
from prsmed.data.schema import Conversation, Review, Turn
from prsmed.errors import PRSMedError

SEEDS = range(25)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    write_picture(folder)
    write_picture(folder, "one", SPOTS[:1])
    return folder


@pytest.fixture(scope="module")
def wording() -> Wording:
    return Wording.load(None)


def square(*spots: tuple[slice, slice], size: int) -> np.ndarray:
    """These spots alone, brought into the square."""
    mask = np.zeros(SHAPE, dtype=np.uint8)
    for spot in spots:
        mask[spot] = 1
    return fit_square(mask, mask, size)[1]


@pytest.mark.parametrize("size", [96, SIDE, 320])
def test_every_turn_has_the_mask_of_what_it_is_about(root: Path, size: int) -> None:
    turns = (
        turn(),
        turn(regions=(1,)),
        turn(regions=(2, 0)),
        turn(present=False),
    )
    made = make_item(conversation(turns=turns), root, size)
    assert made.pixels.shape == (size, size, 3)
    assert made.masks.shape == (4, size, size)
    assert made.conversation.turns == turns
    expected = (square(*SPOTS, size=size), square(SPOTS[1], size=size), square(SPOTS[2], SPOTS[0], size=size))
    for mask, true in zip(made.masks, expected, strict=False):
        np.testing.assert_array_equal(mask, true)
    assert not made.masks[3].any()
    assert (made.pixels[ndimage.binary_erosion(made.masks[0], iterations=2)] > 200).all()


@pytest.mark.parametrize("size", [SIDE, 320])
def test_specks_belong_to_the_mask_but_to_no_region(tmp_path: Path, size: int) -> None:
    speck = np.s_[50:54, 12:16]
    write_picture(tmp_path, spots=(*SPOTS, speck))
    made = make_item(conversation(turns=(turn(), turn(regions=(0,)))), tmp_path, size)
    np.testing.assert_array_equal(made.masks[0], square(*SPOTS, speck, size=size))
    np.testing.assert_array_equal(made.masks[1], square(SPOTS[0], size=size))


def test_a_region_the_mask_does_not_have_is_told(root: Path) -> None:
    with pytest.raises(PRSMedError, match=r"train-00000 is about region 3, its mask has 0\.\.2;") as error:
        make_item(conversation(turns=(turn(regions=(3,)),)), root, SIDE)
    assert error.value.code == "bad_conversation"


def varied(talk: Conversation, root: Path, wording: Wording, seed: int) -> Item:
    return make_varied_item(talk, root, SIDE, wording, np.random.default_rng(seed))


def lit(made: Item) -> float:
    """How much brighter the image is under the mask."""
    mask = made.masks.any(axis=0)
    return float(made.pixels[mask].mean() - made.pixels[~mask].mean())


def test_varied_words_are_true_of_the_varied_mask(root: Path, wording: Wording) -> None:
    places, views = set(), set()
    for seed in SEEDS:
        made = varied(conversation(name="one"), root, wording, seed)
        (said,) = made.conversation.turns
        assert said.positions == positions_of(made.masks[0])
        assert said.positions[0].zone in said.answer.lower().replace("centre", "center").replace("middle", "center")
        assert lit(made) > 60
        places.add(said.positions[0].zone)
        views.add(made.masks.tobytes())
    assert len(places) >= 4
    assert len(views) > 0.8 * len(SEEDS)


def test_a_referring_question_goes_with_its_region(root: Path, wording: Wording) -> None:
    first = conversation(kind="referring", turns=(turn(regions=(1,), template="referring/1"),))
    for seed in SEEDS:
        made = varied(first, root, wording, seed)
        (said,) = made.conversation.turns
        if said.template == "referring/1" and said.question == first.turn.question:
            continue  # a view with one region left
        assert positions_of(made.masks[0]) == said.positions
        assert len(said.positions) == 1
        assert said.positions[0].zone in said.question.lower()


def test_the_published_rule_of_a_conversation_is_kept(root: Path, wording: Wording) -> None:
    near = {
        radius: [
            varied(conversation(name="one", radius=radius), root, wording, seed).conversation.turn.positions[0]
            for seed in SEEDS
        ]
        for radius in (0.0, 1.0)
    }
    assert all(place.near_center == (place.zone == "center") for place in near[0.0])
    assert all(place.near_center for place in near[1.0])


def same_view(made: Item, root: Path, name: str) -> bool:
    plain = make_item(conversation(name=name), root, SIDE)
    return np.array_equal(made.masks[0], plain.masks[0])


def test_words_that_are_not_ours_keep_their_view_but_not_their_tones(root: Path, wording: Wording) -> None:
    edited = conversation(name="one", review=Review("edited", "reader", "2026-01-01T00:00:00Z"))
    released = conversation(name="one", turns=(turn(template="medseg_qa/released"),))
    for talk in (edited, released):
        made = [varied(talk, root, wording, seed) for seed in SEEDS]
        assert all(same_view(one, root, "one") for one in made)
        assert all(one.conversation == talk for one in made)
        assert len({one.pixels.tobytes() for one in made}) == len(SEEDS)
    accepted = replace(edited, review=Review("accepted", "reader", "2026-01-01T00:00:00Z"))
    assert not all(same_view(varied(accepted, root, wording, seed), root, "one") for seed in SEEDS)


def test_what_is_absent_stays_absent_in_the_same_words(root: Path, wording: Wording) -> None:
    talk = conversation(kind="absent", turns=(turn(present=False, template="absent/0"),))
    made = [varied(talk, root, wording, seed) for seed in SEEDS]
    assert all(one.conversation == talk and not one.masks.any() for one in made)
    assert len({one.pixels.tobytes() for one in made}) == len(SEEDS)


def test_a_kind_that_no_longer_applies_keeps_the_view(
    root: Path, wording: Wording, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(item_module, "converse_about", lambda *_, **__: [])
    talk = conversation(name="one")
    for seed in SEEDS:
        made = varied(talk, root, wording, seed)
        assert same_view(made, root, "one")
        assert made.conversation == talk


def test_a_view_that_lost_the_target_is_not_used(root: Path, wording: Wording, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(item_module, "change_view", lambda shown, _: replace(shown, mask=np.zeros_like(shown.mask)))
    made = varied(conversation(name="one"), root, wording, 0)
    assert same_view(made, root, "one")
    assert made.conversation == conversation(name="one")


def test_only_training_images_are_asked_in_training_wordings(
    root: Path, wording: Wording, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool] = []

    def note(*_: object, kinds: tuple[str, ...], held_out: bool) -> list[tuple[str, tuple[Turn, ...]]]:
        asked.append(held_out)
        return [("position", (turn(),))]

    monkeypatch.setattr(item_module, "converse_about", note)
    talk = conversation(name="one")
    for split in ("train", "val", "test"):
        varied(replace(talk, record=replace(talk.record, split=split)), root, wording, 0)
    assert asked == [False, True, True]


def test_an_image_without_target(tmp_path: Path, wording: Wording) -> None:
    write_picture(tmp_path, "empty", ())
    empty = record("breast_ultrasound", "breast lesion", image="empty.png", mask=None)
    made = varied(
        conversation(record=empty, kind="absent", turns=(turn(present=False, template="absent/0"),)),
        tmp_path,
        wording,
        1,
    )
    assert made.masks.shape == (1, SIDE, SIDE)
    assert not made.masks.any()
