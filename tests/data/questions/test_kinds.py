from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scenes import SIDE, SPACING, WORDING, box, masks, shown, turns

from prsmed.data.questions import converse_about
from prsmed.data.schema import KINDS
from prsmed.data.targets import absent_names, present_names
from prsmed.errors import PRSMedError
from prsmed.position.parser import parse
from prsmed.position.zones import regions

CENTRAL, TOP_LEFT, LOWER = box(30, 30), box(3, 5, 9, 9), box(50, 4, 8, 10) | box(48, 50, 12, 12)
seeds = st.integers(0, 9999)


@given(mask=masks(least=1), seed=seeds, held_out=st.booleans())
def test_exactly_one_of_four_options_is_right(mask: np.ndarray, seed: int, held_out: bool) -> None:
    for turn in turns(shown(mask), "choice", seed, held_out=held_out):
        assert len(set(turn.options)) == len(turn.options) == 4
        truth = {place.zone for place in turn.positions}
        right = []
        for letter, option in zip("ABCD", turn.options, strict=True):
            assert re.search(rf"{letter}\W+{option}", turn.question)
            reading = parse(option)
            tells_near = "," in option
            if set(reading.zones) == truth and (not tells_near or reading.near_center == turn.positions[0].near_center):
                right.append(letter)
        assert right == [turn.letter]
        assert re.search(rf"\b{turn.letter}\b", turn.answer)


def test_every_letter_is_right_equally_often() -> None:
    letters = Counter(turns(shown(TOP_LEFT), "choice", seed)[0].letter for seed in range(400))
    assert set(letters) == set("ABCD")
    assert min(letters.values()) > 60


@given(mask=masks(least=1), seed=seeds, held_out=st.booleans())
def test_yes_is_said_of_places_that_hold_it(mask: np.ndarray, seed: int, held_out: bool) -> None:
    for turn in turns(shown(mask), "yes_no", seed, held_out=held_out):
        asked = parse(turn.question)
        half = asked.vertical or asked.horizontal
        inside = [
            place.zone in asked.zones or (half is not None and half in place.zone.split()) for place in turn.positions
        ]
        assert asked.zones or half
        assert all(inside) or not any(inside)
        assert turn.answer.startswith("Yes" if inside[0] else "No")


@pytest.mark.parametrize("mask", [CENTRAL, TOP_LEFT, LOWER], ids=["center", "corner", "two"])
def test_yes_and_no_are_balanced(mask: np.ndarray) -> None:
    drawn = [turns(shown(mask), "yes_no", seed)[0] for seed in range(300)]
    assert 0.42 < np.mean([turn.answer.startswith("Yes") for turn in drawn]) < 0.58
    halves = sum("half" in turn.question.lower() for turn in drawn)
    assert halves == 0 if mask is CENTRAL else halves > 90


def test_no_half_or_zone_is_asked_that_holds_a_part() -> None:
    assert turns(shown(box(2, 2) | box(50, 50)), "yes_no") == ()


@given(mask=masks(least=2, most=4), seed=seeds, held_out=st.booleans())
def test_referring_names_one_region_and_no_other(mask: np.ndarray, seed: int, held_out: bool) -> None:
    scene = shown(mask)
    found = turns(scene, "referring", seed, held_out=held_out)
    zones = [place.zone for place in scene.positions]
    assert bool(found) == (len(set(zones)) > 1 and any(zones.count(zone) == 1 for zone in zones))
    for turn in found:
        assert parse(turn.question).zones == (turn.positions[0].zone,)
        assert zones.count(turn.positions[0].zone) == 1


def test_one_of_two_lungs_is_a_lung() -> None:
    turn = turns(shown(LOWER, modality="lung_xray", target="lungs"), "referring", 1)[0]
    assert turn.target in ("lung", "lung field")
    assert f"{turn.target} " in turn.question
    assert "lungs" not in turn.question + turn.answer


@given(rows=st.integers(1, 20), cols=st.integers(1, 20), seed=seeds, held_out=st.booleans())
def test_sizes_are_those_of_the_rectangle(rows: int, cols: int, seed: int, held_out: bool) -> None:
    mask = box(5, 40, rows, cols)
    (turn,) = turns(shown(mask, is_slice=True), "size", seed, held_out=held_out)
    diameter, area = np.hypot(rows * SPACING[0], cols * SPACING[1]), rows * cols * SPACING[0] * SPACING[1]
    told = [float(number) for number in re.findall(r"\d+(?:\.\d+)?", turn.answer)]
    assert told == pytest.approx([diameter, area], rel=0.051)
    assert "mm" in turn.answer
    (turn,) = turns(shown(mask), "size", seed, held_out=held_out)
    assert [float(n) for n in re.findall(r"\d+(?:\.\d+)?", turn.answer)] == pytest.approx(
        [100 * rows * cols / mask.size], rel=0.051
    )
    assert "percent" in turn.answer


def test_of_several_regions_the_size_of_the_largest_is_told() -> None:
    (turn,) = turns(shown(box(3, 3, 10, 10) | box(50, 50, 6, 6), is_slice=True), "size")
    assert turn.regions == (0,)
    assert "largest" in turn.answer
    assert str(round(100 * SPACING[0] * SPACING[1])) in turn.answer
    assert turns(shown(box(3, 3) | box(50, 50), is_slice=True), "size") == ()


@given(mask=masks(most=4), seed=seeds, held_out=st.booleans())
def test_the_number_told_is_the_number_of_regions(mask: np.ndarray, seed: int, held_out: bool) -> None:
    scene = shown(mask)
    (turn,) = turns(scene, "count", seed, held_out=held_out)
    reading = parse(turn.answer)
    assert reading.none if not mask.any() else reading.count == len(scene.positions), turn.answer


@pytest.mark.parametrize(("mask", "side"), [(TOP_LEFT, "right"), (TOP_LEFT[:, ::-1], "left")])
def test_the_left_of_the_picture_is_the_right_of_the_patient(mask: np.ndarray, side: str) -> None:
    told = [turns(shown(mask, is_slice=True), "patient_side", seed)[0].answer for seed in range(40)]
    assert {parse(answer).side for answer in told} == {(side,)}
    assert {parse(answer).zones for answer in told} == {(), (shown(mask).positions[0].zone,)}


@given(mask=masks(least=1), seed=seeds)
def test_the_sides_are_told_in_the_order_of_the_regions(mask: np.ndarray, seed: int) -> None:
    columns = [np.argwhere(region)[:, 1].mean() for region in regions(mask)]
    for turn in turns(shown(mask, is_slice=True), "patient_side", seed):
        sides = dict.fromkeys("right" if column < (SIDE - 1) / 2 else "left" for column in columns)
        assert parse(turn.answer).side == tuple(sides)


def test_pictures_and_the_midline_have_no_side_of_the_patient() -> None:
    assert turns(shown(TOP_LEFT), "patient_side") == ()
    assert turns(shown(box(3, 30, 5, 5), is_slice=True), "patient_side") == ()


def test_an_image_cut_around_its_target_tells_no_side_of_the_patient() -> None:
    scene = shown(TOP_LEFT, is_slice=True)
    assert turns(scene, "patient_side")
    assert turns(replace(scene, record=replace(scene.record, modality="ct")), "patient_side") == ()
    narrow = replace(scene.image_slice, spacing=(0.8, 1.0))  # type: ignore[type-var]
    assert turns(replace(scene, image_slice=narrow), "patient_side") == ()
    lying = replace(narrow, plane="sagittal")
    assert (
        turns(replace(scene, image_slice=replace(lying, volume_shape=(*lying.volume_shape[:2], 60))), "patient_side")
        == ()
    )


def test_what_is_absent_is_no_name_of_the_target_unless_the_image_is_empty() -> None:
    there, empty = shown(TOP_LEFT), shown(TOP_LEFT * 0)
    asked = {turns(there, "absent", seed)[0].target for seed in range(200)}
    assert asked == set(absent_names(there.record, is_empty=False))
    assert {turns(empty, "absent", seed)[0].target for seed in range(200)} == set(present_names(empty.record))


def test_absent_questions_are_worded_as_those_about_what_is_there() -> None:
    used = {turns(shown(TOP_LEFT), "absent", seed)[0].template for seed in range(900)}
    assert used == {phrase.id for phrase in WORDING.of("position", "questions", held_out=False)}


@pytest.mark.parametrize("held_out", [False, True])
@pytest.mark.parametrize("mask", [LOWER, TOP_LEFT, TOP_LEFT * 0], ids=["two", "one", "none"])
def test_dialogues_go_from_a_named_target_to_an_unnamed_one(mask: np.ndarray, held_out: bool) -> None:
    lengths = set()
    for seed in range(60):
        talk = turns(shown(mask), "dialogue", seed, held_out=held_out)
        lengths.add(len(talk))
        names = set(present_names(shown(mask).record))
        assert any(name in talk[0].question.lower() for name in names)
        assert not any(name in talk[-1].question.lower() for name in names)
        everything = tuple(range(len(shown(mask).positions))) or None
        assert talk[0].regions == talk[-1].regions == everything
        assert len({turn.present for turn in talk}) == 1
    assert lengths == {(0, False): {2}, (1, False): {2, 3}, (2, False): {3, 4}}[len(shown(mask).positions), False]


def test_the_implicit_request_fits_the_target() -> None:
    lungs = shown(LOWER, modality="lung_xray", target="lungs")
    last = {turns(lungs, "dialogue", seed)[-1].template for seed in range(80)}
    assert last <= {phrase.id for phrase in WORDING.of("dialogue", "lungs", held_out=False)}


def test_a_kind_is_the_same_whichever_others_are_asked_for() -> None:
    scene = shown(LOWER, is_slice=True)
    together = converse_about(scene, WORDING, np.random.default_rng(4), kinds=KINDS, held_out=False)
    assert [kind for kind, _ in together] == list(KINDS)
    for kind, talk in together:
        assert turns(scene, kind, 4) == talk


@pytest.mark.parametrize("held_out", [False, True])
def test_only_wordings_of_the_split_are_used(held_out: bool) -> None:
    other = {p.id for leaf, some in WORDING.phrases.items() if (leaf[2] == "held_out") != held_out for p in some}
    scene = shown(LOWER, is_slice=True)
    for seed in range(60):
        for _, talk in converse_about(scene, WORDING, np.random.default_rng(seed), kinds=KINDS, held_out=held_out):
            assert not {turn.template for turn in talk} & other


def test_an_unknown_kind_is_told() -> None:
    with pytest.raises(PRSMedError, match=r"'where'.*position") as error:
        converse_about(shown(LOWER), WORDING, np.random.default_rng(0), kinds=["where"], held_out=False)  # type: ignore[list-item]
    assert error.value.code == "unknown_kind"


@pytest.mark.parametrize(
    ("target", "asked"),
    [
        ("left lung", "left lung"),
        ("lungs, heart and trachea", "lungs, heart and trachea"),
        ("central gland", "marked region"),
        ("upper left lobe", "upper left lobe"),
        ("upper right corner", "marked region"),
        ("label 1", "marked region"),
        ("no-fat zone", "marked region"),
        ("{the}", "{the}"),
        ("", "marked region"),
        (" ", "marked region"),
    ],
)
def test_a_name_that_is_read_as_a_place_is_not_used(target: str, asked: str) -> None:
    scene = shown(TOP_LEFT, is_slice=True, target=target, modality="unheard_of")
    for kind, held_out in ((kind, held_out) for kind in KINDS for held_out in (False, True)):
        for turn in turns(scene, kind, held_out=held_out):
            assert turn.target == asked
            assert parse(turn.answer).zones in (("top left",), ())
    head = replace(scene, record=replace(scene.record, modality="brain_mri"))
    assert bool(turns(head, "patient_side")) == ("left" not in asked)
