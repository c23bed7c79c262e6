"""A text as tagged phrases, and which of them it denies."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from prsmed.position.lexicon import LONGEST, TAGS, Tag, normalise

_BE = frozenset({"is", "are", "was", "were", "be", "lies", "lie", "sits", "sit", "located", "situated"})
_VERBS = _BE | frozenset({"shows", "show", "has", "have", "contains", "contain", "appears", "appear", "look", "seen"})
_RESTARTS = frozenset({"it", "they", "there", "the", "a", "an", "look", "we", "i", "you"})


@dataclass
class Token:
    """A phrase of the text; ``tag`` becomes ``"word"`` once a rule has used it up."""

    word: str
    tag: Tag
    is_denied: bool = False

    def use(self) -> None:
        """Keep later rules from reading it again."""
        self.tag = "word"


def tokenize(text: str) -> list[Token]:
    """Cut a text into the longest phrases the lexicon knows; unknown words are tagged ``"word"``."""
    words = re.findall(r"[a-z0-9']+(?:\.\d[a-z0-9]*)*|[.,;:()!?]", normalise(text))
    tokens, start = [], 0
    while start < len(words):
        for length in range(min(LONGEST, len(words) - start), 0, -1):
            phrase = tuple(words[start : start + length])
            if phrase in TAGS or length == 1:
                tag = TAGS.get(phrase, "number" if phrase[0].isdigit() else "word")
                tokens.append(Token(" ".join(phrase), tag))
                start += length
                break
    return tokens


def drop_lookalikes(tokens: list[Token]) -> None:
    """Use up directions that are none: "right in the middle", "a necrotic center", "the lesion's center"."""
    for index, token in enumerate(tokens):
        before = tokens[index - 1] if index else Token("", "stop")
        after = tokens[index + 1].word if index + 1 < len(tokens) else ""
        is_adverb = before.word in _BE and after in ("in", "at", "next to", "near", "beside", "on")
        if token.word == "right" and is_adverb:
            token.use()
        if token.word in ("center", "middle") and _is_center_of_thing(tokens, index):
            token.use()


def _is_center_of_thing(tokens: list[Token], index: int) -> bool:
    """Whether it is a finding's: "a dark center", "the lesion's center", "The center of the mass is"."""
    before = [token.word for token in tokens[max(0, index - 2) : index]]
    if before and (before[-1] in ("a", "an") or before[-1].endswith("'s")):
        return True
    if len(before) == 2 and before[0] in ("a", "an") and tokens[index - 1].tag == "word":
        return True
    after = tokens[index + 1 : index + 4]
    opens = index == 0 or (before[-1] == "the" and (index == 1 or tokens[index - 2].tag == "stop"))
    return opens and [token.word for token in after[:2]] == ["of", "the"] and after[-1].tag == "word"


def deny(tokens: list[Token]) -> bool:
    """Mark the tokens that the text denies; return whether it says that something is not there."""
    says_absent = False
    for clause in _clauses(tokens):
        for index, token in enumerate(clause):
            before = clause[index - 1].word if index else ""
            if token.tag == "absent" or (token.tag == "not" and _is_existential(clause, index)):
                _mark(clause)
                says_absent = True
            elif token.word in ("nothing", "none") and clause[0].tag != "except":
                _mark(clause)  # "in the top left there is nothing"
                says_absent = True
            elif token.word == "spared":
                _mark(clause[max((at for at in range(index) if clause[at].tag == "comma"), default=0) : index])
            elif token.tag == "no" and not (token.word == "neither" and before in _BE):
                _mark(clause[index:])
                says_absent = True
            elif token.tag == "without":
                _mark(_noun_after(clause, index))
                says_absent = True
            elif token.tag in ("not", "no") and not _is_of_nearness(clause, index):
                _mark(_to_comma(clause, index))
            elif token.tag == "far" and token.word.endswith("from"):
                _mark(_far_place(clause, index))
    return says_absent


def _clauses(tokens: list[Token]) -> Iterator[list[Token]]:
    start = 0
    for index, token in enumerate(tokens):
        if token.tag in ("stop", "but", "except") or (token.tag == "comma" and _restarts(tokens[index + 1 :])):
            yield tokens[start:index]
            start = index if token.tag == "except" else index + 1
    yield tokens[start:]


def _restarts(rest: list[Token]) -> bool:
    """Whether a sentence of its own follows a comma: "..., it is on the right"."""
    if not rest or rest[0].tag in ("number", "just") or rest[0].word in _VERBS:
        return bool(rest)
    end = next((index for index, token in enumerate(rest) if token.tag in ("stop", "comma")), len(rest))
    return rest[0].word in _RESTARTS and any(token.word in _VERBS for token in rest[:end])


def _is_existential(clause: list[Token], index: int) -> bool:
    """Whether a "not" denies the thing and not its place: "not seen", "there is not", "not in this image"."""
    if clause[index].word not in ("not", "no longer"):
        return False
    if any(token.word == "there" for token in clause[max(0, index - 2) : index]):
        return True
    following = clause[index + 1 : index + 4]
    if any(token.tag == "perceived" for token in following):
        return True
    if following and following[0].word in ("appear", "occur"):
        following = clause[index + 2 : index + 5]
    is_in = len(following) > 1 and following[0].word in ("in", "on") and following[-1].tag == "image"
    return is_in and not any(token.tag in ("left", "right", "top", "bottom", "center") for token in clause[index:])


def _is_of_nearness(clause: list[Token], index: int) -> bool:
    """Whether a "not" denies only a nearness: "not very close to the center"."""
    for start in range(index + 1, min(index + 3, len(clause))):
        if clause[start].tag in ("near", "far"):
            rest = [token.tag for token in clause[start + 1 :] if token.tag not in ("glue", "image")]
            return rest[:1] in (["center"], ["midline"])
    return False


def _to_comma(clause: list[Token], index: int) -> list[Token]:
    """What a "not" denies: up to a comma, unless it is one of a list: "not on the left, right or above"."""
    for end in range(index, len(clause)):
        if clause[end].tag == "comma" and not any(token.word in ("or", "nor") for token in clause[end:]):
            return clause[index:end]
    return clause[index:]


def _noun_after(clause: list[Token], index: int) -> list[Token]:
    """What a "without" denies: "without calcification | in the top left"."""
    for end in range(index + 1, len(clause)):
        if clause[end].word in ("in", "at", "on") or clause[end].word in _BE:
            return clause[index:end]
    return clause[index:]


def _far_place(clause: list[Token], index: int) -> list[Token]:
    """The place that something is said to be far from, unless that is the center or midline."""
    end = index + 1
    while end < len(clause) and clause[end].tag in ("glue", "top", "bottom", "left", "right", "image"):
        end += 1
    is_center = end < len(clause) and clause[end].tag in ("center", "midline")
    return [] if is_center else clause[index:end]


def _mark(tokens: list[Token]) -> None:
    for token in tokens:
        token.is_denied = True
