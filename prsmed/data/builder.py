"""Fixed conversations for evaluation, written once and read as a stream."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prsmed.data import templates
from prsmed.data.augment import off_center
from prsmed.data.converse import RADIUS, Turn, converse
from prsmed.data.images import cut, fit_square, read_image
from prsmed.data.record import Record, Split
from prsmed.data.sources import INDEX, read_pairs
from prsmed.errors import PRSMedError
from prsmed.position.findings import Position

CONVERSATIONS = "conversations.jsonl"
MANIFEST = "manifest.json"
SIZE = 256
"""Side in pixels of the square the positions are measured in."""
_MISMATCHED = 3 / 7  # mismatched questions a lesion, so that 30 % of both kinds together are absent


@dataclass(frozen=True)
class Conversation:
    """One question of a fixed list.

    Attributes:
        id: Unique in its file, e.g. ``"val-00012"``.
        record: The image asked about.
        turn: Question and true answer.
    """

    id: str
    record: Record
    turn: Turn


def build(root: Path, out: Path, split: Split = "val", seed: int = 0) -> Path:
    """Write the fixed conversations of a split and a manifest beside them.

    Every image with a mask gets a question about its target; 3 of 7 get one about something else too, so that
    30 % of these are absent; every lesion-free image is asked for a lesion. Wordings are the test templates. Crops
    that their publisher centred on the lesion are cut anew, off-centre.

    Args:
        root: Folder of the image sets, see :func:`~prsmed.data.sources.read_pairs`.
        out: Folder to write into; made when it is not there.
        split: ``"val"`` or ``"train"``.
        seed: Another seed draws other names, wordings and images for the mismatched questions.

    Returns:
        Path of ``conversations.jsonl``.

    Raises:
        PRSMedError: What :func:`~prsmed.data.sources.read_pairs` raises, or ``empty_split``.
    """
    records = [record for record in read_pairs(root) if record.split == split]
    if not records:
        raise PRSMedError("empty_split", f"no image of split '{split}' below {root}; add some or name another split")
    conversations = _converse_about(records, root, split, seed)
    out.mkdir(parents=True, exist_ok=True)
    path = out / CONVERSATIONS
    lines = [json.dumps(asdict(conversation), ensure_ascii=False) + "\n" for conversation in conversations]
    path.write_text("".join(lines), encoding="utf-8")
    manifest = {"split": split, "seed": seed, "size": SIZE, "radius": RADIUS, **_describe(conversations)}
    manifest |= {
        "index_sha256": _sha256(root / INDEX),
        "conversations_sha256": _sha256(path),
        "templates_sha256": _sha256(Path(templates.__file__)),
    }
    (out / MANIFEST).write_text(json.dumps(manifest, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def read_conversations(path: Path) -> Iterator[Conversation]:
    """Read what :func:`build` wrote, one line at a time.

    Raises:
        PRSMedError: ``missing_conversations`` or ``bad_conversation``.
    """
    if not path.is_file():
        raise PRSMedError("missing_conversations", f"no file {path}; write it with 'prsmed data build'")
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, start=1):
            try:
                yield _parse(json.loads(line))
            except (ValueError, KeyError, TypeError):
                raise PRSMedError(
                    "bad_conversation",
                    f"line {number} of {path.name} is no conversation; build the file anew",
                ) from None


def _converse_about(records: Sequence[Record], root: Path, split: Split, seed: int) -> list[Conversation]:
    masked = [index for index, record in enumerate(records) if record.mask is not None]
    rng = np.random.default_rng([seed, len(records)])
    mismatched = set(rng.permutation(masked)[: round(_MISMATCHED * len(masked))].tolist())
    conversations: list[Conversation] = []
    for index, record in enumerate(records):
        record, mask = _framed(record, root, np.random.default_rng([seed, index, 1]))
        shares = (0.0, 1.0) if index in mismatched else (0.0,)
        for share in shares:
            turn = _fixed_turn(mask, record, share, len(conversations), np.random.default_rng([seed, index]))
            conversations.append(Conversation(f"{split}-{len(conversations):05d}", record, turn))
    return conversations


def _fixed_turn(mask: NDArray[np.uint8], record: Record, share: float, number: int, rng: np.random.Generator) -> Turn:
    return converse(
        mask,
        record,
        rng,
        absent_share=share,
        templates=templates.TEST_TEMPLATES,
        variant=number,
        varied=False,
    )


def _framed(record: Record, root: Path, rng: np.random.Generator) -> tuple[Record, NDArray[np.uint8]]:
    """The record as it is shown, and its mask in the model's square."""
    image, mask = read_image(record, root)
    box = off_center(mask, record, rng)
    if box is not None:
        record, (image, mask) = replace(record, crop=box), cut(image, mask, box)
    return record, fit_square(image, mask, SIZE)[1]


def _describe(conversations: Sequence[Conversation]) -> dict[str, Any]:
    counts: dict[str, dict[str, dict[str, int]]] = {}
    for item in conversations:
        by_target = counts.setdefault(item.record.modality, {}).setdefault(
            item.turn.target, {"present": 0, "absent": 0}
        )
        by_target["present" if item.turn.present else "absent"] += 1
    licences = {(item.record.dataset, item.record.licence) for item in conversations}
    return {
        "conversations": len(conversations),
        "images": len({item.record.image for item in conversations}),
        "absent": sum(not item.turn.present for item in conversations),
        "counts": counts,
        "licences": dict(sorted(licences)),
    }


def _parse(line: dict[str, Any]) -> Conversation:
    turn = line["turn"]
    positions = tuple(Position(**position) for position in turn["positions"])
    crop = line["record"].get("crop")
    record = Record(**{**line["record"], "crop": None if crop is None else tuple(crop)})
    return Conversation(line["id"], record, Turn(**{**turn, "positions": positions}))


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
