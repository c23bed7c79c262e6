"""Who judges: language models by the names a user gives them."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from prsmed.errors import PRSMedError
from prsmed.speakers import KEY_VARIABLE, EndpointSpeaker, FolderSpeaker, Speaker

MAX_TOKENS = 64
"""Enough for one word with an excuse; a model whose thoughts cannot be turned off needs more."""
ALL_AGENTS, PARSER, HUMAN = "all agents", "parser", "human"
"""What else has a verdict: names that no agent can have."""
_ENDPOINT = re.compile(r"(?:(?P<name>[^=@]+)=)?(?P<model>.+)@(?P<url>https?://.*)")


@dataclass(frozen=True)
class Agent:
    """One judge.

    Attributes:
        name: Unique within a run; stands in the tables.
        speaker: Its language model.
        settings: What else its replies depend on.
        parallel: How many questions it is asked at the same time.
    """

    name: str
    speaker: Speaker
    settings: str
    parallel: int

    @property
    def identity(self) -> str:
        """What its replies are kept under."""
        return f"{self.name} = {self.speaker.name} ({self.settings})"


def open_agents(
    endpoints: Sequence[str],
    folders: Sequence[str],
    *,
    max_tokens: int = MAX_TOKENS,
    parallel: int = 4,
    device: str | None = None,
) -> tuple[Agent, ...]:
    """Open every judge of a run.

    Args:
        endpoints: ``"MODEL@URL"`` or ``"NAME=MODEL@URL"``. The key is read from ``PRSMED_LLM_KEY_<NAME>`` when that is
            set (empty: no key is sent), in capitals with ``_`` for what is no letter or digit; else from
            ``PRSMED_LLM_KEY``.
        folders: ``"FOLDER"`` or ``"NAME=FOLDER"`` of models saved by transformers.
        max_tokens: Longest reply.
        parallel: Requests at the same time to an endpoint; a folder's model answers one by one.
        device: Torch device of the folders' models; chosen by itself when ``None``.

    Raises:
        PRSMedError: ``bad_agent`` for a text of another form, or two agents of one name; what the speakers raise.
    """
    named = [_split(text) for text in endpoints]
    local = [_split_folder(text) for text in folders]
    names = [name for name, *_ in (*named, *local)]
    if taken := {name for name in names if names.count(name) > 1 or name in (ALL_AGENTS, PARSER, HUMAN)}:
        raise PRSMedError("bad_agent", f"the name {min(taken)!r} is taken; name the agent otherwise, NAME=...")
    settings = f"temperature 0, {max_tokens} tokens"
    return (
        *(
            Agent(
                name,
                EndpointSpeaker(url, model, max_tokens=max_tokens, key_variable=_key_variable(name)),
                settings,
                parallel,
            )
            for name, model, url in named
        ),
        *(
            Agent(name, FolderSpeaker(folder, max_tokens=max_tokens, device=device), settings, 1)
            for name, folder in local
        ),
    )


def _split(text: str) -> tuple[str, str, str]:
    found = _ENDPOINT.fullmatch(text.strip())
    if not found:
        # Not repeated: an address may hold a password.
        raise PRSMedError(
            "bad_agent", "an agent is MODEL@URL or NAME=MODEL@URL, e.g. llama3.1@http://localhost:11434/v1"
        )
    return found["name"] or found["model"], found["model"], found["url"]


def _split_folder(text: str) -> tuple[str, Path]:
    name, equals, folder = text.partition("=")
    path = Path(folder if equals else text)
    return (name if equals else path.resolve().name), path


def _key_variable(name: str) -> str:
    own = f"{KEY_VARIABLE}_{re.sub('[^A-Z0-9]', '_', name.upper())}"
    return own if own in os.environ else KEY_VARIABLE
