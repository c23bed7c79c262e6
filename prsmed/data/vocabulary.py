"""The words a small language model will read and write: what its tokenizer is learnt from."""

from __future__ import annotations

from collections.abc import Iterator

from prsmed.data.targets import KNOWN_MODALITIES, all_names
from prsmed.data.templates import TRAIN_TEMPLATES, ask, places
from prsmed.position.findings import ZONES, Position
from prsmed.position.sentences import write_answer

_VARIANTS = 16


def vocabulary_lines() -> Iterator[str]:
    """Training questions and answers about every target, in a fixed order."""
    names = sorted(all_names())
    heres = sorted({here for modality in KNOWN_MODALITIES for here in places(modality)})
    for number, template in enumerate(TRAIN_TEMPLATES):
        for offset, name in enumerate(names):
            yield ask(template, name, heres[(number + offset) % len(heres)])
    for variant in range(_VARIANTS):
        for name in names:
            yield write_answer((), name, variant=variant)
            for zone in ZONES:
                first = Position(zone, near_center=zone == "center" or variant % 2 == 0)
                yield write_answer((first,), name, variant=variant)
                yield write_answer((first, Position("top left", near_center=False)), name, variant=variant)
