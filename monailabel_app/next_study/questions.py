"""Which question is asked of an image when nobody has asked one."""

from __future__ import annotations

from collections import Counter
from typing import Any

from monailabel.interfaces.datastore import DefaultLabelTag

from prsmed.errors import PRSMedError
from prsmed.inference import check_question

MAX_CHARACTERS = 200
_FINAL = DefaultLabelTag.FINAL.value
_GENERIC = "Where is the lesion?"
# By DICOM modality: what is looked for most.
_OF_MODALITY = {
    "MR": "Where is the tumour?",
    "CT": "Where is the lesion?",
    "US": "Where is the mass?",
    "ES": "Where is the polyp?",
    "CR": "Where is the opacity?",
    "DX": "Where is the opacity?",
}


def check_prompt(question: object) -> str:
    """A question that images are to be scored by; ``""`` when there is none.

    Raises:
        PRSMedError: ``bad_params``, ``question_too_long``, ``control_characters``.
    """
    if question is None or question == "":
        return ""
    if not isinstance(question, str):
        raise PRSMedError("bad_params", f"prompt is of type {type(question).__name__}; send a question as text")
    if len(question) > MAX_CHARACTERS:
        raise PRSMedError(
            "question_too_long",
            f"prompt has {len(question)} characters; images are scored by at most {MAX_CHARACTERS}, so shorten it",
        )
    return check_question(question)


def usual_question(datastore: Any) -> str:
    """What readers have asked most often of the images they labelled; ``""`` when none of them has asked.

    A correction keeps its question in the label's info, at its top or in ``params``. Of equally frequent ones the
    first by the alphabet counts.
    """
    counts: Counter[str] = Counter()
    for image in datastore.get_labeled_images():
        question = _question_of(datastore.get_label_info(image, _FINAL) or {})
        if question:
            counts[question] += 1
    return min(counts, key=lambda question: (-counts[question], question), default="")


def fitting_question(modality: str) -> str:
    """What is asked of an image about which nothing else is known, by its DICOM modality."""
    return _OF_MODALITY.get(modality, _GENERIC)


def _question_of(info: dict[str, Any]) -> str:
    params = info.get("params")
    for place in (info, params if isinstance(params, dict) else {}):
        try:
            question = check_prompt(place.get("question"))
        except PRSMedError:
            continue
        if question:
            return question
    return ""
