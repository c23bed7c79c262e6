"""Read the place out of a free sentence.

The text becomes tokens tagged by :mod:`prsmed.position.lexicon`; then five small rules, in this order:

1. *Negation* (:mod:`prsmed.position.tokens`). Clauses end at punctuation and at words like "but". "not ..."
   denies what follows it in its clause, "... is absent" denies its whole clause.
2. *Nearness.* "near" or "far" with "the center" behind it and only small words between; also a named edge.
3. *Sides.* Left or right of the patient: "the patient's left", "left lung", "left-sided".
4. *Places.* Remaining directions that stand together, with only small words between, make zones: "upper and
   lower left" makes two. What finds no partner is a partial place.
5. *Count.* "Two lesions, one ... and another ..." counts two.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, cast

from prsmed.position.findings import Side, Zone
from prsmed.position.lexicon import NUMBERED, NUMBERS, UNCOUNTED
from prsmed.position.tokens import Token, deny, drop_lookalikes, tokenize

Vertical = Literal["top", "bottom"]
Horizontal = Literal["left", "right"]
_VERTICAL = ("top", "bottom")
_HORIZONTAL = ("left", "right")


@dataclass(frozen=True)
class Reading:
    """What a text says about the place of what it talks about.

    Attributes:
        zones: Zones of the image, in order of mention, each once.
        vertical: Named when the text gives no zone, but a half: ``"in the upper half"``.
        horizontal: The same for ``"on the left"`` of the image.
        near_center: Near (``True``) or far from the image centre; ``None`` when not said. "In the center"
            alone is near.
        side: Sides of the patient, in order of mention, each once. Left and right count as the patient's only
            when the text says so (``"the patient's left"``, ``"left lung"``).
        count: How many are there; ``None`` when not said.
        none: The text says that it is not there. Then all else is empty.
    """

    zones: tuple[Zone, ...] = ()
    vertical: Vertical | None = None
    horizontal: Horizontal | None = None
    near_center: bool | None = None
    side: tuple[Side, ...] = ()
    count: int | None = None
    none: bool = False


def parse(text: str) -> Reading:
    """Read zones, sides, nearness, count and absence out of one sentence or several."""
    tokens = tokenize(text)
    opens_with_no = len(tokens) > 1 and tokens[0].word == "no" and tokens[1].tag in ("comma", "stop")
    if opens_with_no and len(tokens) > 2:
        tokens = tokens[2:]  # "No, it is on the right" denies the question, not the finding
    drop_lookalikes(tokens)
    says_absent = deny(tokens)
    near = _nearness(tokens)
    sides = _sides(tokens)
    zones, halves = _places(tokens)
    count = _count(tokens)
    if says_absent and not (zones or halves or sides) and near is None and count is None:
        return Reading(none=True)
    vertical, horizontal = _only(halves, _VERTICAL), _only(halves, _HORIZONTAL)
    if not zones and vertical and horizontal:
        zones = [f"{vertical} {horizontal}"]
    return Reading(
        zones=cast("tuple[Zone, ...]", tuple(dict.fromkeys(zones))),
        vertical=None if zones else cast("Vertical | None", vertical),
        horizontal=None if zones else cast("Horizontal | None", horizontal),
        near_center=True if near is None and zones == ["center"] else near,
        side=tuple(dict.fromkeys(sides)),
        count=count,
    )


def _nearness(tokens: list[Token]) -> bool | None:
    near = None
    for index, token in enumerate(tokens):
        if token.tag in ("near", "far"):
            end = _skip(tokens, index + 1, ("glue", "image"))
            target = tokens[end].tag if end < len(tokens) else "stop"
            if target not in ("center", "midline"):
                continue
            tokens[end].use()
            is_flipped = any(before.tag == "not" for before in tokens[max(0, index - 2) : index])
            if (token.tag == "far" or target == "center") and not token.is_denied:
                near = (token.tag == "near") != is_flipped
        elif token.tag == "center":
            near = _reference(tokens, index, near)
        elif token.tag == "edge" or (token.word in ("border", "margin") and _is_directed(tokens, index)):
            near = False if near is None and not token.is_denied else near
    return near


def _reference(tokens: list[Token], index: int, near: bool | None) -> bool | None:
    """Use up a center that only says where something else is: "left of the center"."""
    if any(token.word in ("distance", "dist") for token in tokens[max(0, index - 4) : index]):
        following = [token for token in tokens[index + 1 : index + 3] if token.tag in ("near", "far")]
        tokens[index].use()
        return following[0].tag == "near" if following else near
    start = index - 1
    while start >= 0 and tokens[start].tag in ("glue", "image"):
        start -= 1
    between = [token.word for token in tokens[start + 1 : index]]
    is_direction = start >= 0 and tokens[start].tag in (*_VERTICAL, *_HORIZONTAL)
    is_above = is_direction and tokens[start].word in ("above", "below", "beneath")
    if start >= 0 and (tokens[start].word == "width" or tokens[start].word in UNCOUNTED):
        tokens[index].use()
        return near
    if not is_direction or not ("of" in between or is_above) or "in" in between:
        return near
    tokens[index].use()
    is_slight = any(token.tag == "just" for token in tokens[max(0, start - 6) : start])
    return True if is_slight and not tokens[index].is_denied else near


def _is_directed(tokens: list[Token], index: int) -> bool:
    return any(token.tag in (*_VERTICAL, *_HORIZONTAL) for token in tokens[max(0, index - 2) : index])


def _sides(tokens: list[Token]) -> list[Side]:
    sides: list[Side] = []
    last = None  # where the last side of the patient was named
    for index, token in enumerate(tokens):
        is_both = token.word == "both" and index + 1 < len(tokens) and tokens[index + 1].tag == "organ"
        if (token.tag == "both_sides" or is_both) and not token.is_denied:
            sides += ["left", "right"]
        if token.tag not in _HORIZONTAL:
            continue
        end = _side_end(tokens, index, last)
        if end is None:
            continue
        last = end
        if not token.is_denied:
            sides.append(cast("Side", token.tag))
        for used in tokens[index : end + 1]:
            used.use()
    return sides


def _side_end(tokens: list[Token], index: int, last: int | None) -> int | None:
    """Where the phrase ends that makes this "left" or "right" the patient's; ``None`` if it does not."""
    before = tokens[index - 1].tag if index else "stop"
    is_second = last is not None and last == index - 2 and tokens[index - 1].word in ("and", "or")
    if before == "patient" or is_second or any(token.word == "anatomically" for token in tokens[:index]):
        return index
    following = [token.word for token in tokens[index + 1 : index + 3]]
    if following[:1] == ["sided"]:
        return index + 1
    end = _skip(tokens, index + 1, ("glue",))
    if end < len(tokens) and tokens[end].tag == "patient" and "of" in [token.word for token in tokens[index:end]]:
        return end
    end = _skip(tokens, index + 1, (*_VERTICAL, "organ_kind"))
    if end < len(tokens) and tokens[end].tag == "organ":
        return end
    if len(following) == 2 and following[0] in ("and", "or") and following[1] in _HORIZONTAL:
        return None if _side_end(tokens, index + 2, None) is None else index
    # "No nodule in the right lung, one in the left."
    is_last = index + 1 == len(tokens) or tokens[index + 1].tag == "stop"
    is_bare = [token.word for token in tokens[max(0, index - 2) : index]] in (["in", "the"], ["on", "the"])
    return index if last is not None and is_last and is_bare else None


def _places(tokens: list[Token]) -> tuple[list[str], list[str]]:
    """Zones, and the halves ("top", "left") that are no part of one, in order of mention."""
    zones: list[str] = []
    halves: list[str] = []
    for group in _groups(tokens):
        found, rest = _pair(group)
        zones += found
        halves += rest
    return zones, halves


def _groups(tokens: list[Token]) -> Iterator[list[str]]:
    """Runs of directions with only small words between, each as its tags."""
    group: list[str] = []
    for token in tokens:
        if token.tag in (*_VERTICAL, *_HORIZONTAL, "center") and not token.is_denied:
            group.append(token.tag)
        elif group and token.tag not in ("glue", "comma", "image", "near", "just"):
            yield group
            group = []
    yield group


def _pair(group: list[str]) -> tuple[list[str], list[str]]:
    """Pair the verticals and horizontals of a group: ``[top, bottom, left]`` makes two zones."""
    zones: list[str] = []
    waiting: list[str] = []
    vertical = ""
    for tag in group:
        if tag == "center":
            zones.append(tag)
        elif waiting and (tag in _VERTICAL) != (waiting[0] in _VERTICAL):
            zones += [f"{tag} {half}" if tag in _VERTICAL else f"{half} {tag}" for half in waiting]
            vertical, waiting = zones[-1].split()[0], []
        else:
            waiting.append(tag)
    if vertical and waiting and waiting[0] in _HORIZONTAL:
        zones += [f"{vertical} {half}" for half in waiting]  # "top left and right"
    elif not vertical and waiting:
        return [], waiting  # "the middle of the lower half" is no center
    return zones, []


def _count(tokens: list[Token]) -> int | None:
    counts = [
        value
        for index, token in enumerate(tokens)
        if token.tag == "number" and not token.is_denied and (value := _counted(tokens, index)) is not None
    ]
    words = [token.word for token in tokens if not token.is_denied]
    if "second" in words and ("first" in words or "one" in words):
        return 2
    if "another" in words and len(counts) == 1:
        return 2
    if not counts:
        return None
    total = sum(counts)
    if len(counts) > 2 and 2 * max(counts) == total:
        return max(counts)  # "two: one here and one there", "one here and one there, both small"
    return counts[0] if counts[0] > 1 else total


def _counted(tokens: list[Token], index: int) -> int | None:
    """The number at a token if it counts findings, and not millimetres, slices or thirds."""
    word = tokens[index].word
    before = tokens[index - 1].word if index else ""
    following = {token.word for token in tokens[index + 1 : index + 3]}
    is_pronoun = word == "one" and index > 0 and tokens[index - 1].tag in (*_VERTICAL, *_HORIZONTAL)
    if is_pronoun or before in NUMBERED or following & UNCOUNTED:
        return None
    if word == "one" and "each" in {token.word for token in tokens[index + 1 : index + 4]}:
        return None
    if word == "both" and before in ("in", "on", "at", "to", "of"):
        return None
    return NUMBERS[word] if word in NUMBERS else int(word)


def _skip(tokens: list[Token], index: int, tags: tuple[str, ...]) -> int:
    """The first index from ``index`` on whose tag is none of ``tags``."""
    while index < len(tokens) and tokens[index].tag in tags:
        index += 1
    return index


def _only(halves: list[str], options: tuple[str, str]) -> str | None:
    """The one of two opposite halves that is named; ``None`` when neither or both are."""
    named = [option for option in options if option in halves]
    return named[0] if len(named) == 1 else None
