"""Position accuracy of the words and of the mask, beside the best constant answer.

All over present targets. Zones count as sets; "zone + near" asks for the nearness to the image centre too, where
the true answer says it (it does not for several regions). The constant answer is the one zone set that is right
most often in a modality *of this very list*: nothing an honest system could know, so beating it means something.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from prsmed.evaluation.measures import Measure
from prsmed.evaluation.outcome import Outcome
from prsmed.evaluation.place import Place

Rule = Callable[[Place, Place], bool]


def constant_places(outcomes: Sequence[Outcome], rule: Rule) -> dict[str, Place]:
    """The place to always answer in each modality, best by ``rule`` (:meth:`Place.fits` or its zones)."""
    truths: dict[str, list[Place]] = {}
    for outcome in outcomes:
        if outcome.present:
            truths.setdefault(outcome.modality, []).append(outcome.true_place)
    return {modality: _best_constant(places, rule) for modality, places in truths.items()}


def position_measures(outcomes: Sequence[Outcome]) -> tuple[Measure, ...]:
    """The measures of a list, with its own constant answers."""
    zones, nearness = Place.has_zones_of, Place.fits
    constant = constant_places(outcomes, zones)
    constant_near = constant_places(outcomes, nearness)

    def gain(outcome: Outcome) -> float | None:
        if not outcome.present or outcome.text_place is None:
            return None
        true = outcome.true_place
        return float(zones(outcome.text_place, true)) - float(zones(constant[outcome.modality], true))

    return (
        _measure("text_zone", "Text", "the text's zones", zones, lambda outcome: outcome.text_place),
        _measure("mask_zone", "Mask", "the mask's zones", zones, lambda outcome: outcome.mask_place),
        _measure("constant_zone", "Constant", "the best constant zones", zones, lambda o: constant[o.modality]),
        Measure(
            "text_gain",
            "Text - constant",
            "Position",
            "Paired difference of text and constant: above 0 with its interval, the text beats the constant.",
            gain,
        ),
        _measure("text_near", "Text + near", "zones and nearness of the text", nearness, lambda o: o.text_place),
        _measure("mask_near", "Mask + near", "zones and nearness of the mask", nearness, lambda o: o.mask_place),
        _measure(
            "constant_near",
            "Constant + near",
            "the best constant zones and nearness",
            nearness,
            lambda o: constant_near[o.modality],
        ),
    )


def _measure(name: str, title: str, what: str, rule: Rule, place: Callable[[Outcome], Place | None]) -> Measure:
    def value(outcome: Outcome) -> float | None:
        if not outcome.present:
            return None
        found = place(outcome)
        return None if found is None else float(rule(found, outcome.true_place))

    return Measure(name, title, "Position", f"Share of present targets for which {what} are right.", value)


def _best_constant(truths: Sequence[Place], rule: Rule) -> Place:
    candidates = Counter(truths)
    # Most hits first; among equals the one seen first, so that the choice is the same every time.
    return max(candidates, key=lambda place: sum(count * rule(place, true) for true, count in candidates.items()))
