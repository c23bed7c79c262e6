"""What judging an evaluation found, and the files it leaves."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from prsmed.evaluation.judges.agents import Agent
from prsmed.evaluation.judges.judge_tables import agreement_table, disputed_table, replies_table, score_table
from prsmed.evaluation.judges.judged import Judged
from prsmed.evaluation.judges.pairs import Pair
from prsmed.evaluation.judges.prompts import Prompt
from prsmed.evaluation.judges.scores import Score, count_replies
from prsmed.evaluation.tables import Table, to_markdown
from prsmed.evaluation.text_metrics import TextMetrics
from prsmed.files import write_whole

JSON, VERDICTS, MARKDOWN = "judges.json", "verdicts.jsonl", "judges.md"


@dataclass(frozen=True)
class Judgement:
    """Answers of an evaluation, judged.

    Attributes:
        agents: Who was asked.
        prompts: What.
        judged: One an answer that has words.
        without_words: How many answers have none; they are in no figure.
        present: Scores over answers whose target is in the image, by agent, for all agents and the parser.
        absent: The same where it is not.
        pairs: Agreement of every two raters.
        words: BLEU and ROUGE.
    """

    agents: tuple[Agent, ...]
    prompts: tuple[Prompt, ...]
    judged: tuple[Judged, ...]
    without_words: int
    present: Mapping[str, Score]
    absent: Mapping[str, Score]
    pairs: tuple[Pair, ...]
    words: TextMetrics

    def to_json(self) -> dict[str, Any]:
        """Plain values, without the single verdicts."""
        return {
            "answers": len(self.judged),
            "without_words": self.without_words,
            "agents": {agent.name: self._agent(agent) for agent in self.agents},
            "prompts": {prompt.name: prompt.text for prompt in self.prompts},
            "scores": {"present": _scores(self.present), "absent": _scores(self.absent)},
            "agreement": [asdict(pair) for pair in self.pairs],
            "words": self.words.to_json(),
        }

    def tables(self) -> list[Table]:
        """The tables of the report, without the disputed answers."""
        scores = (("Same place, target present", self.present), ("Same place, target absent", self.absent))
        made = [score_table(title, panel) for title, panel in scores if panel]
        asked = [replies_table(self.agents, self.judged)] if self.agents else []
        agreed = [agreement_table(self.pairs)] if self.pairs else []
        return [*made, *asked, *agreed, self.words.table()]

    @property
    def title(self) -> str:
        """One line: who judged how many answers."""
        names = ", ".join(agent.name for agent in self.agents)
        judges = f"{names} ({len(self.prompts)} prompts) and the zone parser" if names else "the zone parser"
        left_out = f"; {self.without_words} without words are not judged" if self.without_words else ""
        return f"{len(self.judged)} answers judged by {judges}{left_out}"

    def to_markdown(self) -> str:
        """Title, tables, and the answers over which the raters are most divided."""
        disputed = disputed_table(self.judged)
        return to_markdown(self.title, [*self.tables(), *([disputed] if disputed.rows else [])], {})

    def _agent(self, agent: Agent) -> dict[str, Any]:
        counts = count_replies(self.judged, agent.name)
        read = {"yes": counts[True], "no": counts[False], "not_read": counts[None]}
        return {"model": agent.speaker.name, "settings": agent.settings, **read}


def write_judgement(judgement: Judgement, out: Path) -> None:
    """Write ``judges.json``, ``judges.md`` and ``verdicts.jsonl`` (one answer a line, joined by id)."""
    out.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps(_verdicts(answer), ensure_ascii=False) + "\n" for answer in judgement.judged]
    files = {
        JSON: json.dumps(judgement.to_json(), indent=2, ensure_ascii=False) + "\n",
        MARKDOWN: judgement.to_markdown(),
        VERDICTS: "".join(lines),
    }
    for name, text in files.items():
        write_whole(text.encode(), out / name)


def _verdicts(answer: Judged) -> dict[str, Any]:
    return {"id": answer.outcome.id, "agents": answer.votes, "parser": answer.parser, "human": answer.human}


def _scores(panel: Mapping[str, Score]) -> dict[str, Any]:
    return {
        rater: {part: {**asdict(estimate), "deviation": score.deviation[part]} for part, estimate in score.row.items()}
        for rater, score in panel.items()
    }
