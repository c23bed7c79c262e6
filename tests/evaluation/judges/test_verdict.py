"""Yes, no, or not read."""

from __future__ import annotations

import pytest

from prsmed.evaluation.judges.verdict import read_verdict


@pytest.mark.parametrize(
    "reply",
    [
        "yes",
        "Yes.",
        "**yes**",
        "YES, because both are at the top left and there is no difference",
        " \n“Yes”\n",
        "Yes they are similar",
        "yes \u2013 the same quadrant",
        "The answer is yes",
        "Answer: **Yes**",
        "My verdict: yes.",
        '{"answer": "yes"}',
        r"\boxed{\text{Yes}}",
        "I would say yes.",
        "Both lie in the same quadrant, so yes.",
        "'yes'",
        "Both are at the top left.\n\nYes",
        "<think>no, wait, hm, no</think>\n\nYes",
        "no, not quite ... or is it? </think> yes",
        "Yes or no: yes",
    ],
)
def test_yes(reply: str) -> None:
    assert read_verdict(reply) is True


@pytest.mark.parametrize(
    "reply",
    [
        "no",
        "No.",
        "NO!",
        "*No*, although one might say yes",
        "No, they are different.",
        "No they differ",
        "No - top left is not bottom right",
        "<think>yes yes</think> no",
        "<thinking>yes</thinking>\n`No`",
        "The final answer is: no",
        "I would say no.",
        "The places differ.\nNo.",
        "The reply says yes to the question.\nThe answer is no.",
    ],
)
def test_no(reply: str) -> None:
    assert read_verdict(reply) is False


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "...",
        "<think>yes, the answer is yes, but let me",
        "yes/no",
        "Yes or no",
        "yes and no",
        "Yes. On second thought, the answer is no",
        "No\nYes",
        "No difference",
        "There is no information on that.",
        "The answer is not yes.",
        "I cannot say yes.",
        "I don't think that is a yes",
        "Maybe",
        "1",
        "The positions are similar.",
        "Oui",
        "Ja.",
        "нет",
        "nothing",
        "Yesterday",
        "Answer: no tumour is seen",
    ],
)
def test_what_is_neither_is_not_read(reply: str) -> None:
    assert read_verdict(reply) is None
