"""Words of place: every phrase the parser knows, by what it means to it.

Phrases are lower case, American ("center"), without hyphens or contractions: what :func:`normalise` makes.
The longest phrase at a point of the text wins, so ``"not only"`` hides the ``"not"`` in it.
"""

from __future__ import annotations

import re
from typing import Literal

Tag = Literal[
    "top", "bottom", "left", "right", "center", "midline", "edge", "near", "far", "just",
    "patient", "organ", "organ_kind", "both_sides", "no", "not", "without", "absent", "perceived",
    "but", "except", "number", "image", "glue", "comma", "stop", "word",
]  # fmt: skip

PHRASES: dict[Tag, str] = {
    # Directions on the image, unless the patient is named with them.
    "top": "top | upper | superior | superiorly | uppermost | topmost | up | upwards | high | higher | above | north",
    "bottom": "bottom | lower | inferior | inferiorly | lowest | lowermost | bottommost | down | "
    "downwards | low | below | beneath | south",
    "left": "left | leftmost | leftwards | west",
    "right": "right | rightmost | rightwards | east",
    "center": "center | middle | midpoint | central | centrally | centered | heart of the image | heart of the picture",
    "midline": "midline | middle line",
    "edge": "edge | edges | periphery | peripheral | peripherally",
    # Nearness; it counts when the center follows.
    "near": "near | nearby | near to | close | close to | closer to | adjacent | adjacent to | next to | "
    "beside | near but not at | near but not in | close to but not at | close to but not in | "
    "in the vicinity of | proximity to | proximity of | short distance from | short distance of | "
    "borders | bordering | abuts | abutting | touches | touching",
    "far": "far | far off | far from | far away | far away from | away from | distant | distant from | remote | "
    "remote from | long way from | considerable distance from | fair distance from | "
    "great distance from | some distance from | nowhere near",
    "just": "just | slightly",
    # The patient's own left and right.
    "patient": "patient | patient's | patients | patient's own | anatomical | anatomic",
    "organ": "lung | lungs | lobe | kidney | kidneys | breast | breasts | hemisphere | ventricle | "
    "atrium | hemithorax | eye | ovary | testis | adrenal | hip | knee | shoulder | femur | humerus | "
    "hemidiaphragm | tonsil | ear | foot | arm | leg | carotid artery",
    "organ_kind": "temporal | frontal | parietal | occipital | cerebral | main",
    "both_sides": "bilateral | bilaterally",
    # Not there.
    "no": "no | none | nothing | neither | zero | 0 | not a single | not one | lacks | lacking | "
    "free of | absence of | without evidence of | without any sign of",
    "without": "without | with no | with nothing",
    "not": "not | no longer | no other | no others | no further | no more | no additional | "
    "rather than | instead of | than | nor | hardly | scarcely | avoids | spares | everywhere except | "
    "everywhere but | anywhere but",
    "absent": "absent | invisible | missing | not part of | not a part of | negative | unremarkable | "
    "mask is empty | normal image | normal scan | normal frame | is clear | are clear | is clean | "
    "are clean | is normal | are normal | nowhere to be seen | nowhere to be found | fail to see | "
    "fails to show | unable to see | unable to find | unable to identify | unable to detect | "
    "outside this slice | outside the slice | outside this image | outside the image | outside the field | "
    "out of view",
    "perceived": "see | seen | find | found | visible | present | there | here | identified | identify | "
    "detected | detect | exist | shown | show | located | locate | evident | recognized | any | contain | "
    "made out | make out | discernible | included | include | identifiable | visualized | appreciated | "
    "noted | observed | depicted | demonstrated | displayed | apparent | recognizable",
    # What ends the reach of a "not".
    "but": "but | but also | yet | however | although | though | while | whereas | instead | otherwise | only",
    "except": "other than | apart from | besides | except | except for | aside from",
    "number": "one | two | three | four | five | six | seven | eight | nine | ten | single | solitary | "
    "both | pair | couple | another | the other",
    # May stand between "left" and "top" of one place.
    "image": "image | picture | slice | frame | scan | radiograph | photo | photograph | view | screen | film",
    "glue": "the | a | an | of | in | on | at | to | towards | toward | and | or | its | this | side | "
    "sides | part | parts | half | halves | portion | third | quadrant | quadrants | region | area | "
    "zone | corner | section | segment | aspect | border | margin | hand | most | with | small | outer | "
    "inner | very | from | quite | also",
    "comma": ", | ( | )",
    "stop": ". | ; | : | ! | ?",
    # Not what it looks like.
    "word": "no doubt | without doubt | without any doubt | no question | without question | not only | "
    "what is left | right thing | right answer | right option | right away | on top of | "
    "on top of that | halfway down | halfway up | takes up | taking up | follow up | close up | "
    "top to bottom | hardly visible | hardly seen | "
    "level with the center | off center | medical center | health center | cancer center | following",
}

NUMBERS = {
    "zero": 0, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8,
    "nine": 9, "ten": 10, "single": 1, "solitary": 1, "both": 2, "pair": 2, "couple": 2,
    "another": 1, "the other": 1,
}  # fmt: skip
"""Number words and what they count."""

UNCOUNTED = frozenset({
    "mm", "cm", "millimeter", "millimeters", "centimeter", "centimeters", "millimetres", "centimetres",
    "percent", "thirds", "third", "times", "years", "year", "quadrants", "sides", "halves", "pixels",
    "o'clock",
})  # fmt: skip
"""A number before one of these does not count findings: ``"3 cm"``, ``"two thirds"``."""

NUMBERED = frozenset(
    {"slice", "grade", "stage", "image", "frame", "figure", "level", "type", "series", "number", "birads"}
)
"""A number after one of these does not count findings: ``"slice 42"``."""

TAGS: dict[tuple[str, ...], Tag] = {
    tuple(phrase.split()): tag for tag, phrases in PHRASES.items() for phrase in phrases.split(" | ")
}
LONGEST = max(len(phrase) for phrase in TAGS)

_REWRITES = (
    ("[\u2018\u2019`]", "'"),
    (r"\b(ca|wo)n't\b", r"\1n not"),
    (r"n't\b", " not"),
    (r"\bcannot\b", "can not"),
    (r"\b(it|that|there|here|what)'s\b", r"\1 is"),
    ("\\s[-\u2013\u2014]+\\s|[\u2013\u2014]", " , "),
    (r"[-/]", " "),
    (r"(\d)(mm|cm)\b", r"\1 \2"),
    (r"\b(visual|recogn|local)is(e|ed|able)\b", r"\1iz\2"),
    (r"centred", "centered"),
    (r"centre", "center"),
    (r"(north|south)(east|west)", r"\1 \2"),
    (r"\bimage's\b", "image"),
)


def normalise(text: str) -> str:
    """Lower case, American spelling, contractions and hyphens spelled out."""
    text = text.lower()
    for pattern, replacement in _REWRITES:
        text = re.sub(pattern, replacement, text)
    return text
