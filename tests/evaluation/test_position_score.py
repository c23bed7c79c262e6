from __future__ import annotations

import pytest
from evaluation_set import absent, outcome

from prsmed.evaluation.outcome import Outcome
from prsmed.evaluation.place import Place
from prsmed.evaluation.position_score import constant_places, position_measures

LEFT_NEAR, LEFT_FAR = Place(("top left",), True), Place(("top left",), False)
RIGHT = Place(("top right",), True)
TRUTHS = (LEFT_NEAR, LEFT_FAR, LEFT_FAR, RIGHT, RIGHT, RIGHT, RIGHT)


def means(outcomes: list[Outcome]) -> dict[str, float]:
    found = {}
    for measure in position_measures(outcomes):
        values = [value for one in outcomes if (value := measure.value(one)) is not None]
        if values:
            found[measure.name] = sum(values) / len(values)
    return found


def test_the_constant_is_the_best_of_each_modality() -> None:
    outcomes = [outcome(true_place=place) for place in TRUTHS]
    outcomes += [outcome(true_place=LEFT_FAR, modality="lung_ct"), absent(modality="skin")]
    constants = constant_places(outcomes, Place.has_zones_of)
    assert constants["brain_mri"].zones == ("top right",)
    assert constants["lung_ct"].zones == ("top left",)
    assert set(constants) == {"brain_mri", "lung_ct"}


def test_with_nearness_another_constant_can_be_best() -> None:
    far, near = Place(("top left",), False), Place(("top left",), True)
    outcomes = [outcome(true_place=place) for place in (far, far, near, near, RIGHT, RIGHT, RIGHT)]
    assert constant_places(outcomes, Place.has_zones_of)["brain_mri"].zones == ("top left",)
    assert constant_places(outcomes, Place.fits)["brain_mri"] == RIGHT


def test_shares_of_present_targets() -> None:
    outcomes = [
        outcome(true_place=LEFT_NEAR, text_place=LEFT_FAR, mask_place=LEFT_NEAR),
        outcome(true_place=LEFT_NEAR, text_place=LEFT_NEAR, mask_place=RIGHT),
        outcome(true_place=RIGHT, text_place=Place(), mask_place=Place()),
        outcome(true_place=RIGHT, text_place=RIGHT, mask_place=RIGHT),
        outcome(true_place=RIGHT, text_place=RIGHT, mask_place=RIGHT),
        absent(),
    ]
    found = means(outcomes)
    assert found["text_zone"] == pytest.approx(4 / 5)
    assert found["text_near"] == pytest.approx(3 / 5)
    assert found["mask_zone"] == found["mask_near"] == pytest.approx(3 / 5)
    assert found["constant_zone"] == found["constant_near"] == pytest.approx(3 / 5)
    assert found["text_gain"] == pytest.approx(4 / 5 - 3 / 5)


def test_no_words_no_text_scores() -> None:
    wordless = outcome(text=None, text_place=None, text_denies=None, agrees=None)
    assert set(means([wordless])) == {"mask_zone", "mask_near", "constant_zone", "constant_near"}
