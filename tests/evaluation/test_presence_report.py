from __future__ import annotations

import pytest
from evaluation_set import absent, outcome

from prsmed.evaluation.presence_report import calibration_figures, calibration_tables

PRESENT = [
    outcome(id=f"p{n}", group=f"g{n}", presence=p, says_present=p >= 0.5) for n, p in enumerate((0.9, 0.8, 0.3, 0.7))
]
ABSENT = [absent(id=f"a{n}", group=f"h{n}", presence=p, says_present=p >= 0.5) for n, p in enumerate((0.1, 0.6))]


def test_the_table_by_hand() -> None:
    (table,) = calibration_tables([*PRESENT, *ABSENT])
    modality, macro = table.rows
    assert [cell.figure for cell in modality[:2]] == ["brain mri", "6"]
    brier = (0.1**2 + 0.2**2 + 0.7**2 + 0.3**2 + 0.1**2 + 0.6**2) / 6
    assert [cell.figure for cell in modality[2:5]] == ["0.875", "0.333", f"{brier:.3f}"]
    assert [cell.figure for cell in macro[1:]] == [cell.figure for cell in modality[1:]]
    assert modality[2].interval.startswith("[")


def test_figures_say_in_words_what_they_show() -> None:
    reliability, abstention = calibration_figures([*PRESENT, *ABSENT])
    assert reliability.png.startswith(b"\x89PNG")
    assert "said 0.10, true 0.00" in reliability.alt
    assert "at coverage 1.00 0.333" in abstention.alt
    assert reliability.png == calibration_figures([*PRESENT, *ABSENT])[0].png


@pytest.mark.parametrize("make", [calibration_tables, calibration_figures])
def test_systems_without_presence_have_none(make) -> None:  # type: ignore[no-untyped-def]
    assert make([outcome(presence=None, says_present=None)]) == []
