"""What the judges' verdicts come to.

An agent's score is the share of yes, averaged over its prompts; the panel's score is the mean over agents. Replies that
could not be read count for neither side, and are shown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from prsmed.evaluation.judges.agents import ALL_AGENTS, PARSER
from prsmed.evaluation.judges.judged import Judged
from prsmed.evaluation.summary import MACRO, Row, estimate_row


@dataclass(frozen=True)
class Score:
    """Share of answers judged to name the same place as the truth.

    Attributes:
        row: Estimates by modality and for ``macro``.
        deviation: By the same names, the sample standard deviation over prompts (of all agents: over agents);
            ``None`` where there is only one.
    """

    row: Row
    deviation: Mapping[str, float | None]


def score_agent(judged: Sequence[Judged], agent: str) -> Score:
    """The score of one agent over its prompts.

    Args:
        judged: At least one, all judged under the same prompts.
        agent: Its name.
    """
    by_prompt = [
        _means([(answer.outcome.modality, answer.votes[agent][prompt]) for answer in judged])
        for prompt in judged[0].votes[agent]
    ]
    row = _row(judged, lambda answer: answer.share(agent))
    return Score(row, {part: _deviation([means[part] for means in by_prompt if part in means]) for part in row})


def score_all(judged: Sequence[Judged], scores: Mapping[str, Score]) -> Score:
    """The score of all agents together.

    Args:
        judged: As for :func:`score_agent`.
        scores: Of every agent, by name.
    """

    def share(answer: Judged) -> float | None:
        shares = [own for agent in scores if (own := answer.share(agent)) is not None]
        return float(np.mean(shares)) if shares else None

    row = _row(judged, share)
    rows = [score.row for score in scores.values()]
    return Score(row, {part: _deviation([own[part].value for own in rows if part in own]) for part in row})


def score_parser(judged: Sequence[Judged]) -> Score:
    """The same share by the zone parser, for comparison."""
    row = _row(judged, lambda answer: float(answer.parser))
    return Score(row, dict.fromkeys(row))


def panel(judged: Sequence[Judged]) -> dict[str, Score]:
    """Every score of some answers: each agent's, all agents' and the parser's."""
    if not judged:
        return {}
    agents = {agent: score_agent(judged, agent) for agent in judged[0].votes}
    together = {ALL_AGENTS: score_all(judged, agents)} if len(agents) > 1 else {}
    return {**agents, **together, PARSER: score_parser(judged)}


def count_replies(judged: Sequence[Judged], agent: str) -> Counter[bool | None]:
    """How many verdicts of an agent are yes, no, and not read (``None``)."""
    return Counter(vote for answer in judged for vote in answer.votes[agent].values())


def _row(judged: Sequence[Judged], value: Callable[[Judged], float | None]) -> Row:
    values = {answer.outcome.id: value(answer) for answer in judged}
    return estimate_row(lambda outcome: values[outcome.id], [answer.outcome for answer in judged])


def _means(votes: Sequence[tuple[str, bool | None]]) -> dict[str, float]:
    """Share of yes by modality and macro, of the verdicts that were read."""
    read: dict[str, list[bool]] = {}
    for modality, vote in votes:
        if vote is not None:
            read.setdefault(modality, []).append(vote)
    means = {modality: float(np.mean(own)) for modality, own in read.items()}
    return {**means, MACRO: float(np.mean(list(means.values())))} if means else {}


def _deviation(values: Sequence[float]) -> float | None:
    return float(np.std(values, ddof=1)) if len(values) > 1 else None
