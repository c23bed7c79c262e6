"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

_PART = ".part-"
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
    for part in folder.rglob(f"{_PART}*"):
        if time.time() - part.stat().st_mtime > _STALE_SECONDS:
            part.unlink(missing_ok=True)


def copy_whole(source: Path, target: Path) -> None:
    """Copy a file; :func:`write_whole`."""
    write_whole(source.read_bytes(), target)


def write_whole(content: bytes, target: Path) -> None:
    """Write a file so that a reader sees all of it or what was there before, whenever the process is killed."""
    with tempfile.NamedTemporaryFile(dir=target.parent, prefix=_PART, delete=False) as part:
        try:
            part.write(content)
            part.flush()
            os.fsync(part.fileno())
            os.chmod(part.name, 0o644)
            os.replace(part.name, target)
        except BaseException:
            Path(part.name).unlink(missing_ok=True)
            raise
