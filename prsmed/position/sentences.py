"""Answers in words, written from positions; :mod:`prsmed.position.parser` reads every one of them back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from prsmed.position.findings import Position, Side, Zone

Frame = Literal["image", "patient", "both"]

# {in_...} becomes "in the top left quadrant of the image", "on the patient's right side", or both;
# {near} and {close} become "near" and "close to", or "away from" and "far from"; verbs agree with the target.
_PLACED = (
    "{The} {is} {in_image}, {close} the center.",
    "{The} {is} {in_quadrant}, {near} the center.",
    "{The} {lies} {in_part} and {is} {close} the center.",
    "{The} {is} located {in_region}, {near} the center.",
    "{The} {is} seen {in_quadrant} and {lies} {close} the center.",
    "{In_image}, {close} the center, {lies} {the}.",
    "{The} {appears} {in_area}, {near} the center.",
    "{The} can be found {in_part}, {close} the center.",
    "Here {the} {sits} {in_image}, {near} the center.",
    "{The} {is} visible {in_region} and {is} {near} the center.",
    "Look {in_area}: {the} {is} there, {close} the center.",
    "{In_quadrant} {is} {the}, {near} the center.",
    "You can see {the} {in_part}, {close} the center.",
    "Seen {in_image}, {the} {is} {close} the center.",
    "It is {in_quadrant} that {the} can be seen, {near} the center.",
    "Yes, {the} {is} {in_image} and {lies} {close} the center.",
)
_CENTRAL = (
    "{The} {is} {in_center}.",
    "{The} {lies} {in_center}.",
    "{The} {is} located {in_center}.",
    "{The} {is} seen {in_center}.",
    "{In_center} {lies} {the}.",
    "{The} {appears} {in_center}.",
    "{The} can be found {in_center}.",
    "Here {the} {sits} {in_center}.",
    "{The} {is} visible {in_center}.",
    "Look {in_center}: {the} {is} there.",
    "{In_center} {is} {the}.",
    "You can see {the} {in_center}.",
    "It is {in_center} that {the} can be seen.",
    "Yes, {the} {is} {in_center}.",
)
_SEVERAL = (
    "{The} {appears} in {count} places, {in_image}.",
    "{The} {shows} as {count} separate regions, {in_image}.",
    "There are {count} regions of {the}, {in_image}.",
    "{Count} separate regions of {the} are seen, {in_image}.",
    "{The} {is} found in {count} places: {in_image}.",
    "{The} {is} split into {count} parts, {in_image}.",
    "{In_image} {lies} {the}, in {count} separate parts.",
    "Here {the} {forms} {count} regions, {in_image}.",
    "{The} can be seen in {count} places, {in_image}.",
    "You can see {count} regions of {the}, {in_image}.",
    "{Count} regions belong to {the}; they are {in_image}.",
    "Look {in_image}: {the} {is} there, in {count} parts.",
    "Yes, {the} {is} visible as {count} separate areas, {in_image}.",
)
_ABSENT = (
    "There {is} no {target} in this image.",
    "No {target} {is} seen in this image.",
    "No {target} can be seen here.",
    "{The} {is} not present in this image.",
    "This image shows no {target}.",
    "{The} {is} not visible here.",
    "{The} {is} absent from this image.",
    "I see no {target} in this image.",
    "No, there {is} no {target} here.",
    "{The} cannot be found in this image.",
    "No {target} {is} present.",
    "There {is} no sign of {the} here.",
    "Nothing in this image shows {the}.",
    "{The} {is} not in this image.",
)
VARIANTS = len(_PLACED) * len(_CENTRAL) * len(_SEVERAL) * len(_ABSENT)
"""Drawing ``variant`` evenly from ``range(VARIANTS)`` draws every case's wordings evenly."""

_PLURALS = {"is": "are", "lies": "lie", "appears": "appear", "sits": "sit", "shows": "show", "forms": "form"}
_COUNTS = ("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_SINGULAR_ENDINGS = ("ss", "us", "is", "pancreas", "lens")
_IRREGULAR_PLURALS = (
    "foci",
    "nuclei",
    "thrombi",
    "bronchi",
    "calculi",
    "vertebrae",
    "diverticula",
    "hippocampi",
)


def write_answer(
    positions: Sequence[Position],
    target: str,
    *,
    sides: Sequence[Side | None] = (),
    frame: Frame = "image",
    variant: int = 0,
) -> str:
    """Say where a target is, or that it is not there.

    Args:
        positions: One a region, largest first; empty when the target is not there.
        target: Name of what was asked for, without article, e.g. ``"tumour"`` or ``"lungs"``.
        sides: The patient's side of each region, parallel to ``positions``; may be empty for the image frame.
        frame: Say it in terms of the image (``"top left"``), of the patient (``"the patient's right side"``)
            or both. Where a side is unknown, it is told in terms of the image.
        variant: Which wording; any integer, taken modulo the number of wordings.

    Returns:
        One sentence in plain English. Several regions are told as their number and their distinct places.
    """
    if not positions:
        return _fill(_ABSENT, variant, target, {})
    known, frame = _framed(positions, sides, frame)
    zones = [position.zone for position in positions]
    if len(positions) > 1:
        count = _COUNTS[len(zones) - 2] if len(zones) - 2 < len(_COUNTS) else str(len(zones))
        words = {"count": count, "in_image": _place(zones, known, frame, "")}
        return _fill(_SEVERAL, variant, target, words)
    if zones == ["center"] and frame != "patient":
        return _fill(_CENTRAL, variant, target, {"in_center": _place(zones, known, frame, "")})
    near = positions[0].near_center
    words = {"near": "near" if near else "away from", "close": _closeness(near)}
    for part in ("", "quadrant", "part", "region", "area"):
        words[f"in_{part or 'image'}"] = _place(zones, known, frame, part)
    return _fill(_PLACED, variant, target, words)


def write_place(positions: Sequence[Position], *, sides: Sequence[Side | None] = (), frame: Frame = "image") -> str:
    """Say only where, to put after a verb: ``"in the top left of the image, far from the center"``.

    Args:
        positions: One a region, at least one. Nearness is told of a single region outside the center.
        sides: As in :func:`write_answer`.
        frame: As in :func:`write_answer`.
    """
    known, frame = _framed(positions, sides, frame)
    place = _place([position.zone for position in positions], known, frame, "")
    first = positions[0]
    if len(positions) > 1 or (first.zone == "center" and frame != "patient"):
        return place
    return f"{place}, {_closeness(first.near_center)} the center"


def is_plural(target: str) -> bool:
    """Whether a target's name takes a plural verb: ``"lungs"`` does, ``"mass"`` and ``"pancreas"`` do not."""
    head = target.lower().split(" of ")[0]
    if " and " in head or head.endswith(_IRREGULAR_PLURALS):
        return True
    return head.endswith("s") and not head.endswith(_SINGULAR_ENDINGS)


def _framed(positions: Sequence[Position], sides: Sequence[Side | None], frame: Frame) -> tuple[list[Side], Frame]:
    """The sides to tell, and the frame that they allow: the image's unless every region's side is known."""
    known = [side for side in sides if side is not None]
    return ([], "image") if frame == "image" or len(known) != len(positions) else (known, frame)


def _closeness(near: bool) -> str:
    return "close to" if near else "far from"


def _place(zones: Sequence[Zone], sides: Sequence[Side], frame: Frame, part: str) -> str:
    """E.g. ``"in the top left and the bottom right of the image (on the patient's right)"``."""
    names = [f"the {zone} {part}".rstrip() for zone in zones]
    image = f"in {_join(names)} of the image"
    if frame == "image":
        return image
    patient = f"on the patient's {_join(sides)}"
    if frame == "both":
        return f"{image} ({patient})"
    return f"{patient} side" if part else patient


def _join(words: Sequence[str]) -> str:
    """The distinct words with commas and a last "and"."""
    *first, last = dict.fromkeys(words)
    return f"{', '.join(first)} and {last}" if first else last


def _fill(templates: Sequence[str], variant: int, target: str, words: dict[str, str]) -> str:
    verbs = {verb: plural if is_plural(target) else verb for verb, plural in _PLURALS.items()}
    words = words | verbs | {"target": target, "the": f"the {target}"}
    words |= {word[0].upper() + word[1:]: text[0].upper() + text[1:] for word, text in words.items()}
    return templates[variant % len(templates)].format(**words)
