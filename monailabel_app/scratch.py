"""The server's own temporary folder: uploads, masks on their way out, copies of series."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

_PREFIX = "prsmed-server-"


class Scratch:
    """A private temporary folder that goes with the process.

    A server that was killed leaves its folder; the next one sweeps it away.
    """

    def __init__(self) -> None:
        _sweep(Path(tempfile.gettempdir()))
        self._folder = tempfile.TemporaryDirectory(prefix=f"{_PREFIX}{os.getpid()}-")
        self.path = Path(self._folder.name)

    def file(self, extension: str) -> Path:
        """A new empty file."""
        handle, name = tempfile.mkstemp(dir=self.path, suffix=extension)
        os.close(handle)
        return Path(name)

    def close(self) -> None:
        """Delete it."""
        self._folder.cleanup()


def _sweep(folder: Path) -> None:
    for left in folder.glob(f"{_PREFIX}*-*"):
        pid = left.name.removeprefix(_PREFIX).partition("-")[0]
        if pid.isdigit() and not _is_running(int(pid)):
            shutil.rmtree(left, ignore_errors=True)


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
