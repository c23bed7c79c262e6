"""Folders that files are written into: may one, and what was left half."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from prsmed.files import PART

# Another process may be writing right now.
_STALE_SECONDS = 3600


def can_write(folder: Path) -> bool:
    """Whether a file can be made in ``folder``."""
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix="."):
            return True
    except OSError:
        return False


def sweep_parts(folder: Path) -> None:
    """Delete what a process that was killed had begun to write, below ``folder``."""
    for part in folder.rglob(f"{PART}*"):
        if time.time() - part.stat().st_mtime > _STALE_SECONDS:
            part.unlink(missing_ok=True)
