"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import IO

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


def write_whole(content: bytes, target: Path) -> None:
    """Write a file so that a reader sees all of it or what was there before, whenever the process is killed."""
    with staged(target.parent, lambda part: part.write(content)) as part:
        os.replace(part, target)


@contextmanager
def staged(folder: Path, write: Callable[[IO[bytes]], object]) -> Iterator[Path]:
    """A file, whole and on the disk, for the block to move to its place in ``folder``; else it is deleted."""
    with tempfile.NamedTemporaryFile(dir=folder, prefix=_PART, delete=False) as part:
        path = Path(part.name)
        try:
            write(part)
            part.flush()
            os.fsync(part.fileno())
            os.chmod(path, 0o644)
            yield path
        finally:
            path.unlink(missing_ok=True)


def staged_copy(source: Path, folder: Path) -> AbstractContextManager[Path]:
    """:func:`staged` with the content of another file."""

    def copy(part: IO[bytes]) -> None:
        with source.open("rb") as file:
            shutil.copyfileobj(file, part)

    return staged(folder, copy)
