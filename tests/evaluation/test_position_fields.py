from __future__ import annotations

import numpy as np
import pytest
from evaluation_set import absent, outcome
from sklearn.metrics import balanced_accuracy_score

from prsmed.evaluation.place import Place
from prsmed.evaluation.position_fields import (
    Fields,
    balanced_accuracy,
    constant_fields,
    is_exact,
    of_place,
    of_reading,
)
from prsmed.evaluation.position_tables import position_tables
from prsmed.position.parser import parse

FAR = "It is in the top left, far from the center."


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (FAR, Fields("top", "left", False, 1)),
        ("It is in the center.", Fields("middle", "middle", True, 1)),
        ("It lies on the right.", Fields(None, "right", None, None)),
        ("One is in the top left and another in the bottom left.", Fields("bottom + top", "left", None, 2)),
        ("There is no tumour.", Fields(None, None, None, 0)),
        ("I cannot say.", Fields(None, None, None, None)),
    ],
    ids=["zone", "center", "half", "two", "none", "nothing"],
)
def test_fields_of_a_text(text: str, expected: Fields) -> None:
    assert of_reading(parse(text)) == expected


def test_what_the_truth_does_not_say_is_not_asked() -> None:
    two = of_place(Place(("top left", "bottom left"), None))
    assert is_exact(Fields("bottom + top", "left", True, 2), two) == 1
    assert is_exact(Fields("top", "left", None, 1), two) == 0


def test_the_most_frequent_value_is_of_the_modality() -> None:
    mri = [outcome(true_place=Place((zone,), False)) for zone in ("top left", "top right", "bottom right")]
    ct = [outcome(modality="ct", true_place=Place(("center",), True)), absent(modality="ct")]
    constant = constant_fields([*mri, *ct])
    assert constant(mri[0]) == Fields("top", "right", False, 1)
    assert constant(ct[1]) == Fields("middle", "middle", True, 1)


def test_balanced_accuracy_is_that_of_sklearn() -> None:
    rng = np.random.default_rng(1)
    true, said = rng.choice(["top", "bottom", "middle"], (2, 60), p=[0.7, 0.2, 0.1])
    times = rng.integers(1, 4, size=(2, 60)).astype(float)
    expected = [balanced_accuracy_score(true, said, sample_weight=weights) for weights in times]
    assert balanced_accuracy(true.tolist(), (true == said).tolist())(times) == pytest.approx(expected)


def test_a_constant_is_right_for_one_class_in_every_draw() -> None:
    true = ["top", "top", "middle", "bottom"]
    figure = balanced_accuracy(true, [float(value == "top") for value in true])
    assert figure(np.array([[1, 1, 1, 1], [2, 2, 0, 0], [0, 0, 3, 1]], float)) == pytest.approx([1 / 3] * 3)


def test_a_row_a_source_and_none_without_words() -> None:
    areas = {"mask_area_place": Place(("top left",), False), "true_area_place": Place(("top right",), False)}
    answers = [outcome(id=f"val-{number}", group=f"g{number}", text=FAR, **areas) for number in range(3)]
    (table,) = position_tables([*answers, absent()])
    assert [row[0].figure for row in table.rows] == [
        "Text",
        "Mask, box rule",
        "Mask, area rule",
        "True mask, area rule",
        "Most frequent",
    ]
    shown = {row[0].figure: [cell.figure for cell in row[1:5]] for row in table.rows}
    assert shown["Text"] == ["3", "1.000", "1.000", "1.000"]
    assert shown["True mask, area rule"] == ["3", "0.000", "1.000", "0.000"]
    (mute,) = position_tables([outcome(text=None, text_place=None)])
    assert [row[0].figure for row in mute.rows] == ["Mask, box rule", "Most frequent"]
    assert position_tables([absent()]) == []
