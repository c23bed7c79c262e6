"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def can_write(folder: Path) -> bool:
    """Whether a file can be made in ``folder``."""
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix="."):
            return True
    except OSError:
        return False


def copy_whole(source: Path, target: Path) -> None:
    """Copy a file; :func:`write_whole`."""
    write_whole(source.read_bytes(), target)


def write_whole(content: bytes, target: Path) -> None:
    """Write a file so that a reader sees all of it or what was there before, whenever the process is killed."""
    with tempfile.NamedTemporaryFile(dir=target.parent, prefix=".part-", delete=False) as part:
        try:
            part.write(content)
            part.flush()
            os.fsync(part.fileno())
            os.chmod(part.name, 0o644)
            os.replace(part.name, target)
        except BaseException:
            Path(part.name).unlink(missing_ok=True)
            raise
