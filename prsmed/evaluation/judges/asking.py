"""Put every answer to every judge under every prompt, once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed

from prsmed.evaluation.judges.agents import Agent
from prsmed.evaluation.judges.judged import Judged
from prsmed.evaluation.judges.prompts import Prompt
from prsmed.evaluation.judges.verdict import read_verdict
from prsmed.evaluation.outcome import Outcome
from prsmed.speakers import Replies

Progress = Callable[[str, int, int], None]
"""Called with an agent's name, its requests answered and its requests in all."""


def ask_judges(
    agents: Sequence[Agent],
    prompts: Sequence[Prompt],
    outcomes: Sequence[Outcome],
    replies: Replies,
    progress: Progress,
) -> list[Judged]:
    """Collect the verdicts on answers that have words, in their order.

    Args:
        agents: Asked one after another.
        prompts: Each fills with one answer.
        outcomes: Answers; those without words are not judged.
        replies: What is known already is not asked again; what comes is kept at once.
        progress: Told of every reply.

    Raises:
        PRSMedError: What the agents' speakers raise; replies that came before are kept.
    """
    spoken = [outcome for outcome in outcomes if outcome.text is not None]
    for agent in agents:
        _ask(agent, [prompt.fill(outcome) for outcome in spoken for prompt in prompts], replies, progress)

    def verdict(agent: Agent, request: str) -> bool | None:
        return read_verdict(replies.get(agent.identity, request) or "")

    return [
        Judged(
            outcome,
            {agent.name: {prompt.name: verdict(agent, prompt.fill(outcome)) for prompt in prompts} for agent in agents},
        )
        for outcome in spoken
    ]


def _ask(agent: Agent, requests: Iterable[str], replies: Replies, progress: Progress) -> None:
    """Ask what is not known yet; equal requests (the same words about the same truth) once."""
    different = list(dict.fromkeys(requests))
    waiting = [request for request in different if replies.get(agent.identity, request) is None]
    done = len(different) - len(waiting)
    progress(agent.name, done, len(different))
    with ThreadPoolExecutor(agent.parallel) as pool:
        futures = {pool.submit(agent.speaker.say, request): request for request in waiting}
        try:
            for future in as_completed(futures):
                replies.put(agent.identity, futures[future], future.result())
                done += 1
                progress(agent.name, done, len(different))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
