"""What a segment is in the terms of SNOMED CT, and its colour."""

from __future__ import annotations

import colorsys
import zlib
from dataclasses import dataclass

_MORPHOLOGY = ("SCT", "49755003", "Morphologically Altered Structure")
_ANATOMY = ("SCT", "123037004", "Anatomical Structure")
_LESION = ("SCT", "52988006", "Lesion")


@dataclass(frozen=True)
class Term:
    """Category and type as (scheme, code, meaning), and a colour with parts 0..1."""

    category: tuple[str, str, str]
    type: tuple[str, str, str]
    color: tuple[float, float, float]

    def serialized(self) -> str:
        """As Slicer keeps it with a segment."""
        category, kind = ("^".join((scheme, code, meaning)) for scheme, code, meaning in (self.category, self.type))
        return (
            "Segmentation category and type - DICOM master list"
            f"~{category}~{kind}~^^~Anatomic codes - DICOM master list~^^~^^"
        )


_KNOWN = {
    "tumor": (_MORPHOLOGY, ("SCT", "108369006", "Neoplasm"), (0.56, 0.93, 0.56)),
    "nodule": (_MORPHOLOGY, ("SCT", "27925004", "Nodule"), (0.95, 0.75, 0.25)),
    "polyp": (_MORPHOLOGY, ("SCT", "41329004", "Polyp"), (0.93, 0.45, 0.66)),
    "hemorrhage": (_MORPHOLOGY, ("SCT", "50960005", "Hemorrhage"), (0.82, 0.2, 0.2)),
    "lung": (_ANATOMY, ("SCT", "39607008", "Lung"), (0.77, 0.65, 0.5)),
    "liver": (_ANATOMY, ("SCT", "10200004", "Liver"), (0.87, 0.51, 0.4)),
    "spleen": (_ANATOMY, ("SCT", "78961009", "Spleen"), (0.62, 0.42, 0.63)),
    "kidney": (_ANATOMY, ("SCT", "64033007", "Kidney"), (0.73, 0.4, 0.32)),
    "heart": (_ANATOMY, ("SCT", "80891009", "Heart"), (0.8, 0.35, 0.35)),
    "pancreas": (_ANATOMY, ("SCT", "15776009", "Pancreas"), (0.97, 0.71, 0.51)),
    "prostate": (_ANATOMY, ("SCT", "41216001", "Prostate"), (0.9, 0.6, 0.45)),
    "hippocampus": (_ANATOMY, ("SCT", "5366008", "Hippocampus"), (0.45, 0.75, 0.85)),
}
_SAME = {
    "tumour": "tumor",
    "mass": "tumor",
    "neoplasm": "tumor",
    "haemorrhage": "hemorrhage",
    "lungs": "lung",
    "kidneys": "kidney",
}


def termOf(name: str) -> Term:
    """The term of a label, by the last known word of its name ("lung nodule" is a nodule); else it is a lesion.

    The colour of names that are not known is made from the name, so that it is the same each time.
    """
    for word in reversed(name.lower().split()):
        found = _KNOWN.get(_SAME.get(word, word))
        if found:
            return Term(*found)
    hue = zlib.crc32(name.lower().encode()) % 360 / 360
    return Term(_MORPHOLOGY, _LESION, colorsys.hsv_to_rgb(hue, 0.55, 0.95))
