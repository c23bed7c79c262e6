from __future__ import annotations

import pytest

from prsmed.evaluation.choice import ChoiceOutcome, choice_tables, read_choice

ZONES = ("top left", "center", "bottom right", "top right")
NEAR = (
    "bottom left, far from the center",
    "bottom left, close to the center",
    "center",
    "top right, close to the center",
)

READ = [
    ("B", ZONES, "B"),
    ("(c)", ZONES, "C"),
    ("[C]", ZONES, "C"),
    ("My pick is D. The lesion is in the top right.", ZONES, "D"),
    ("Letter A fits: the tumour is there.", ZONES, "A"),
    ("The lesion is in the center, so I answer B.", ZONES, "B"),
    ("Option C", ZONES, "C"),
    ("A mass lies in the bottom right quadrant of the image.", ZONES, "C"),
    ("The tumour is in the top left, far from the center.", ZONES, "A"),
    ("It is in the bottom left of the image, close to the center.", NEAR, "B"),
    ("It is in the bottom left of the image, far from the center.", NEAR, "A"),
    ("It is in the bottom left of the image.", NEAR, None),
    ("The answer is A or the answer is B.", ZONES, None),
    ("It is in the bottom left.", ZONES, None),
    ("There is no tumour in this image.", ZONES, None),
    ("", ZONES, None),
]


@pytest.mark.parametrize(("text", "options", "letter"), READ, ids=[str(number) for number in range(len(READ))])
def test_what_an_answer_comes_to(text: str, options: tuple[str, ...], letter: str | None) -> None:
    assert read_choice(text, options) == letter


def answered(number: int, modality: str, letter: str, chosen: str | None) -> ChoiceOutcome:
    return ChoiceOutcome(str(number), modality, "made", f"g{number // 2}", "Where?", ZONES, letter, "", chosen)


def test_shares_are_those_counted_by_hand() -> None:
    brain = [answered(n, "brain_mri", "ABAA"[n], "ABCD"[n]) for n in range(4)]
    skin = [answered(4 + n, "skin_dermoscopy", "BB"[n], ("B", None)[n]) for n in range(2)]
    [table] = choice_tables([*brain, *skin])
    told = table.to_json()
    assert told["brain mri"]["Right"]["value"] == 0.5
    assert told["skin dermoscopy"]["None"]["value"] == 0.5
    assert told["macro"]["Right"]["value"] == 0.5
    assert told["macro"]["Chance"]["value"] == 0.25
    # A and B are right as often; the first is taken.
    assert (told["brain mri"]["Letter"]["value"], told["skin dermoscopy"]["Letter"]["value"]) == (0.75, 0.0)
    assert (told["brain mri"]["Place"]["value"], told["skin dermoscopy"]["Place"]["value"]) == (0.75, 1.0)
    assert told["brain mri"]["Questions"] == {"n": 4, "groups": 2}


def test_without_questions_there_is_no_table() -> None:
    assert choice_tables([]) == []
