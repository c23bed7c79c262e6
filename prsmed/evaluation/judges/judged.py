"""One answer with what every judge, the parser and a human say of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from prsmed.evaluation.outcome import Outcome

Verdict = bool | None
"""Same place or not; ``None`` when that was not said, or could not be read."""


@dataclass(frozen=True)
class Judged:
    """An answer and its verdicts.

    Attributes:
        outcome: The answer; it has words.
        votes: Verdict by agent and prompt.
        human: Verdict of a human reader.
    """

    outcome: Outcome
    votes: Mapping[str, Mapping[str, Verdict]]
    human: Verdict = None

    def share(self, agent: str) -> float | None:
        """Share of an agent's verdicts over the prompts that are yes; ``None`` when none was read."""
        read = [vote for vote in self.votes[agent].values() if vote is not None]
        return sum(read) / len(read) if read else None

    def majority(self, agent: str) -> Verdict:
        """What an agent says under most prompts; ``None`` when as many say yes as no."""
        share = self.share(agent)
        return None if share is None or share == 0.5 else share > 0.5

    @property
    def parser(self) -> bool:
        """Whether the zones read out of the text are the true ones; of an absent target, whether the text denies it."""
        outcome = self.outcome
        if not outcome.present:
            return bool(outcome.text_denies)
        return outcome.text_place is not None and outcome.text_place.has_zones_of(outcome.true_place)
