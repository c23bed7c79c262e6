"""The fields of a position, from words and from masks: vertical, horizontal, nearness, count, side of the patient."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from prsmed.evaluation.group_draws import Figured, Weights
from prsmed.evaluation.outcome import Outcome
from prsmed.evaluation.place import Place
from prsmed.position.parser import Reading, parse

Value = str | int | bool | None


@dataclass(frozen=True)
class Fields:
    """What is said of a place; ``None`` for a field that is not said.

    Attributes:
        vertical: ``"top"``, ``"middle"`` or ``"bottom"``; of several zones all that occur, joined.
        horizontal: ``"left"``, ``"middle"`` or ``"right"`` of the image, likewise.
        near: Whether it is near the image centre.
        count: How many regions; 0 when it is not there.
        side: ``"left"`` or ``"right"`` of the patient; of several all that occur, joined.
    """

    vertical: str | None
    horizontal: str | None
    near: bool | None
    count: int | None
    side: str | None = None


NAMES = ("vertical", "horizontal", "near", "count")
"""What every answer to a question for a place says; the side of the patient is asked for by itself."""
SIDE = "side"
Source = Callable[[Outcome], Fields | None]
"""The fields of an answer by one source; ``None`` when the source is not there."""


def of_place(place: Place, side: str | None = None) -> Fields:
    """The fields of measured zones; regions that share a zone count once, as they do in the zones."""
    return Fields(
        joined([_halves(zone)[0] for zone in place.zones]),
        joined([_halves(zone)[1] for zone in place.zones]),
        place.near,
        len(place.zones),
        side,
    )


def of_reading(reading: Reading) -> Fields:
    """The fields that a text names; a half ("on the left") gives one of the two directions."""
    place = of_place(Place.of_reading(reading))
    count = 0 if reading.none else reading.count or place.count or None
    return Fields(
        place.vertical or reading.vertical,
        place.horizontal or reading.horizontal,
        place.near,
        count,
        joined(reading.side),
    )


def of_truth(outcome: Outcome) -> Fields:
    """The true fields."""
    return of_place(outcome.true_place, outcome.true_side)


def of_mask(outcome: Outcome) -> Fields:
    """Those of the mask a user gets."""
    return of_place(outcome.mask_place, outcome.mask_side)


def of_mask_by_area(outcome: Outcome) -> Fields | None:
    """Those of the same mask by the rule of the paper's A.6: most area, and the centroid, which tells the side too."""
    return None if outcome.mask_area_place is None else of_place(outcome.mask_area_place, outcome.mask_side)


def of_truth_by_area(outcome: Outcome) -> Fields | None:
    """Those of the true mask by that rule: how far the two published rules agree at all."""
    return None if outcome.true_area_place is None else of_place(outcome.true_area_place, outcome.true_mask_side)


@lru_cache(maxsize=4096)  # each field asks anew, and reading takes long
def _of_words(text: str) -> Fields:
    return of_reading(parse(text))


def of_text(outcome: Outcome) -> Fields | None:
    """Those of the answer."""
    return None if outcome.text is None else _of_words(outcome.text)


def constant_fields(outcomes: Sequence[Outcome]) -> Source:
    """The most frequent true value of each field in a modality of this very list: what no honest system could know."""
    counts: dict[tuple[str, str], Counter[Value]] = {}
    for outcome in outcomes:
        if outcome.present:
            for name in (*NAMES, SIDE):
                true = getattr(of_truth(outcome), name)
                if true is not None:
                    counts.setdefault((outcome.modality, name), Counter())[true] += 1

    def constant(outcome: Outcome) -> Fields:
        found = {}
        for name in (*NAMES, SIDE):
            common = counts.get((outcome.modality, name))
            found[name] = None if common is None else common.most_common(1)[0][0]
        return Fields(**found)  # type: ignore[arg-type]

    return constant


def is_right(said: Fields, true: Fields, name: str) -> float | None:
    """Whether a field is right; ``None`` where the truth does not say it."""
    expected = getattr(true, name)
    return None if expected is None else float(getattr(said, name) == expected)


def is_exact(said: Fields, true: Fields) -> float:
    """Whether all fields that the truth says are right."""
    return float(all(is_right(said, true, name) != 0 for name in NAMES))


def balanced_accuracy(true: Sequence[Value], right: Sequence[float]) -> Figured:
    """Mean over the true classes of the share that is right (macro recall).

    A class that a draw lacks keeps its recall over all answers: left out, rare classes would bias the interval.
    """
    classes = sorted(set(true), key=str)
    member = np.array([[value == name for name in classes] for value in true], dtype=np.float64)
    hits = member * np.asarray(right, dtype=np.float64)[:, None]
    overall = hits.sum(axis=0) / member.sum(axis=0)

    def figure(weights: Weights) -> Weights:
        totals = weights @ member
        recall = np.divide(weights @ hits, totals, out=np.tile(overall, (len(totals), 1)), where=totals > 0)
        mean: Weights = recall.mean(axis=1)
        return mean

    return figure


def _halves(zone: str) -> tuple[str, str]:
    vertical, _, horizontal = zone.partition(" ")
    return ("middle", "middle") if zone == "center" else (vertical, horizontal)


def joined(values: Sequence[str]) -> str | None:
    """Values of a field, each once, in alphabetical order; ``None`` without any."""
    return " + ".join(sorted(set(values))) or None
