"""Conversations on disk about small pictures, without the builder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image
from small_set import record

from prsmed.data.schema import KINDS, Conversation, Turn, to_line
from prsmed.position.zones import locate_all

SHAPE = (120, 160)
SPOTS = (np.s_[12:42, 10:45], np.s_[80:100, 120:145], np.s_[58:70, 100:114])
"""Three regions, largest first."""


def write_picture(root: Path, name: str = "a", spots: Sequence[tuple[slice, slice]] = SPOTS) -> None:
    """Write ``name``.png, dark with white spots, and its mask ``name``_mask.png: so that both can be compared."""
    pixels = np.random.default_rng(0).integers(20, 90, SHAPE, dtype=np.uint8)
    mask = np.zeros(SHAPE, dtype=np.uint8)
    for spot in spots:
        pixels[spot] = mask[spot] = 255
    Image.fromarray(pixels).save(root / f"{name}.png")
    Image.fromarray(mask).save(root / f"{name}_mask.png")


def turn(number: int = 0, **changes: object) -> Turn:
    """A turn about the whole mask, absent where said so."""
    plain = Turn(
        f"Where is it, {number}?", f"It is at the top left, {number}.", "polyp", True, (), template="position/1"
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def conversation(number: int = 0, name: str = "a", **changes: object) -> Conversation:
    """A conversation of one turn about ``name``.png."""
    shown = record("polyp_endoscopy", "polyp", image=f"{name}.png", mask=f"{name}_mask.png", dataset="set")
    kinds = {"kind": "position", "turns": (turn(number),), "record": shown}
    return Conversation(id=f"train-{number:05d}", **(kinds | changes))  # type: ignore[arg-type]


def write_talk(path: Path, conversations: Sequence[Conversation]) -> Path:
    path.write_text("".join(to_line(item) + "\n" for item in conversations), encoding="utf-8")
    return path


def one_of_each_kind(name: str = "a") -> list[Conversation]:
    return [conversation(number, name, kind=kind) for number, kind in enumerate(KINDS)]


def positions_of(mask: np.ndarray) -> tuple:
    return locate_all(mask, "box", 0.1)
