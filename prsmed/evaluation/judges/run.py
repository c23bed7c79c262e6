"""`prsmed judge run`: from the answers of an evaluation to a judgement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from prsmed.errors import PRSMedError
from prsmed.evaluation.judges.agents import Agent
from prsmed.evaluation.judges.asking import Progress, ask_judges
from prsmed.evaluation.judges.judgement import Judgement, write_judgement
from prsmed.evaluation.judges.pairs import compare_raters
from prsmed.evaluation.judges.prompts import Prompt
from prsmed.evaluation.judges.scores import panel
from prsmed.evaluation.judges.sheet import read_sheet
from prsmed.evaluation.outcome import Outcome
from prsmed.evaluation.text_metrics import text_metrics
from prsmed.speakers import Replies

TRANSCRIPTS = "transcripts.jsonl"


def judge_answers(
    outcomes: Sequence[Outcome],
    agents: Sequence[Agent],
    prompts: Sequence[Prompt],
    out: Path,
    progress: Progress,
    human: Path | None = None,
) -> Judgement:
    """Let agents judge answers, and compare them with the zone parser and a human.

    Args:
        outcomes: Of one evaluation.
        agents: None for the parser, the human and the words in common alone.
        prompts: What each agent is asked of each answer.
        out: Folder for the report (:func:`~prsmed.evaluation.judges.judgement.write_judgement`) and
            ``transcripts.jsonl``, every request with its reply: what is in it is not asked again.
        progress: Told of every reply.
        human: A filled-in sheet (:mod:`~prsmed.evaluation.judges.sheet`).

    Raises:
        PRSMedError: ``no_words`` when no answer has words; what sheet, transcripts and agents raise.
    """
    words = text_metrics(outcomes)
    if words is None:
        raise PRSMedError("no_words", "no answer has words, so there is nothing to judge; evaluate what speaks")
    by_human = {} if human is None else read_sheet(human, outcomes)
    verdicts = ask_judges(agents, prompts, outcomes, Replies(out / TRANSCRIPTS), progress)
    judged = [replace(answer, human=by_human.get(answer.outcome.id)) for answer in verdicts]
    present, absent = ([answer for answer in judged if answer.outcome.present == wanted] for wanted in (True, False))
    judgement = Judgement(
        agents=tuple(agents),
        prompts=tuple(prompts),
        judged=tuple(judged),
        without_words=len(outcomes) - len(judged),
        present=panel(present),
        absent=panel(absent),
        pairs=tuple(compare_raters(judged)),
        words=words,
    )
    write_judgement(judgement, out)
    return judgement
