"""More wordings by a language model; only those whose place is read as in the original are kept."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml

from prsmed.data.wording import Wording
from prsmed.data.wording.check import find_fault
from prsmed.data.wording.readable import examples, readings
from prsmed.data.wording.slots import SLOTS, Slot, placeholders
from prsmed.errors import PRSMedError
from prsmed.position.target import target_in
from prsmed.speakers import Replies, Speaker

NUMBER = 3
"""How many paraphrases of a template are asked for."""
KEPT = "kept"
_PROMPT = Path(__file__).parent / "wording" / "paraphrase.txt"
_SAID = "{Said}."
# What "{Said}." says, as a template: the sentences behind it have placeholders of their own.
_PLAIN = {"place": "{The} {be} {place}.", "absence": "There {be} no {target} here."}

Report = Callable[[str, str, str], None]
"""Called with a template, a paraphrase of it, and :data:`KEPT` or why it was not kept."""


def paraphrase(
    wording: Wording, speaker: Speaker, cache: Replies, *, prompt: str | None = None, report: Report | None = None
) -> dict[str, Any]:
    """Reword the training templates; held-out ones stay as they are, so that they stay held out.

    Templates without placeholders are not reworded either: nothing of them could be checked.

    Args:
        wording: What to reword.
        speaker: Who rewords.
        cache: Where replies are kept and looked up.
        prompt: What to ask; it holds ``{template}``, and ``{number}`` for how many. Ours when ``None``.
        report: Told of every paraphrase.

    Returns:
        What :meth:`Wording.load` reads from YAML: the paraphrases alone, which extend the shipped wordings; or
        ``wording`` and the paraphrases, when it is not the shipped one.

    Raises:
        PRSMedError: ``bad_prompt``, or what the speaker raises.
    """
    asked = _PROMPT.read_text(encoding="utf-8") if prompt is None else prompt
    if "{template}" not in asked:
        raise PRSMedError("bad_prompt", "the prompt has no {template}; write where the template is to stand")
    is_shipped = wording == Wording.load()
    mapping: dict[str, Any] = {"extend": True} if is_shipped else _everything(wording)
    for section, slots in SLOTS.items():
        for name, slot in slots.items():
            if slot.tells == "layout":
                continue
            if kept := _reword(wording, (section, name), slot, speaker, cache, asked, report):
                mapping.setdefault(section, {}).setdefault(name, {}).setdefault("train", []).extend(kept)
    return mapping


def write_paraphrases(
    out: Path,
    speaker: Speaker,
    cache: Path,
    *,
    wording: Path | None = None,
    prompt: Path | None = None,
    report: Report | None = None,
) -> Counter[str]:
    """Reword templates into a file for ``--wording``: what ``prsmed data paraphrase`` does.

    Args:
        out: YAML to write.
        speaker: Who rewords.
        cache: File of replies (JSON lines).
        wording: A user's wordings; ours when ``None``.
        prompt: Text file with another prompt.
        report: Told of every paraphrase.

    Returns:
        How many were kept, and how many not for which reason.

    Raises:
        PRSMedError: What :func:`paraphrase` and :meth:`Wording.load` raise; ``missing_prompt``.
    """
    counts: Counter[str] = Counter()

    def count(template: str, text: str, verdict: str) -> None:
        counts[verdict] += 1
        if report:
            report(template, text, verdict)

    try:
        asked = None if prompt is None else prompt.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise PRSMedError("missing_prompt", f"no readable file {prompt}; name a text file in UTF-8") from None
    mapping = paraphrase(Wording.load(wording), speaker, Replies(cache), prompt=asked, report=count)
    out.parent.mkdir(parents=True, exist_ok=True)
    text = yaml.safe_dump(mapping, allow_unicode=True, sort_keys=False, width=1000)
    out.write_text(text, encoding="utf-8")
    return counts


def reason_against(template: str, text: str, slot: Slot) -> str | None:
    """Why a paraphrase cannot stand for a template; ``None`` when it can.

    Its placeholders must be the template's, it must do for its list, and filled with each zone, near and far, the
    parser must read out of it what it reads out of the template. A question must ask for the same target.
    """
    try:
        same = _lowered(text) == _lowered(template)
    except ValueError:
        same = False
    if not same:
        return "placeholders differ"
    if find_fault(text, slot):
        return "does not do for its list"
    if readings(text, slot) != readings(template, slot):
        return "position differs"
    if slot.tells == "question" and _targets(text, slot) != _targets(template, slot):
        return "target differs"
    return None


def _reword(
    wording: Wording,
    leaf: tuple[str, str],
    slot: Slot,
    speaker: Speaker,
    cache: Replies,
    prompt: str,
    report: Report | None,
) -> list[str]:
    """The paraphrases of one list that may stand beside it."""
    originals = [phrase.text for phrase in wording.of(*leaf, held_out=False)]
    held_out = [phrase.text for phrase in wording.of(*leaf, held_out=True)]
    seen = {_plain(text) for text in (*originals, *held_out)}
    kept = []
    for original in filter(placeholders, originals):
        template = _PLAIN[slot.tells] if original == _SAID else original
        for text in _lines(_ask(template, speaker, cache, prompt)):
            verdict = "already there" if _plain(text) in seen else reason_against(template, text, slot) or KEPT
            if verdict == KEPT:
                seen.add(_plain(text))
                kept.append(text)
            if report:
                report(template, text, verdict)
    return kept


def _ask(template: str, speaker: Speaker, cache: Replies, prompt: str) -> str:
    filled = prompt.replace("{number}", str(NUMBER)).replace("{template}", template)
    reply = cache.get(speaker.name, filled)
    if reply is None:
        reply = speaker.say(filled)
        cache.put(speaker.name, filled, reply)
    return reply


def _lines(reply: str) -> Iterator[str]:
    """The sentences of a reply, without the numbers, bullets and quotation marks that models like to add."""
    for line in reply.splitlines():
        text = re.sub(r"^\s*(?:\d+[.)]|[-*•])\s+", "", line).strip().strip("\"'`“”").strip()
        if text:
            yield text


def _lowered(template: str) -> list[str]:
    return sorted(name[:1].lower() + name[1:] for name in placeholders(template))


def _targets(template: str, slot: Slot) -> list[str]:
    return [target_in(example.text) for example in examples(template, slot)]


def _plain(text: str) -> str:
    return " ".join(re.findall(r"[\w{}]+", text.lower()))


def _everything(wording: Wording) -> dict[str, Any]:
    mapping: dict[str, Any] = {"here": {modality: list(places) for modality, places in wording.heres.items()}}
    for (section, name, use), phrases in wording.phrases.items():
        mapping.setdefault(section, {}).setdefault(name, {})[use] = [phrase.text for phrase in phrases]
    return mapping
