"""Agreement of every two of those who judged: agents, the zone parser, a human."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

from prsmed.evaluation.judges.agents import HUMAN, PARSER
from prsmed.evaluation.judges.agreement import Agreement, agreement
from prsmed.evaluation.judges.judged import Judged, Verdict


@dataclass(frozen=True)
class Pair:
    """Two raters and their agreement; ``None`` when no answer has a verdict of both."""

    first: str
    second: str
    agreement: Agreement | None


def compare_raters(judged: Sequence[Judged]) -> list[Pair]:
    """Agreement of every pair, agents first.

    An agent's verdict on an answer is that of most of its prompts; where as many say yes as no it has none.
    """
    agents = list(judged[0].votes) if judged else []
    names = [*agents, PARSER, *([HUMAN] if any(answer.human is not None for answer in judged) else [])]
    return [Pair(first, second, _agreement(judged, first, second)) for first, second in combinations(names, 2)]


def _agreement(judged: Sequence[Judged], first: str, second: str) -> Agreement | None:
    one, other = _rater(first), _rater(second)
    both = [
        ((a, b), answer.outcome.group)
        for answer in judged
        if (a := one(answer)) is not None and (b := other(answer)) is not None
    ]
    return agreement(*zip(*both, strict=True)) if both else None


def _rater(name: str) -> Callable[[Judged], Verdict]:
    if name == PARSER:
        return lambda answer: answer.parser
    if name == HUMAN:
        return lambda answer: answer.human
    return lambda answer: answer.majority(name)
