"""The conversations about one image: everything drawn hangs on the seed and on what the record shows, nothing else."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from prsmed.data.augment import off_center
from prsmed.data.converse import RADIUS
from prsmed.data.images import look
from prsmed.data.questions import Wording, converse_about
from prsmed.data.record import Record
from prsmed.data.schema import Conversation, Kind
from prsmed.data.shown import Shown
from prsmed.position.zones import Rule

RULE: Rule = "box"
"""Position rule of every conversation that is built."""
_MISMATCHED = 3 / 7  # mismatched questions a lesion, so that 30 % of both kinds together are absent
_PURPOSES = ("frame", "mismatch", "words")


def interview(
    record: Record, root: Path, wording: Wording, kinds: Sequence[Kind], seed: int
) -> tuple[Conversation, ...]:
    """Ask about one image.

    An image with its target gets one conversation of each kind that applies, and in 3 of 7 cases one about something
    else; an image without it is asked for it. Images outside the training split are asked in the held-out wordings.
    Crops that their publisher centred on the lesion are cut anew, off-centre. A kind's conversations are the same
    whichever others are asked for.

    Args:
        record: The image.
        root: Folder its paths are relative to.
        wording: Templates.
        kinds: What to ask.
        seed: Another seed draws other names, wordings, frames, and images for the mismatched questions.

    Raises:
        PRSMedError: What :func:`~prsmed.data.images.read_image` raises.
    """
    key = key_of(record)
    shown = _framed(record, root, _stream(seed, key, "frame"))
    asks_absent = not shown.mask.any() or _stream(seed, key, "mismatch").random() < _MISMATCHED
    rounds = converse_about(
        shown,
        wording,
        _stream(seed, key, "words"),
        kinds=[kind for kind in kinds if kind != "absent" or asks_absent],
        held_out=record.split != "train",
    )
    return tuple(
        Conversation(f"{record.split}-{key}-{kind}", kind, shown.record, turns, RULE, RADIUS) for kind, turns in rounds
    )


def key_of(record: Record) -> str:
    """16 hex digits that name what a record shows: image, slice, crop and target, wherever the split puts it."""
    masks = (record.mask, *record.more_masks)
    parts = (record.image, *masks, record.plane, record.slice, record.crop, record.target, record.labels)
    return hashlib.sha256("\0".join(map(str, parts)).encode()).hexdigest()[:16]


def _framed(record: Record, root: Path, rng: np.random.Generator) -> Shown:
    shown = look(record, root)
    box = off_center(shown.mask, record, rng)
    return shown if box is None else look(replace(record, crop=box), root)


def _stream(seed: int, key: str, purpose: str) -> np.random.Generator:
    return np.random.default_rng([seed, int(key, 16), _PURPOSES.index(purpose)])
