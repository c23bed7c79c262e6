"""Do the words and the mask say the same?"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Agreement:
    """The verdict of comparing an answer's text with its mask.

    Attributes:
        text_zone: Zone(s) read out of the text, ``"none"`` for "not there", ``None`` when it names no place.
            Several zones are joined with `` + `` in the order of :data:`~prsmed.position.findings.ZONES`.
        mask_zone: Zone(s) measured from the mask, ``"none"`` for an empty mask.
        agrees: ``True`` or ``False``; ``None`` when the text names no place, so nothing can be compared.
    """

    text_zone: str | None
    mask_zone: str
    agrees: bool | None
