"""A sheet of conversations to look at: picture, mask, questions and answers."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from prsmed.data.images import in_square, look
from prsmed.data.item import make_item
from prsmed.data.schema import KINDS, Conversation, Kind
from prsmed.errors import PRSMedError
from prsmed.imaging.overlay import draw_overlay, side_letters

WIDTH = 1400
"""Of a sheet of full rows, in pixels, so that a README shows the words at a readable size."""
_COLUMNS, _GAP, _SIDE = 3, 14, 640
_PAPER, _CARD = (255, 255, 255), (20, 20, 20)
_ASKED, _OTHERS = 1, 2  # labels by which the overlay chooses blue and yellow
_KEPT_A_KIND = 200  # of each kind so many are held while the file goes by


def draw_sheet(
    conversations: Iterable[Conversation], root: Path, out_png: Path, count: int = 12, seed: int = 0
) -> None:
    """Draw some conversations, kinds and modalities as mixed as they can be, and write the picture.

    Under each image stand the kind, modality and set, then every turn. What the turns are about is outlined in blue,
    the mask's other regions in yellow. Rejected conversations are left out.

    Args:
        conversations: What to draw from; read once.
        root: Folder of the images.
        out_png: Where to write; its folder is made.
        count: How many.
        seed: Another seed draws others.

    Raises:
        PRSMedError: ``no_png``, ``no_conversations``; what :func:`~prsmed.data.item.make_item` raises.
    """
    if out_png.suffix.lower() != ".png":
        raise PRSMedError("no_png", f"{out_png.name} is no name of a PNG picture; let it end in .png")
    chosen = _choose(conversations, count, np.random.default_rng(seed))
    if not chosen:
        raise PRSMedError("no_conversations", "there is no conversation to draw; build some with 'prsmed data build'")
    out_png.parent.mkdir(parents=True, exist_ok=True)
    _lay_out([_draw_card(conversation, root) for conversation in chosen]).save(out_png, optimize=True)


def _choose(conversations: Iterable[Conversation], count: int, rng: np.random.Generator) -> list[Conversation]:
    """Kinds in turn, of each the modality and the set seen least, no image twice while there are others."""
    pools = _sample(conversations, rng)
    seen: Counter[str] = Counter()
    chosen: list[Conversation] = []
    while pools and len(chosen) < count:
        for kind in [kind for kind in KINDS if kind in pools][: count - len(chosen)]:
            best = min(pools[kind], key=lambda conversation: _merit(conversation, seen))
            pools[kind].remove(best)
            if not pools[kind]:
                del pools[kind]
            seen.update((best.record.image, best.record.modality, best.record.dataset))
            chosen.append(best)
    return sorted(chosen, key=lambda conversation: KINDS.index(conversation.kind))


def _merit(conversation: Conversation, seen: Counter[str]) -> tuple[bool, int, int, int]:
    """Less is better: something to see where something may be there, then what was seen least."""
    record = conversation.record
    shows_nothing = conversation.kind != "absent" and not any(turn.present for turn in conversation.turns)
    return shows_nothing, seen[record.image], seen[record.modality], seen[record.dataset]


def _sample(conversations: Iterable[Conversation], rng: np.random.Generator) -> dict[Kind, list[Conversation]]:
    """Some of each kind, each equally likely, in random order."""
    pools: dict[Kind, list[Conversation]] = defaultdict(list)
    met: Counter[Kind] = Counter()
    for conversation in conversations:
        if conversation.review is not None and conversation.review.verdict == "rejected":
            continue
        pool = pools[conversation.kind]
        met[conversation.kind] += 1
        place = int(rng.integers(met[conversation.kind]))
        if len(pool) < _KEPT_A_KIND:
            pool.insert(place, conversation)
        elif place < _KEPT_A_KIND:
            pool[place] = conversation
    return dict(pools)


def _draw_card(conversation: Conversation, root: Path) -> Image.Image:
    item = make_item(conversation, root, _SIDE)
    shown = look(conversation.record, root)
    labels = np.where(item.masks.any(axis=0), _ASKED, _OTHERS * in_square(shown, _SIDE)[1])
    record, turns = conversation.record, conversation.turns
    heading = " · ".join(name.replace("_", " ") for name in (conversation.kind, record.modality, record.dataset))
    words = [f"{speaker}: {text}" for turn in turns for speaker, text in (("Q", turn.question), ("A", turn.answer))]
    sides = None if shown.image_slice is None else side_letters(shown.image_slice)
    return draw_overlay(item.pixels, labels, spacing=(1.0, 1.0), sides=sides, text="\n".join([heading, *words]))


def _lay_out(cards: Sequence[Image.Image]) -> Image.Image:
    """Cards in rows, each as wide as its column, each row as high as its highest."""
    columns = min(_COLUMNS, len(cards))
    width = (WIDTH - (_COLUMNS + 1) * _GAP) // _COLUMNS
    small = [card.resize((width, card.height * width // card.width), Image.Resampling.LANCZOS) for card in cards]
    rows = [small[start : start + columns] for start in range(0, len(small), columns)]
    heights = [max(card.height for card in row) for row in rows]
    sheet = Image.new("RGB", (_GAP + columns * (width + _GAP), _GAP + sum(heights) + _GAP * len(rows)), _PAPER)
    top = _GAP
    for row, height in zip(rows, heights, strict=True):
        for column, card in enumerate(row):
            left = _GAP + column * (width + _GAP)
            sheet.paste(_CARD, (left, top, left + width, top + height))
            sheet.paste(card, (left, top))
        top += height + _GAP
    return sheet
