"""The verdict on words and mask."""

from __future__ import annotations

from dataclasses import replace

import pytest

from prsmed.position.agreement import Agreement, compare
from prsmed.position.findings import Finding, Position

TOP_LEFT, TOP_RIGHT = Position("top left", True), Position("top right", False)
FINDING = Finding(1, "tumour", "top left", True, "right", (1.0, 2.0, 3.0), (4.0, 5.0, 6.0), 7.0, 8.0, None, 0.9)


@pytest.mark.parametrize(
    ("text", "places", "verdict"),
    [
        ("The tumour is in the upper left.", [TOP_LEFT], Agreement("top left", "top left", True)),
        ("The tumour is in the upper left.", [TOP_RIGHT], Agreement("top left", "top right", False)),
        ("There is no tumour.", [], Agreement("none", "none", True)),
        ("There is no tumour.", [TOP_LEFT], Agreement("none", "top left", False)),
        ("The tumour is in the upper left.", [], Agreement("top left", "none", False)),
        ("It is large.", [TOP_LEFT], Agreement(None, "top left", None)),
        ("It is large.", [], Agreement(None, "none", None)),
        (
            "Top right and top left.",
            [TOP_LEFT, TOP_RIGHT],
            Agreement("top left + top right", "top left + top right", True),
        ),
        ("Top right.", [TOP_LEFT, TOP_RIGHT], Agreement("top right", "top left + top right", False)),
        ("It is on the left.", [TOP_LEFT], Agreement("left", "top left", True)),
        ("It is on the left.", [TOP_RIGHT], Agreement("left", "top right", False)),
        ("It is in the upper half.", [TOP_LEFT, TOP_RIGHT], Agreement("top", "top left + top right", True)),
        ("It is on the left.", [TOP_LEFT, TOP_RIGHT], Agreement("left", "top left + top right", False)),
        ("It is on the left.", [Position("center", True)], Agreement("left", "center", False)),
    ],
)
def test_compare(text: str, places: list[Position], verdict: Agreement) -> None:
    assert compare(text, places) == verdict


def test_sides_are_compared_when_nothing_else_is_named() -> None:
    assert compare("It is on the patient's right.", [FINDING]) == Agreement("patient's right", "top left", True)
    assert compare("It is on the patient's left.", [FINDING]) == Agreement("patient's left", "top left", False)
    no_space = replace(FINDING, patient_side=None)
    assert compare("It is on the patient's left.", [no_space]) == Agreement("patient's left", "top left", None)
    assert compare("It is in the top left.", [FINDING]).agrees is True
