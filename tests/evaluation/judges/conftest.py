from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from evaluation_set import absent
from spoken_answers import PLACES, spoken

from prsmed.evaluation.outcome import Outcome
from prsmed.evaluation.place import Place
from prsmed.position.parser import parse


@pytest.fixture
def outcomes() -> list[Outcome]:
    """Twelve answers of two modalities, nine of which name the true place; one absent denied, one not; one mute."""
    rows = [
        spoken(n, PLACES[(n + (n % 4 == 3)) % 4], PLACES[n % 4], modality=("brain_mri", "polyp_endoscopy")[n % 2])
        for n in range(12)
    ]
    denied = absent(id="val-12", group="g9", true_answer="There is no polyp.", text="There is no polyp here.")
    granted = absent(
        id="val-13",
        group="g9",
        true_answer="There is no polyp.",
        text="It is in the top left.",
        text_place=Place(("top left",)),
        text_denies=False,
    )
    return [*rows, denied, granted, spoken(14, None)]


@pytest.fixture
def parsing() -> Callable[[str, str], str]:
    """A judge that reads truth and reply out of our prompts and compares what the parser finds."""

    def think(model: str, prompt: str) -> str:
        truth, reply = (re.search(f"<{tag}>(.*?)</{tag}>", prompt) for tag in ("truth", "reply"))
        assert truth is not None
        assert reply is not None
        same = parse(truth[1]) == parse(reply[1])
        if model == "wordy":
            return f"<think>Hm. No.</think>\n**{'Yes' if same else 'No'}**, because of the place."
        return "yes" if same else "no"

    return think
