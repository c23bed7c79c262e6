"""What every kind of question stands on: one image, the wordings, and the dice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from prsmed.data.questions.names import askable_names
from prsmed.data.schema import Turn
from prsmed.data.shown import Shown
from prsmed.data.targets import absent_names
from prsmed.data.templates import as_typed
from prsmed.data.wording import Phrase, Wording, name_words, place_words
from prsmed.position.findings import Position, Side
from prsmed.position.sentences import VARIANTS, Frame

REGION_LIMIT = 8
"""As many regions as :func:`prsmed.position.zones.regions` gives at most: then there may be more, unmeasured."""
_Choice = TypeVar("_Choice")


@dataclass(frozen=True)
class Said:
    """What a turn is about.

    Attributes:
        target: The name asked for.
        positions: Where it is; ``()`` when it is not there.
        regions: Which regions are meant; ``None`` for the whole mask.
        sides: The patient's side of each, for frames other than the image's.
        frame: In whose terms the place is told.
    """

    target: str
    positions: tuple[Position, ...]
    regions: tuple[int, ...] | None = None
    sides: tuple[Side, ...] = ()
    frame: Frame = "image"


@dataclass(frozen=True)
class Scene:
    """One image to be asked about.

    Attributes:
        shown: The image.
        wording: Templates.
        rng: Where every choice is drawn from.
        held_out: Whether the held-out wordings are used; then questions are not varied the way people type either.
    """

    shown: Shown
    wording: Wording
    rng: np.random.Generator
    held_out: bool

    @property
    def positions(self) -> tuple[Position, ...]:
        """Where the regions are, largest first."""
        return self.shown.positions

    @property
    def is_known(self) -> bool:
        """Whether the target is there and all of its regions are known."""
        return 0 < len(self.positions) < REGION_LIMIT

    def pick(self, choices: Sequence[_Choice]) -> _Choice:
        """Draw one."""
        return choices[int(self.rng.integers(len(choices)))]

    def phrase(self, section: str, name: str) -> Phrase:
        """Draw a wording of a list."""
        return self.pick(self.wording.of(section, name, held_out=self.held_out))

    def own_name(self) -> str:
        """Draw a name of what the mask shows."""
        return self.pick(askable_names(self.shown.record))

    def absent_name(self) -> str | None:
        """Draw a name of what is not in the image; ``None`` when nothing is surely absent."""
        if not self.positions:
            return self.own_name()
        names = absent_names(self.shown.record, is_empty=False)
        return self.pick(names) if names else None

    def turn(
        self,
        asked: Phrase,
        answered: Phrase,
        said: Said,
        words: Mapping[str, str] | None = None,
        *,
        options: tuple[str, ...] = (),
        letter: str | None = None,
    ) -> Turn:
        """Fill a question and its answer.

        Args:
            asked: Wording of the question.
            answered: Wording of the answer.
            said: What both are about.
            words: Further words for the placeholders.
            options: Of a multiple-choice question; these are kept as written.
            letter: The right one.
        """
        here = self.pick(self.wording.places(self.shown.record.modality))
        variant = int(self.rng.integers(VARIANTS))
        filled = name_words(said.target, here) | dict(words or {})
        question = asked.text.format(**filled)
        if not options and not self.held_out:
            question = as_typed(question, self.rng)
        told = place_words(said.positions, said.target, variant, said.sides, said.frame)
        return Turn(
            question=question,
            answer=answered.text.format(**filled | told),
            target=said.target,
            present=bool(said.positions),
            positions=said.positions,
            regions=said.regions,
            options=options,
            letter=letter,
            template=asked.id,
        )
