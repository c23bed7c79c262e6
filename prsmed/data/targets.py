"""What may be asked of an image, and whether it is there.

Only names whose truth is certain are asked. Left out on purpose: lungs of a lung CT (no such mask), "tumour"
of a LIDC nodule (many are benign), "melanoma" or "mole" of a skin lesion (no diagnosis known), "nodule" and
"lesion" of a radiograph with tuberculosis, organs that may lie at the edge of a field of view.
"""

from __future__ import annotations

from prsmed.data.record import Record

# By the set's own target word, because a modality can hold several (lung CT: nodules and tumours).
_NAMES: dict[str, tuple[str, ...]] = {
    "brain tumour": ("brain tumour", "brain tumor", "tumour", "tumor", "lesion", "mass"),
    "polyp": ("polyp", "polyp", "colon polyp", "growth", "lesion"),
    "lung nodule": ("nodule", "lung nodule", "pulmonary nodule", "lesion"),
    "lung tumour": ("lung tumour", "lung tumor", "tumour", "tumor", "lesion"),
    "breast tumour": ("breast lesion", "lesion", "mass", "breast tumour", "tumour"),
    "breast lesion": ("breast lesion", "lesion", "mass", "breast mass"),
    "skin lesion": ("skin lesion", "lesion", "pigmented lesion"),
    "lungs": ("lungs", "lung fields"),
    "nodule": ("nodule", "lesion"),
}
_ELSEWHERE = ("prostate", "urinary bladder", "kidney stone")
_CHEST_FREE = ("polyp", "brain tumour", "prostate", "urinary bladder")
_PHANTOM = ("polyp", "prostate", "urinary bladder", "kidney stone", "breast lesion", "gallstone")
_ABSENT: dict[str, tuple[str, ...]] = {
    "brain_mri": ("polyp", "lung nodule", "breast lesion", "skin lesion", "lungs", "gallstone", *_ELSEWHERE),
    "polyp_endoscopy": ("brain tumour", "lung nodule", "breast lesion", "skin lesion", "lungs", *_ELSEWHERE),
    "skin_dermoscopy": ("polyp", "brain tumour", "lung nodule", "breast lesion", "lungs", *_ELSEWHERE),
    "breast_ultrasound": ("polyp", "brain tumour", "lung nodule", "gallstone", *_ELSEWHERE),
    "lung_ct": _CHEST_FREE,
    "lung_xray": ("tumour", "tumor", "lung tumour", *_CHEST_FREE),
    "phantom_ct": ("brain tumour", "skin lesion", *_PHANTOM),
    "phantom_mr": ("lung nodule", "skin lesion", "lungs", *_PHANTOM),
    "phantom_photo": ("brain tumour", "lung nodule", "lungs", *_PHANTOM),
}
_HEALTHY_CHEST = ("nodule", "lung nodule", "lesion")


KNOWN_TARGETS = frozenset(_NAMES)
KNOWN_MODALITIES = frozenset(_ABSENT)


def all_names() -> frozenset[str]:
    """Every name a question may use, present or absent."""
    return frozenset(name for names in (*_NAMES.values(), *_ABSENT.values()) for name in names)


def present_names(record: Record) -> tuple[str, ...]:
    """What the mask of ``record`` may truthfully be called; a name given twice is asked twice as often."""
    return _NAMES[record.target]


def absent_names(record: Record, is_empty: bool) -> tuple[str, ...]:
    """What is surely not in the image.

    Args:
        record: The image.
        is_empty: Whether the mask is empty, so that the image's own target is absent too.
    """
    if is_empty:
        return present_names(record)
    healthy_chest = record.modality == "lung_xray" and record.is_healthy
    return _ABSENT[record.modality] + (_HEALTHY_CHEST if healthy_chest else ())
