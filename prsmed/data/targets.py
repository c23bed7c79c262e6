"""What may be asked of an image, and whether it is there.

Only names whose truth is certain are asked. Left out on purpose: lungs of a lung CT (no such mask), "tumour"
of a LIDC nodule (many are benign), "melanoma" or "mole" of a skin lesion (no diagnosis known), "nodule" and
"lesion" of a radiograph with tuberculosis, organs that may lie at the edge of a field of view.

A target without an entry is called what its set calls it. A modality without one is taken by the body region that its
name tells, with names from far away in the body only; when it tells none ("ct"), nothing is surely absent.
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
    "lower-grade glioma": ("glioma", "brain tumour", "brain tumor", "tumour", "lesion"),
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
# By a word of the modality, first match: what no such image can hold, however wide its view.
_FAR_AWAY: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("brain", ("polyp", "lung nodule", "breast lesion", "lungs", "gallstone", *_ELSEWHERE)),
    ("endoscopy", ("brain tumour", "skin lesion")),  # of which organ is not said
    ("skin", ("polyp", "brain tumour", "lung nodule", "lungs", *_ELSEWHERE)),
    ("breast", ("brain tumour", "prostate", "urinary bladder")),
    ("lung", ("brain tumour", "prostate", "urinary bladder")),
    ("chest", ("brain tumour", "prostate", "urinary bladder")),
    ("heart", ("brain tumour", "prostate", "urinary bladder")),
    ("prostate", ("brain tumour", "lung nodule", "lungs", "breast lesion", "gallstone")),
    ("abdomen", ("brain tumour",)),  # its ends show lung bases, and often the pelvis
)
_HEALTHY_CHEST = ("nodule", "lung nodule", "lesion")


KNOWN_TARGETS = frozenset(_NAMES)
KNOWN_MODALITIES = frozenset(_ABSENT)


def all_names() -> frozenset[str]:
    """Every name a question may use, present or absent."""
    far = [names for _, names in _FAR_AWAY]
    return frozenset(name for names in (*_NAMES.values(), *_ABSENT.values(), *far) for name in names)


def present_names(record: Record) -> tuple[str, ...]:
    """What the mask of ``record`` may truthfully be called; a name given twice is asked twice as often."""
    return _NAMES.get(record.target, (record.target,))


def absent_names(record: Record, is_empty: bool) -> tuple[str, ...]:
    """What is surely not in the image; nothing when its body region is unknown.

    Args:
        record: The image.
        is_empty: Whether the mask is empty, so that the image's own target is absent too.
    """
    if is_empty:
        return present_names(record)
    healthy_chest = record.modality == "lung_xray" and record.is_healthy
    far_away = next((names for word, names in _FAR_AWAY if word in record.modality), ())
    absent = _ABSENT.get(record.modality, far_away)
    return tuple(name for name in absent if name != record.target) + (_HEALTHY_CHEST if healthy_chest else ())
