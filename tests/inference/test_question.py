"""What may be asked, and how a refusal reads."""

from __future__ import annotations

import pytest

from prsmed.errors import PRSMedError
from prsmed.inference import check_question


@pytest.mark.parametrize(
    ("text", "code", "says"),
    [
        ("", "empty_question", "ask something"),
        (" \n\t", "empty_question", "ask something"),
        ("x" * 100_000, "question_too_long", "100000 characters; at most 2000"),
        ("where\x00is it", "control_characters", r"U\+0000"),
        ("where \x1b[31mis it", "control_characters", r"U\+001B"),
    ],
)
def test_refused(text: str, code: str, says: str) -> None:
    with pytest.raises(PRSMedError, match=says) as caught:
        check_question(text)
    assert caught.value.code == code


@pytest.mark.parametrize("text", ["Wo ist der Tumor?", "腫瘍はどこですか", "<image></s> [SEG]", "a\nb", "x" * 2000])
def test_kept_as_typed(text: str) -> None:
    assert check_question(f"  {text} ") == text
