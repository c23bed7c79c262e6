"""What does a question ask for?"""

from __future__ import annotations

import re

FALLBACK = "finding"
"""The name of a target that the question does not name."""

# Canonical name: spellings and plurals. What is found is told before where it is found, so a question about
# "the nodule in the lung" asks for the nodule.
_FINDINGS = {
    "tumour": "tumour tumor neoplasm neoplasia cancer malignancy carcinoma",
    "polyp": "polyp",
    "nodule": "nodule",
    "mass": "mass masse",
    "cyst": "cyst",
    "melanoma": "melanoma",
    "mole": "mole nevus naevus",
    "glioma": "glioma",
    "meningioma": "meningioma",
    "metastasis": "metastasis metastase",
    "haemorrhage": "haemorrhage hemorrhage bleeding bleed",
    "haematoma": "haematoma hematoma",
    "oedema": "oedema edema",
    "effusion": "effusion",
    "opacity": "opacity opacitie",
    "consolidation": "consolidation",
    "pneumothorax": "pneumothorax",
    "infection": "infection pneumonia",
    "fracture": "fracture",
    "aneurysm": "aneurysm",
    "abscess": "abscess abscesse",
    "stone": "stone calculus",
    "gallstone": "gallstone",
    "lymph node": "lymph_node",
    "lesion": "lesion",
    "abnormality": "abnormality abnormalitie anomaly growth lump",
}
_ANATOMY = {
    "lung": "lung",
    "lungs": "lungs lung_field lung_fields",
    "kidney": "kidney",
    "kidneys": "kidneys",
    "breast": "breast",
    "adrenal gland": "adrenal_gland adrenal",
    "eye": "eye",
    "hip": "hip",
    "femur": "femur",
    "hippocampus": "hippocampus",
    "ventricle": "ventricle",
    "ventricles": "ventricles",
    "atrium": "atrium",
    "liver": "liver",
    "heart": "heart",
    "prostate": "prostate",
    "bladder": "bladder urinary_bladder",
    "gallbladder": "gallbladder gall_bladder",
    "spleen": "spleen",
    "pancreas": "pancreas",
    "stomach": "stomach",
    "colon": "colon large_bowel",
    "bowel": "bowel small_bowel intestine",
    "rectum": "rectum",
    "oesophagus": "oesophagus esophagus",
    "duodenum": "duodenum",
    "aorta": "aorta",
    "trachea": "trachea windpipe",
    "thyroid": "thyroid",
    "uterus": "uterus",
    "brain": "brain",
    "brainstem": "brainstem brain_stem",
    "cerebellum": "cerebellum",
    "spinal cord": "spinal_cord",
    "spine": "spine",
    "vertebra": "vertebra",
    "vertebrae": "vertebrae",
    "optic disc": "optic_disc optic_disk",
}
_PAIRED = frozenset(
    {"lung", "kidney", "breast", "adrenal gland", "eye", "hip", "femur", "hippocampus", "ventricle", "atrium"}
)
_IMAGING = r"(?!\s+(?:ct|mri?|scan|image|x ray|xray|ultrasound|slice|radiograph|photo|window|study|picture))"


def _pattern(names: dict[str, str], suffix: str) -> re.Pattern[str]:
    spellings = sorted((s.replace("_", " ") for words in names.values() for s in words.split()), key=len, reverse=True)
    return re.compile(rf"(?:\b(left|right)\s+)?\b({'|'.join(spellings)}){suffix}")


_FINDING = _pattern(_FINDINGS, r"s?\b")
_ORGAN = _pattern(_ANATOMY, rf"\b{_IMAGING}")
_NAMES = {s.replace("_", " "): name for names in (_FINDINGS, _ANATOMY) for name in names for s in names[name].split()}


def target_in(question: str) -> str:
    """Name what a question asks for.

    Args:
        question: Free text, e.g. ``"Where are the tumors in this lung CT?"``.

    Returns:
        A name in British spelling, findings in the singular (``"tumour"``), organs as asked (``"lungs"``,
        ``"left kidney"``). Findings come before organs, and the first named before the rest; an organ that
        only tells the kind of image ("lung CT") is not asked for. ``"finding"`` when nothing known is named.
    """
    text = re.sub(r"[\s_/-]+", " ", question.lower())
    found = _FINDING.search(text) or _ORGAN.search(text)
    if found is None:
        return FALLBACK
    name = _NAMES[found[2]]
    return f"{found[1]} {name}" if found[1] and name in _PAIRED else name
