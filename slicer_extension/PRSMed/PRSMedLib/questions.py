"""Questions to begin with, by what kind of image it is, and those asked before."""

from __future__ import annotations

from collections.abc import Sequence

LIMIT = 2000
_RECENT = 12
_ANY = ("Where is the lesion?", "Is there anything abnormal? Where?")
_BY_MODALITY = {
    "CT": ("Where is the lung nodule?", "Is there a tumour? Where?", "Where is the liver?", "Is there a kidney stone?"),
    "MR": ("Where is the brain tumour?", "Where is the tumour in this slice?", "Is there a lesion? Where?"),
    "US": ("Where is the breast lesion?", "Is there a mass? Where?"),
    "DX": ("Where are the lungs?", "Is there a pneumothorax? Where?"),
    "photo": ("Where is the polyp?", "Where is the skin lesion?"),
}
_SAME = {"CR": "DX", "XC": "photo", "ES": "photo", "PT": "CT"}


def suggested(modality: str) -> tuple[str, ...]:
    """Questions that fit a modality (DICOM's code, or ``"photo"``); general ones for others."""
    return _BY_MODALITY.get(_SAME.get(modality, modality), ()) + _ANY


def guessModality(dicomModality: str, isColor: bool, lowest: float) -> str:
    """What kind of image a volume is: what DICOM says; else colour is a photograph, and air below -500 is CT.

    Args:
        dicomModality: DICOM's code, ``""`` when unknown.
        isColor: Whether a voxel has several values.
        lowest: The smallest value.
    """
    if dicomModality:
        return dicomModality
    if isColor:
        return "photo"
    return "CT" if lowest <= -500 else "MR"


def remember(recent: Sequence[str], question: str) -> list[str]:
    """The questions asked before, the newest first, each once."""
    return [question, *(each for each in recent if each != question)][:_RECENT]
