"""Images that are no picture file: inside a MATLAB or JSON file (``FILE#MEMBER``), or raw numbers without a header."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prsmed.data.run_length import decode
from prsmed.errors import PRSMedError

CHENG_IMAGE, CHENG_MASK = "cjdata/image", "cjdata/tumorMask"
_INSIDE = re.compile(r"(.+\.(?:mat|jsonl?))#(.+)", re.IGNORECASE)
_JSRT_SIDE, _JSRT_LAST = 2048, 4095


def is_member(path: str) -> bool:
    """Whether a record's path needs :func:`read_member`."""
    return _INSIDE.fullmatch(path) is not None or path.lower().endswith(".img")


def read_member(root: Path, path: str) -> NDArray[np.generic]:
    """Read one image.

    Args:
        root: Data folder.
        path: ``x.mat#cjdata/image``: a matrix of a MATLAB 7.3 file; ``x.json#3/1/0``: the run-length mask of entry 3,
            turn 1, target 0, black and white; ``x.IMG``: a radiograph of JSRT (2048 x 2048, 12 bit), dark lungs.

    Returns:
        ``(rows, cols)`` numbers as stored.

    Raises:
        PRSMedError: ``missing_package``.
        OSError: The file is not there or is damaged.
        KeyError, ValueError, TypeError: It holds no such image.
    """
    inside = _INSIDE.fullmatch(path)
    if inside is None:
        return _jsrt(root / path)
    file, member = root / inside[1], inside[2]
    if file.suffix.lower() == ".mat":
        with _h5py().File(file, "r") as content:
            return np.asarray(content[member]).T  # MATLAB stores columns first
    entry, turn, target = (int(part) for part in member.split("/"))
    return decode(read_entries(file)[entry]["turns"][turn]["targets"][target]["rle"]) * np.uint8(255)


def read_patient(path: Path) -> str:
    """The patient's id of a file of Cheng's set.

    Raises:
        PRSMedError: ``missing_package``, or ``unreadable_image`` when the file is damaged or lacks a part.
    """
    h5py = _h5py()
    try:
        with h5py.File(path, "r") as content:
            if content[CHENG_IMAGE].shape != content[CHENG_MASK].shape:
                raise ValueError
            return "".join(chr(int(code)) for code in np.asarray(content["cjdata/PID"]).ravel())
    except (OSError, KeyError, ValueError, AttributeError) as error:
        raise PRSMedError("unreadable_image", f"{path.name} is no complete file of the set; copy it anew") from error


def read_entries(path: Path) -> list[Any]:
    """The entries of a JSON list, or of one JSON value a line.

    Raises:
        OSError, ValueError: It cannot be read.
    """
    return _entries(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=2)
def _entries(path: Path, changed: int) -> list[Any]:
    text = path.read_text(encoding="utf-8")
    if path.suffix.lower() == ".jsonl":
        return [_line(line) for line in text.splitlines()]
    entries = json.loads(text)
    return entries if isinstance(entries, list) else [entries]


def _line(line: str) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        return None  # one bad line must not cost the others


def _jsrt(path: Path) -> NDArray[np.generic]:
    values = np.fromfile(path, dtype=">u2").astype(np.int32)
    # High numbers are dense film, which is black.
    return _JSRT_LAST - values.reshape(_JSRT_SIDE, _JSRT_SIDE)


def _h5py() -> Any:
    try:
        import h5py
    except ImportError:
        raise PRSMedError(
            "missing_package", "MATLAB files need the package h5py; install it with: pip install 'prsmed[matlab]'"
        ) from None
    return h5py
