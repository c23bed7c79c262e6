"""Read yes or no out of a model's reply.

A reply may give its verdict at the beginning ("Yes, because ..."), by name ("The answer is no") or alone on its last
line. All that are there must say the same; else the reply is not read, and counted as such.
"""

from __future__ import annotations

import re

_THOUGHT = re.compile(r"<(think|thinking|thought|reasoning)>.*?</\1>", re.DOTALL)
_THOUGHT_ENDS = re.compile(r".*</(?:think|thinking|thought|reasoning)>", re.DOTALL)  # begun by the chat template
_THOUGHT_BEGINS = re.compile(r"<(?:think|thinking|thought|reasoning)>.*", re.DOTALL)  # cut off before its end
_QUOTE = r"['\u2018\u2019]"
_DECORATION = re.compile(rf"[*_`#\"\u201c\u201d{{}}\[\]()<>\\$]|(?<!\w){_QUOTE}|{_QUOTE}(?!\w)|\bboxed\b|\btext\b")
_NEGATION = re.compile(rf"\bnot\b|\bcannot\b|n{_QUOTE}t\b")
_CHOICE = re.compile(r"\b(?:yes\s*(?:/|\||,?\s*or\b|,?\s*and\b)\s*no|no\s*(?:/|\||,?\s*or\b|,?\s*and\b)\s*yes)\b")
# "no" may also begin a noun ("no difference"); as a verdict a stop or a new sentence follows.
_SUBJECT = r"they|it|its|the|this|these|that|there|because|since|as|both|he|she|i"
_BEGIN = re.compile(rf"(yes)\b|(no)\s*(?:$|[.,;:!\n\u2013\u2014-]|(?:{_SUBJECT})\b)")
_NAMED = re.compile(
    r"\b(?:answer|verdict|response|conclusion|judge?ment|result|decision)\b"
    r"(?:\s+(?:is|would be|must be|should be))?\s*[:=]?\s*(?:(yes)\b|(no)\b(?!\s+[a-z]))"
)
_ALONE = re.compile(r"(?:(yes)|(no))\W*")


def read_verdict(reply: str) -> bool | None:
    """Whether a judge says yes; ``None`` when it says neither, both, or nothing that can be read."""
    text = _DECORATION.sub("", _without_thoughts(reply.lower()))
    text = _CHOICE.sub(" ", text).strip().strip(".,:;!- \n")
    if not text:
        return None
    last = text.splitlines()[-1].strip()
    found = [_BEGIN.match(text), *_NAMED.finditer(text), _ALONE.fullmatch(last)]
    verdicts = {match[1] is not None for match in found if match} or _mentioned(text)
    return verdicts.pop() if len(verdicts) == 1 else None


def _mentioned(text: str) -> set[bool]:
    """The one word of both that a sentence without negation holds: "I would say yes"."""
    if _NEGATION.search(text):
        return set()
    words = {True: r"\byes\b", False: r"\bno(?:$|[.,;:!\n])"}
    return {verdict for verdict, word in words.items() if re.search(word, text)}


def _without_thoughts(text: str) -> str:
    return _THOUGHT_BEGINS.sub("", _THOUGHT_ENDS.sub("", _THOUGHT.sub("", text)))
