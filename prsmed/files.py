"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import IO

PART = ".part-"
"""What the name of a file begins with that is being written."""


def write_whole(content: bytes, target: Path) -> None:
    """Write a file so that a reader sees all of it or what was there before, whenever the process is killed."""
    with staged(target.parent, lambda part: part.write(content)) as part:
        os.replace(part, target)


@contextmanager
def staged(folder: Path, write: Callable[[IO[bytes]], object]) -> Iterator[Path]:
    """A file, whole and on the disk, for the block to move to its place in ``folder``; else it is deleted."""
    with tempfile.NamedTemporaryFile(dir=folder, prefix=PART, delete=False) as part:
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


def append_line(line: str, target: Path) -> None:
    """Add a line to a file and wait until it is on the disk; what a kill left of another stays a line of its own."""
    with target.open("ab+") as file:
        if file.tell():
            file.seek(-1, os.SEEK_END)
            line = line if file.read(1) == b"\n" else f"\n{line}"
        file.write(f"{line}\n".encode())
        file.flush()
        os.fsync(file.fileno())


def sync(folder: Path) -> None:
    """Wait until a folder's files, and which files those are, are on the disk."""
    for path in (*(path for path in folder.iterdir() if path.is_file()), folder):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
