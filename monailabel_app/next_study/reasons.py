"""Why this image: one plain sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from monailabel_app.next_study.scores import Scored
from prsmed.inference import MEASURES
from prsmed.learning.strategies import Choice, Strategy
from prsmed.position.target import FALLBACK, target_in


def reason_for(
    strategy: Strategy, choice: Choice, scored: Mapping[str, Scored], *, is_first: bool, progress: tuple[int, int]
) -> str:
    """Say why a strategy that looks at images chose one.

    Args:
        strategy: Which.
        choice: What it chose.
        scored: All it chose among.
        is_first: Whether nothing is labelled or being labelled yet.
        progress: Images scored, and all; told while they are not the same.
    """
    means = _strongest(choice.image, scored) if strategy == "blend" else strategy
    sentence = _sentence(means, scored[choice.image], choice.score if means == strategy else None, is_first=is_first)
    if strategy == "blend":
        sentence = f"It stands highest over all measures together; above all, {sentence[0].lower()}{sentence[1:]}"
    done, total = progress
    return f"{sentence}." if done >= total else f"{sentence} ({done} of {total} images are scored so far)."


def reason_blind(strategy: Strategy, count: int) -> str:
    """Why ``random`` or ``first`` chose one of ``count``."""
    among = "the only image that is free" if count == 1 else f"the {count} images that are free"
    return f"Drawn by chance from {among}." if strategy == "random" else f"The first of {among}, by id."


def reason_unscored(count: int, progress: tuple[int, int], *, is_running: bool) -> str:
    """Why the first by id was chosen of ``count``, when the model has looked at none of them."""
    done, total = progress
    why = f"{done} of {total} are" if is_running else "this server does not score images; none is"
    return f"None of the {count} images that are free is scored yet ({why} scored); this is the first by id."


def _sentence(strategy: str, scored: Scored, score: float | None, *, is_first: bool) -> str:
    doubts, target = scored.doubts, target_in(scored.question)
    target = "target" if target == FALLBACK else target
    there = "are there" if target.endswith("s") and not target.endswith("is") else "is there"
    value = doubts.scores.get(strategy, score) if strategy in MEASURES else score  # type: ignore[call-overload]
    if strategy == "presence":
        return f"The model is least decided here whether the {target} {there} (probability {doubts.probability:.2f})"
    if strategy == "disagreement":
        if not doubts.scores["disagreement"]:
            return "Words and mask agree in all images that are free; other doubts are largest here"
        return _contradiction(doubts.text_zone, doubts.mask_zone, target)
    if strategy == "entropy":
        return f"The model is least sure here which pixels are {target} (entropy {value:.2f} bit a pixel)"
    if strategy == "dropout":
        return f"The mask of the {target} depends most here on single features of the model ({value:.3f} bit a pixel)"
    if strategy == "flip":
        return f"The mask of the {target} changes most here when the image is mirrored (by {value:.0%})"
    if is_first:
        return "Nothing is labelled yet, and this image is the most typical of all"
    distance = "" if score is None else f" (distance {score:.2f})"
    return f"It looks least like the images that are labelled or being labelled{distance}"


def _contradiction(said: str | None, drawn: str, target: str) -> str:
    if said is None:
        return f"The words do not say where the {target} is, so they cannot be checked against the mask"
    words = f"that there is no {target}" if said == "none" else f"{said}"
    mask = "is empty" if drawn == "none" else f"lies {drawn}"
    return f"The words say {words}, the mask {mask}"


def _strongest(image: str, scored: Mapping[str, Scored]) -> str:
    """The measure by which an image stands highest among others."""
    own = scored[image].doubts.scores
    above = {
        name: float(np.mean([own[name] >= other.doubts.scores[name] for other in scored.values()])) for name in MEASURES
    }
    return max(above, key=lambda name: above[name])


def reason_none(unlabelled: int, total: int, skipped: Sequence[str], minutes: int) -> str:
    """Why there is no next study.

    Args:
        unlabelled: Images without a final label that can be read.
        total: All images.
        skipped: Ids of those that cannot be read.
        minutes: Until the first one held comes free.
    """
    if not total:
        return "There are no images yet; add some to the studies."
    left_out = f" ({len(skipped)} cannot be read)" if skipped else ""
    if not unlabelled:
        return f"All {total - len(skipped)} images are labelled{left_out}."
    held = "The only image that is not labelled is" if unlabelled == 1 else f"All {unlabelled} unlabelled images are"
    return f"{held} with other readers{left_out}; the next comes free in {minutes} min at the latest."
