"""A conversation together with what it is about: pixels and a mask for each turn, as they are or varied."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from prsmed.data.augment import change_tones, change_view
from prsmed.data.images import SIDE, in_square, look
from prsmed.data.questions import Wording, converse_about
from prsmed.data.schema import KINDS, Conversation, Turn
from prsmed.data.shown import Shown
from prsmed.errors import PRSMedError
from prsmed.position.zones import locate_all, regions

Bytes = NDArray[np.uint8]


@dataclass(frozen=True)
class Item:
    """What a model learns from one conversation of T turns.

    Attributes:
        pixels: ``(size, size, 3)`` uint8 image in the model's square.
        masks: ``(T, size, size)`` uint8, 1 where that is which a turn is about; all 0 where it is absent.
        conversation: What is said, true of these pixels.
    """

    pixels: Bytes
    masks: Bytes
    conversation: Conversation


def make_item(conversation: Conversation, root: Path, size: int) -> Item:
    """Show a conversation's image as it is.

    Args:
        conversation: What is said.
        root: Folder its record's paths are relative to.
        size: Side of the model's square in pixels.

    Raises:
        PRSMedError: What :func:`~prsmed.data.images.look` raises; ``bad_conversation`` when it is about a region that
            the mask does not have.
    """
    return _fit(look(conversation.record, root), conversation, size)


def make_varied_item(
    conversation: Conversation, root: Path, size: int, wording: Wording, rng: np.random.Generator
) -> Item:
    """Vary a conversation's image, and say what is true of the varied one.

    Questions whose answer may change with the view are drawn and answered anew, of the same kind, from the moved mask.
    The view stays when that kind no longer applies, when the target has left the picture, and when the words are not
    ours to write: edited by a reader, or released with the images. Tones are varied always.

    Args:
        conversation: What is said about the image as it is.
        root: Folder its record's paths are relative to.
        size: Side of the model's square in pixels.
        wording: What questions are drawn from.
        rng: Where every choice is drawn from.

    Raises:
        PRSMedError: As :func:`make_item`.
    """
    shown = look(conversation.record, root)
    seen = change_view(shown, rng)
    turns = _ask_again(seen, conversation, wording, rng) if seen.mask.any() == shown.mask.any() else None
    if turns is not None:
        shown, conversation = seen, replace(conversation, turns=turns)
    shown = replace(shown, pixels=change_tones(shown.pixels, shown.record, rng))
    return _fit(shown, conversation, size)


def _ask_again(
    seen: Shown, conversation: Conversation, wording: Wording, rng: np.random.Generator
) -> tuple[Turn, ...] | None:
    """Turns of the same kind about another view; ``None`` when there are none."""
    if not _is_ours(conversation):
        return None
    if conversation.kind == "absent":
        return conversation.turns
    mask = in_square(seen, SIDE)[1]
    seen = replace(seen, positions=locate_all(mask, conversation.rule, conversation.radius))
    is_held_out = conversation.record.split != "train"
    found = converse_about(seen, wording, rng, kinds=(conversation.kind,), held_out=is_held_out)
    return found[int(rng.integers(len(found)))][1] if found else None


def _is_ours(conversation: Conversation) -> bool:
    """Whether every word was written by a template, and no reader has changed one."""
    if conversation.review is not None and conversation.review.verdict == "edited":
        return False
    return all(turn.template.split("/")[0] in (*KINDS, "user") for turn in conversation.turns)


def _fit(shown: Shown, conversation: Conversation, size: int) -> Item:
    pixels, mask = in_square(shown, size)
    masks = [_mask_of(turn, mask, shown, conversation.id) for turn in conversation.turns]
    return Item(pixels, np.stack(masks), conversation)


def _mask_of(turn: Turn, mask: Bytes, shown: Shown, name: str) -> Bytes:
    if not turn.present:
        return np.zeros_like(mask)
    if turn.regions is None:
        return mask
    labels, count = _numbered(in_square(shown, SIDE)[1])
    if any(region >= count for region in turn.regions):
        raise PRSMedError(
            "bad_conversation",
            f"{name} is about region {max(turn.regions)}, its mask has 0..{count - 1}; build the file anew",
        )
    is_asked = np.isin(_resized(labels, len(mask)), [region + 1 for region in turn.regions])
    return mask * is_asked


def _numbered(mask: Bytes) -> tuple[NDArray[np.intp], int]:
    """The number of every pixel's region, from 1, specks one more, 0 outside; and how many regions count."""
    found = regions(mask)
    labels = (mask > 0).astype(np.intp) * (len(found) + 1)
    for number, region in enumerate(found, start=1):
        labels[region] = number
    return labels, len(found)


def _resized(labels: NDArray[np.intp], size: int) -> NDArray[np.intp]:
    """Labels at another size, without gaps.

    Regions are numbered in the square that positions are measured in. At another size they may touch or part, so
    there a pixel belongs to the nearest region of that square.
    """
    if size == len(labels):
        return labels
    nearest = ndimage.distance_transform_edt(labels == 0, return_distances=False, return_indices=True)
    place = (np.arange(size) * 2 + 1) * len(labels) // (2 * size)
    filled: NDArray[np.intp] = labels[tuple(nearest)][np.ix_(place, place)]
    return filled
