"""Hand-made answers that name a place."""

from __future__ import annotations

from evaluation_set import outcome

from prsmed.evaluation.outcome import Outcome
from prsmed.evaluation.place import Place
from prsmed.position.parser import parse

PLACES = ("top left", "top right", "bottom left", "bottom right")


def spoken(number: int, said: str | None, truth: str = "top left", **changes: object) -> Outcome:
    """An answer that names a place, or has no words."""
    text = None if said is None else f"The polyp is in the {said} of the image."
    fields: dict[str, object] = {
        "id": f"val-{number}",
        "group": f"g{number // 2}",
        "question": "Where is the polyp?",
        "true_answer": f"It is in the {truth} of the image.",
        "true_place": Place((truth,), None),  # type: ignore[arg-type]
        "text": text,
        "text_place": None if said is None else Place.of_reading(parse(said)),
    }
    return outcome(**(fields | changes))
