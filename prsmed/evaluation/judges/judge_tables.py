"""The tables of judges.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from prsmed.evaluation.judges.agents import ALL_AGENTS, HUMAN, PARSER, Agent
from prsmed.evaluation.judges.judged import Judged, Verdict
from prsmed.evaluation.judges.pairs import Pair
from prsmed.evaluation.judges.scores import Score, count_replies
from prsmed.evaluation.tables import Cell, Table

_DISPUTED = 20
_WORDS = {True: "yes", False: "no", None: "-"}


def score_table(title: str, panel: Mapping[str, Score]) -> Table:
    """A row a modality, the macro mean last; a column an agent, then all agents and the parser."""
    counted = panel[PARSER].row
    rows = tuple(
        (
            Cell(part.replace("_", " ")),
            Cell.count(counted[part].n, counted[part].groups),
            *(_score_cell(score, part) for score in panel.values()),
        )
        for part in counted
    )
    meanings = {
        ALL_AGENTS: "Mean over agents, ± deviation over agents.",
        PARSER: "Share by the zone parser: the text names exactly the true zones, or denies what is absent.",
    }
    legend = [(rater, meanings.get(rater, "Share of yes, mean ± deviation over prompts.")) for rater in panel]
    return Table(title, ("Modality", "Answers", *panel), rows, tuple(legend))


def replies_table(agents: Sequence[Agent], judged: Sequence[Judged]) -> Table:
    """A row an agent: its model, and what could be read of its replies."""
    rows = []
    for agent in agents:
        counts = count_replies(judged, agent.name)
        numbers = (counts.total(), counts[True], counts[False], counts[None])
        rows.append((Cell(agent.name), Cell(agent.speaker.name), *(Cell(str(number)) for number in numbers)))
    legend = (
        ("Replies", "One an answer and prompt, at temperature 0; equal requests are asked once."),
        ("Not read", "Neither yes nor no could be read, or both: they count for neither side."),
    )
    return Table("Replies", ("Agent", "Model", "Replies", "Yes", "No", "Not read"), tuple(rows), legend)


def agreement_table(pairs: Sequence[Pair]) -> Table:
    """A row a pair of raters."""
    rows = []
    for pair in pairs:
        found = pair.agreement
        figures = (Cell("0"), *[Cell.of(None)] * 3)
        if found is not None:
            counted = Cell.count(found.share.n, found.share.groups)
            figures = (counted, *(Cell.of(figure) for figure in (found.share, found.kappa, found.ac2)))
        rows.append((Cell(f"{pair.first} / {pair.second}"), *figures))
    legend = (
        ("Answers", "Those on which both have a verdict; an agent's is that of most of its prompts."),
        ("Agree", "Share of equal verdicts."),
        ("Kappa", "Cohen's kappa; near 0 when nearly all verdicts are alike, however well the raters agree."),
        ("AC2", "Gwet's AC2 (identity weights, so AC1), which does not suffer from that."),
    )
    return Table("Agreement", ("Raters", "Answers", "Agree", "Kappa", "AC2"), tuple(rows), legend)


def disputed_table(judged: Sequence[Judged]) -> Table:
    """The answers over which the raters are most divided, at most twenty."""
    agents = list(judged[0].votes) if judged else []
    divided = sorted((answer for answer in judged if _division(answer)), key=_division, reverse=True)[:_DISPUTED]
    rows = tuple(
        (
            *(Cell(_one_line(text)) for text in (answer.outcome.id, answer.outcome.question)),
            *(Cell(_one_line(text)) for text in (answer.outcome.true_answer, answer.outcome.text or "")),
            *(Cell("/".join(_WORDS[vote] for vote in answer.votes[agent].values())) for agent in agents),
            Cell(_WORDS[answer.parser]),
            Cell(_WORDS[answer.human]),
        )
        for answer in divided
    )
    header = ("Id", "Question", "Truth", "Answer", *agents, PARSER, HUMAN)
    return Table("Most disputed answers", header, rows, (("agents", "One verdict a prompt; - was not read."),))


def _division(answer: Judged) -> float:
    """0 where all raters say the same, 1 where half say yes and half no; the parser and a human count as one each."""
    shares: list[float | Verdict] = [*(answer.share(agent) for agent in answer.votes), answer.parser, answer.human]
    said = [float(share) for share in shares if share is not None]
    mean = sum(said) / len(said)
    return 4 * mean * (1 - mean)


def _score_cell(score: Score, part: str) -> Cell:
    cell, deviation = Cell.of(score.row.get(part)), score.deviation.get(part)
    return cell if deviation is None else Cell(f"{cell.figure} ± {deviation:.3f}", cell.interval)


def _one_line(text: str) -> str:
    """Safe within a Markdown table."""
    return " ".join(text.split()).replace("|", "\\|")
