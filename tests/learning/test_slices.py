"""A label becomes pictures with its target, and without it only where that is known."""

from __future__ import annotations

import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from drawn_corrections import FIRST, LAST, SHAPE, ball, write_correction
from PIL import Image

from prsmed.data import read_image
from prsmed.errors import PRSMedError
from prsmed.learning.correction import Correction
from prsmed.learning.slices import MOST_NEGATIVE, MOST_POSITIVE, Lesson, draw_lessons


def indices(lessons: list[Lesson], *, shown: bool) -> list[int]:
    return [int(x.record.image.split("-")[2]) for x in lessons if (x.record.mask is not None) == shown]


def draw(correction: Correction, folder: Path) -> list[Lesson]:
    folder.mkdir(exist_ok=True)
    return draw_lessons(correction, folder)


def test_a_volume_drawn_through_teaches_with_and_without_its_target(tmp_path: Path) -> None:
    correction = write_correction(tmp_path, "a", question="Where is the gadget?")
    lessons = draw(correction, tmp_path / "out")
    assert indices(lessons, shown=True) == list(range(FIRST, LAST + 1))
    without = indices(lessons, shown=False)
    assert len(without) == MOST_NEGATIVE
    assert all(index < FIRST - 1 or index > LAST + 1 for index in without), "beside a marked slice a rest may show"
    for lesson in lessons:
        assert (lesson.record.target, lesson.record.modality) == ("gadget", "corrected gadget")
        assert (lesson.record.group, lesson.question) == ("a", "Where is the gadget?")
        image, mask = read_image(lesson.record, tmp_path / "out")
        assert mask.any() == (lesson.record.mask is not None)
        if mask.any():  # the picture shows what the mask marks
            assert image[mask > 0].mean() > image[mask == 0].mean() + 50


def test_the_same_correction_gives_the_same_pictures(tmp_path: Path) -> None:
    correction = write_correction(tmp_path, "patient, John")
    first, second = (draw(correction, tmp_path / folder) for folder in ("one", "two"))
    assert first == second
    assert not any("John" in lesson.record.image for lesson in first)


def test_one_slice_that_was_asked_about_says_nothing_of_the_others(tmp_path: Path) -> None:
    mask = ball()
    mask[:, :, [k for k in range(SHAPE[2]) if k != 9]] = 0
    view = {"mode": "slice", "plane": "axial", "slice": 9, "window": [140, 200]}
    lessons = draw(write_correction(tmp_path, "a", mask=mask, view=view), tmp_path / "out")
    assert (indices(lessons, shown=True), indices(lessons, shown=False)) == ([9], [])
    # Nor does one that was drawn by hand.
    lessons = draw(write_correction(tmp_path, "a", mask=mask), tmp_path / "out")
    assert (indices(lessons, shown=True), indices(lessons, shown=False)) == ([9], [])


@pytest.mark.parametrize(
    ("view", "empty"),
    [({"mode": "slice", "plane": "axial", "slice": 3}, [3]), ({"mode": "volume", "slice_range": [2, 4]}, [2, 3, 4])],
    ids=["slice", "volume"],
)
def test_an_empty_label_says_that_nothing_is_there(tmp_path: Path, view: dict[str, object], empty: list[int]) -> None:
    nothing = np.zeros(SHAPE, np.uint8)
    lessons = draw(write_correction(tmp_path, "a", mask=nothing, view=view), tmp_path / "out")
    assert (indices(lessons, shown=True), indices(lessons, shown=False)) == ([], empty)
    with pytest.raises(PRSMedError, match="no slice was asked about"):
        draw(write_correction(tmp_path, "a", mask=nothing), tmp_path / "out")


def test_other_planes_have_square_pixels(tmp_path: Path) -> None:
    view = {"mode": "volume", "plane": "coronal", "slice_range": [0, 35]}
    lessons = draw(write_correction(tmp_path, "a", view=view), tmp_path / "out")
    with Image.open(tmp_path / "out" / lessons[0].record.image) as picture:
        assert picture.size == (40, 60)  # 40 columns of 1 mm, 20 rows of 3 mm
    assert len(indices(lessons, shown=True)) == len(set(indices(lessons, shown=True))) <= MOST_POSITIVE


def test_long_targets_are_spread_evenly(tmp_path: Path) -> None:
    tall = np.repeat(ball()[:, :, 9:10], SHAPE[2], axis=2)
    shown = indices(draw(write_correction(tmp_path, "a", mask=tall), tmp_path / "out"), shown=True)
    assert len(shown) == MOST_POSITIVE
    assert shown[0] <= 1
    assert shown[-1] >= SHAPE[2] - 2
    assert np.diff(shown).max() <= 2


@pytest.mark.parametrize(
    ("names", "question", "asked"),
    [
        ({1: "gadget", 2: "widget"}, "Where is the Widget?", {"gadget": None, "widget": "Where is the Widget?"}),
        ({}, "Is there a polyp here?", {"polyp": "Is there a polyp here?"}),
        ({}, None, {"finding": None}),
        ({1: "gadget", 2: "widget"}, "x" * 301, {"gadget": None, "widget": None}),
        ({1: " left\n  kidney ", 2: "海馬"}, None, {"left kidney": None, "海馬": None}),
    ],
    ids=["named", "from the question", "nothing said", "too long", "spaces, other scripts"],
)
def test_names_and_questions(
    tmp_path: Path, names: dict[int, str], question: str | None, asked: dict[str, str | None]
) -> None:
    mask = ball() + 2 * (ball(20) & ~ball())
    lessons = draw(write_correction(tmp_path, "a", mask=mask, names=names, question=question), tmp_path / "out")
    assert {lesson.record.target: lesson.question for lesson in lessons} == asked


@pytest.mark.parametrize(
    ("told", "can_mirror", "can_move"),
    [
        ({}, True, True),
        ({"names": {1: "left gadget"}}, False, True),
        ({"names": {1: "left gadget"}, "question": "Where is the left gadget?"}, False, True),
        ({"question": "The one on the right side?"}, False, False),
        ({"question": "What is in the upper half?"}, True, False),
        ({"view": {"mode": "volume", "plane": "sagittal", "slice_range": [0, 39]}}, False, True),
    ],
    ids=["any", "side in the name", "side of the name", "side", "place", "sagittal"],
)
def test_words_that_a_moved_picture_would_make_untrue_keep_it_still(
    tmp_path: Path, told: dict[str, object], can_mirror: bool, can_move: bool
) -> None:
    for lesson in draw(write_correction(tmp_path, "a", **told), tmp_path / "out"):
        assert (lesson.can_mirror, lesson.can_move) == (can_mirror, can_move)


@pytest.mark.parametrize(
    "view",
    [
        {"mode": "slice", "slice": "x"},
        {"mode": "volume", "slice_range": [1]},
        {"plane": 7, "window": [1, "a"]},
        {"mode": "slice", "slice": 999},
        {"window": {"center": 1}},
        {"mode": "slice", "slice": float("nan")},
    ],
    ids=["slice", "range", "plane, window", "outside", "object", "nan"],
)
def test_a_view_that_makes_no_sense_is_passed_over(tmp_path: Path, view: dict[str, object]) -> None:
    assert indices(draw(write_correction(tmp_path, "a", view=view), tmp_path / "out"), shown=True)


def test_what_cannot_be_used_says_why(tmp_path: Path) -> None:
    good = write_correction(tmp_path, "a", mask=3 * ball())
    with pytest.raises(PRSMedError, match="value 3, which has no name"):
        draw(good, tmp_path / "out")
    nib.save(nib.Nifti1Image(ball()[:, :, :-1], np.eye(4)), good.label)
    with pytest.raises(PRSMedError, match="export it with the image as reference"):
        draw(good, tmp_path / "out")
    good.label.write_bytes(b"junk")
    with pytest.raises(PRSMedError):
        draw(good, tmp_path / "out")


def test_a_picture_is_whole_whoever_asks(tmp_path: Path) -> None:
    photo = np.random.default_rng(0).integers(60, 200, (30, 44, 3)).astype(np.uint8)
    Image.fromarray(photo).save(tmp_path / "photo.png")
    for name, value in (("lesion", 1), ("empty", 0)):
        mask = np.zeros((30, 44), np.uint8)
        mask[4:12, 5:15] = value
        Image.fromarray(mask).save(tmp_path / f"{name}.png")
    lessons = [
        draw(Correction(name, name, tmp_path / "photo.png", tmp_path / f"{name}.png", {1: "mole"}), tmp_path / "out")
        for name in ("lesion", "empty")
    ]
    assert [[lesson.record.mask is not None for lesson in drawn] for drawn in lessons] == [[True], [False]]
    image, mask = read_image(lessons[0][0].record, tmp_path / "out")
    assert np.array_equal(image, photo)
    assert mask.sum() == 80


def test_a_correction_goes_through_json(tmp_path: Path) -> None:
    correction = write_correction(tmp_path, "a", question="Where?", view={"mode": "slice", "slice": 3})
    assert Correction.from_json(json.loads(json.dumps(correction.to_json()))) == correction
