"""What DICOM has no attribute for, kept in an object as JSON: a private element, which archives store as it is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pydicom.dataset import Dataset

_GROUP, _CREATOR, _ELEMENT = 0x0071, "PRS-MED", 0x01


def attach_note(dataset: Dataset, note: Mapping[str, Any]) -> None:
    """Keep ``note`` (JSON) in an object, in place of an earlier one."""
    block = dataset.private_block(_GROUP, _CREATOR, create=True)
    if _ELEMENT in block:
        del block[_ELEMENT]
    block.add_new(_ELEMENT, "UT", json.dumps(note, default=str))


def read_note(dataset: Dataset) -> dict[str, Any]:
    """The note of an object; ``{}`` for one of other software."""
    try:
        value = dataset.private_block(_GROUP, _CREATOR)[_ELEMENT].value
    except KeyError:
        return {}
    # An archive that stores without types hands back bytes.
    text = value.decode() if isinstance(value, bytes) else str(value)
    try:
        note = json.loads(text.rstrip("\0 "))
    except ValueError:
        return {}
    return note if isinstance(note, dict) else {}
