"""Wording of questions. The test set's wordings are never trained on."""

from __future__ import annotations

import numpy as np

from prsmed.position.sentences import is_plural

# {target} "polyp" · {the} "the polyp" · {some} "a polyp", "the lungs" · {be} is, are · {it} it, they
# {its} it is, they are · {here} "in this brain MRI", "on this image"
TRAIN_TEMPLATES: tuple[str, ...] = (
    "Where {be} {the} {here}?",
    "Where {be} {the}?",
    "Where exactly {be} {the} {here}?",
    "Where do you see {the} {here}?",
    "Where can I find {the}?",
    "Where would you place {the} {here}?",
    "In which part of the picture {be} {the}?",
    "In which quadrant {be} {the} {here}?",
    "In what region {be} {the} located {here}?",
    "Whereabouts {be} {the}?",
    "At which position {be} {the} {here}?",
    "What is the location of {the} {here}?",
    "What is the position of {the}?",
    "Which area shows {the} {here}?",
    "Which corner {be} {the} closest to?",
    "Can you see {some} {here}, and where?",
    "Can you locate {the} {here}?",
    "Can you show me {the}?",
    "Can you find {some} {here}?",
    "Could you point out {the} {here}?",
    "Could you mark {the} for me?",
    "Do you see {some} {here}?",
    "Do you see {some}? If so, where?",
    "Does this show {some}?",
    "{Be} there {some} {here}?",
    "{Be} there {some}? Where?",
    "{Be} {some} visible {here}?",
    "Any {target} {here}?",
    "Any sign of {some} {here}?",
    "Segment {the} {here}.",
    "Segment {the}.",
    "Please segment {the} and say where {its}.",
    "Outline {the} {here}.",
    "Outline {the} and describe the position.",
    "Highlight {the} {here}.",
    "Mark {the} {here}.",
    "Mark {the} and tell me where {its}.",
    "Delineate {the}.",
    "Contour {the} {here}, please.",
    "Draw {the} {here}.",
    "Give me a mask of {the}.",
    "Locate {the} {here}.",
    "Localise {the}.",
    "Find {the} {here}.",
    "Find {the} and name the position.",
    "Show {the} {here}.",
    "Show me where {the} {be}.",
    "Describe where {the} {be} {here}.",
    "Tell me where {the} {be}.",
    "Report the location of {the} {here}.",
    "I am looking for {some} {here}; where {be} {it}?",
    "{target} location?",
    "{target} position {here}?",
    "{target}?",
    "{target}, where?",
    "position of {target}",
    "segmentation of {the}",
)
TEST_TEMPLATES: tuple[str, ...] = (
    "Please tell me the position of {the} {here}.",
    "Have a look {here}: where {be} {the}?",
    "Identify {the} and say in which part of the image {its}.",
    "Could there be {some} {here}? Show me the place.",
    "Trace {the} {here} and state the location.",
)
_COMMON = ("in this image", "on this image", "here", "in the picture", "in this scan")
_HERE: dict[str, tuple[str, ...]] = {
    "brain_mri": (
        "in this brain MRI",
        "on this MRI",
        "in this slice",
        "on the MR image",
        "in this head scan",
    ),
    "polyp_endoscopy": (
        "in this endoscopy",
        "in this frame",
        "in this colonoscopy image",
        "on the endoscopic view",
    ),
    "lung_ct": ("in this chest CT", "on this CT", "in this slice", "on this lung CT"),
    "breast_ultrasound": (
        "in this ultrasound",
        "on this breast ultrasound",
        "on the sonogram",
        "in this US image",
    ),
    "skin_dermoscopy": (
        "in this dermoscopy",
        "on this skin photo",
        "in this dermoscopic image",
        "on the skin",
    ),
    "lung_xray": ("in this chest X-ray", "on this radiograph", "on the CXR", "in this X-ray"),
    "phantom_ct": ("in this CT", "on this CT slice", "in this slice"),
    "phantom_mr": ("in this MRI", "on this MR slice", "in this slice"),
    "phantom_photo": ("in this photo", "on this skin photo"),
}
_LOWER_SHARE = 0.3
_BARE_SHARE = 0.25


def ask(template: str, target: str, here: str) -> str:
    """Fill a template.

    Args:
        template: One of :data:`TRAIN_TEMPLATES` or :data:`TEST_TEMPLATES`.
        target: What is asked for, e.g. ``"polyp"``.
        here: Where to look, e.g. ``"on this image"``.
    """
    many = is_plural(target)
    the = f"the {target}"
    return template.format(
        target=target,
        the=the,
        some=the if many else f"a {target}",
        be="are" if many else "is",
        Be="Are" if many else "Is",
        it="they" if many else "it",
        its="they are" if many else "it is",
        here=here,
    )


def places(modality: str) -> tuple[str, ...]:
    """Phrases for "here" that fit a modality."""
    return _HERE[modality] + _COMMON


def as_typed(question: str, rng: np.random.Generator) -> str:
    """Sometimes drop the capital letters or the closing mark, the way people type."""
    if rng.random() < _BARE_SHARE:
        question = question.rstrip("?.")
    if rng.random() < _LOWER_SHARE:
        question = question.lower()
    elif question[:1].islower() and rng.random() < 0.5:
        question = question[0].upper() + question[1:]
    return question
