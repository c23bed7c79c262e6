"""The images of a simulation: a pool to label, and held-out ones to judge by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from prsmed.data import Conversation, Problems, Record, present_names
from prsmed.data.interview import interview, key_of
from prsmed.data.questions import Wording
from prsmed.data.sources import read_all
from prsmed.data.templates import TRAIN_TEMPLATES, ask, places
from prsmed.errors import PRSMedError
from prsmed.learning.split import held_out_groups
from prsmed.simulate.settings import SimulationConfig

_TEST_SEED = 0


@dataclass(frozen=True)
class Cases:
    """What a set gives to a simulation.

    Attributes:
        root: Folder the records' paths are relative to.
        train: Images that may come into a pool, by a name of their own.
        test: Questions about held-out images; none of their groups has an image in ``train``.
    """

    root: Path
    train: dict[str, Record]
    test: tuple[Conversation, ...]

    def pool(self, size: int, seed: int) -> list[str]:
        """Names of the images that are there to be labelled, in their order by name."""
        names = sorted(self.train)
        chosen = np.random.default_rng([seed, 1]).choice(len(names), size, replace=False)
        return sorted(names[place] for place in chosen.tolist())


def read_cases(root: Path, config: SimulationConfig) -> Cases:
    """Divide a labelled set: held-out images are those its owners hold out, else a fifth of its groups.

    Raises:
        PRSMedError: What :func:`~prsmed.data.sources.read_all` raises; ``too_few_images``; what an image is refused
            with.
    """
    records = [record for record in read_all(root, Problems()) if record.mask and _is_asked(record, config)]
    published = {record.group for record in records if record.split != "train"}
    held_out = published or held_out_groups({record.group for record in records})
    train = {f"{record.image}#{key_of(record)}": record for record in records if record.group not in held_out}
    _check(len(train), config.pool, "images to label", config)
    judged = [replace(record, split="val") for record in records if record.group in held_out]
    judged.sort(key=key_of)
    np.random.default_rng(_TEST_SEED).shuffle(judged)  # type: ignore[arg-type]
    test = _questions(judged, root, config.test)
    _check(len(test), 2, "held-out images", config)
    return Cases(root, train, test)


def question_about(record: Record) -> str:
    """What is asked of an image while it is scored: where its target is, in the first training wording."""
    return ask(TRAIN_TEMPLATES[0], present_names(record)[0], places(record.modality)[0])


def _is_asked(record: Record, config: SimulationConfig) -> bool:
    return not config.only or config.only in (record.dataset, record.target)


def _questions(records: Sequence[Record], root: Path, most: int) -> tuple[Conversation, ...]:
    """One question about each image whose target is there, in a wording never trained on."""
    wording = Wording.load(None)
    asked: list[Conversation] = []
    for record in records:
        if len(asked) == most:
            break
        found = interview(record, root, wording, ("position",), seed=0)
        asked += [conversation for conversation in found[:1] if conversation.turn.present]
    return tuple(asked)


def _check(count: int, needed: int, what: str, config: SimulationConfig) -> None:
    if count < needed:
        of = f" of {config.only!r}" if config.only else ""
        raise PRSMedError(
            "too_few_images", f"the data has {count} {what}{of}, and {needed} are needed; take a larger set or less"
        )
