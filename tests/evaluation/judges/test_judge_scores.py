"""Scores and pairs, by hand."""

from __future__ import annotations

import pytest
from spoken_answers import spoken

from prsmed.evaluation.judges.judged import Judged, Verdict
from prsmed.evaluation.judges.pairs import compare_raters
from prsmed.evaluation.judges.scores import ALL_AGENTS, PARSER, count_replies, panel


def judged(number: int, one: str, two: str, human: Verdict = None, modality: str = "brain_mri") -> Judged:
    """Votes as letters, a prompt each: y, n, or - for what was not read."""
    votes = {
        name: {str(prompt): {"y": True, "n": False, "-": None}[letter] for prompt, letter in enumerate(letters)}
        for name, letters in (("one", one), ("two", two))
    }
    return Judged(spoken(number, "top left", modality=modality), votes, human)


ANSWERS = [
    judged(0, "yyy", "yny", True),
    judged(2, "nnn", "ynn", False),
    judged(4, "yy-", "---", True),
    judged(6, "ynn", "nnn", None, "polyp_endoscopy"),
]


def test_scores_are_means_over_prompts_with_their_deviation() -> None:
    scores = panel(ANSWERS)
    one, two = scores["one"], scores["two"]
    assert one.row["brain_mri"].value == pytest.approx((1 + 0 + 1) / 3)
    assert one.row["polyp_endoscopy"].value == pytest.approx(1 / 3)
    assert one.row["macro"].value == pytest.approx(0.5)
    # Over prompts: 2/3, 2/3 and 1/2 of the verdicts that were read; deviation of a sample.
    assert one.deviation["brain_mri"] == pytest.approx((2 / 3 - 1 / 2) / 3**0.5)
    # Macro over prompts: (2/3 + 1) / 2, (2/3 + 0) / 2, (1/2 + 0) / 2.
    macros = (5 / 6, 1 / 3, 1 / 4)
    mean = sum(macros) / 3
    assert one.deviation["macro"] == pytest.approx((sum((x - mean) ** 2 for x in macros) / 2) ** 0.5)
    assert (two.row["brain_mri"].n, two.row["brain_mri"].value) == (2, pytest.approx((2 / 3 + 1 / 3) / 2))


def test_all_agents_are_their_mean_and_the_parser_stands_beside() -> None:
    scores = panel(ANSWERS)
    together = scores[ALL_AGENTS]
    # The third answer has a verdict of the first agent only.
    assert together.row["brain_mri"].value == pytest.approx(((1 + 2 / 3) / 2 + (0 + 1 / 3) / 2 + 1) / 3)
    assert together.deviation["brain_mri"] == pytest.approx(abs(2 / 3 - 1 / 2) / 2**0.5)
    assert (scores[PARSER].row["macro"].value, scores[PARSER].deviation["macro"]) == (1, None)


def test_what_is_not_read_is_counted_and_no_verdict() -> None:
    assert count_replies(ANSWERS, "two") == {True: 3, False: 6, None: 3}
    assert [answer.majority("two") for answer in ANSWERS] == [True, False, None, False]
    assert judged(0, "yn", "--").majority("one") is None


def test_every_pair_is_compared_where_both_have_a_verdict() -> None:
    pairs = {(pair.first, pair.second): pair.agreement for pair in compare_raters(ANSWERS)}
    raters = ("one", "two", "parser", "human")
    assert list(pairs) == [(a, b) for number, a in enumerate(raters) for b in raters[number + 1 :]]
    shares = {names: (found.share.value, found.share.n) for names, found in pairs.items() if found}
    assert shares["one", "two"] == (1, 3)
    assert shares["one", "parser"] == (0.5, 4)
    assert shares["one", "human"] == (1, 3)
    assert shares["parser", "human"] == (pytest.approx(2 / 3), 3)


def test_raters_without_a_common_answer_have_no_agreement() -> None:
    pairs = {(pair.first, pair.second): pair.agreement for pair in compare_raters([judged(0, "yyy", "---")])}
    assert ("one", "human") not in pairs
    assert pairs["one", "two"] is None
