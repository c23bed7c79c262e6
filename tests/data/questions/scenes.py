"""Random masks, images that show them, and wordings that leave one template a choice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from hypothesis import strategies as st
from small_set import record

from prsmed.data.questions import Wording, converse_about
from prsmed.data.schema import Kind, Turn
from prsmed.data.shown import Shown
from prsmed.imaging.plane import extract
from prsmed.imaging.volume import Volume
from prsmed.position.zones import locate_all

WORDING = Wording.load()
SIDE = 65
SPACING = (0.8, 2.3)  # (row, col) mm; as wide as a head
ASKED_AS = {"absent": ("position", "absent")}  # mismatched questions are worded as position ones


@st.composite
def masks(draw: st.DrawFn, most: int = 3, least: int = 0) -> np.ndarray:
    """Odd-sized masks of a few rectangles."""
    mask = np.zeros((SIDE, SIDE), dtype=np.uint8)
    for _ in range(draw(st.integers(least, most))):
        top, left = draw(st.integers(0, SIDE - 4)), draw(st.integers(0, SIDE - 4))
        mask[top : top + draw(st.integers(4, 24)), left : left + draw(st.integers(4, 24))] = 1
    return mask


def box(top: int, left: int, rows: int = 8, cols: int = 8) -> np.ndarray:
    mask = np.zeros((SIDE, SIDE), dtype=np.uint8)
    mask[top : top + rows, left : left + cols] = 1
    return mask


def shown(mask: np.ndarray, *, is_slice: bool = False, **changes: object) -> Shown:
    """An image with this mask: a polyp in a picture, or a brain tumour on an axial slice."""
    fields = {} if is_slice else {"modality": "polyp_endoscopy", "target": "polyp"}
    image_slice = None
    if is_slice:
        # Columns run to the patient's left, rows to posterior, as an axial slice is displayed.
        affine = np.diag([-SPACING[1], -SPACING[0], 2.0, 1.0])
        image_slice = extract(Volume(np.zeros((SIDE, SIDE, 1), np.int16), affine, "MR"), "axial", 0)
    positions = locate_all(mask, "box", 0.1)
    return Shown(record(**(fields | changes)), np.zeros_like(mask), mask, positions, image_slice)  # type: ignore[arg-type]


def turns(
    scene: Shown, kind: Kind, seed: int = 0, *, held_out: bool = False, wording: Wording = WORDING
) -> tuple[Turn, ...]:
    """The one conversation of a kind, or ``()``."""
    found = converse_about(scene, wording, np.random.default_rng(seed), kinds=(kind,), held_out=held_out)
    assert [name for name, _ in found] in ([kind], [])
    return found[0][1] if found else ()


def one_at_a_time(kind: Kind) -> Iterator[tuple[Wording, bool]]:
    """For every template of a kind, the wordings with that one alone in its list, and whether it is held out."""
    for leaf, phrases in WORDING.phrases.items():
        if leaf[0] in ASKED_AS.get(kind, (kind,)):
            for phrase in phrases:
                yield replace(WORDING, phrases={**WORDING.phrases, leaf: (phrase,)}), leaf[2] == "held_out"
