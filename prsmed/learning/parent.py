"""A child process that does not outlive its parent, however that one ends."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
import time

_SET_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of Linux
_LOOK_SECONDS = 1.0


def die_with(parent: int) -> None:
    """End this process when the one with the id ``parent`` ends, also when that was killed.

    On Linux the kernel sees to it at once; everywhere a thread looks every second. The parent must have started this
    process from a thread that lives as long as it is to live: for Linux that thread is the parent.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)
    _end_without(parent)
    threading.Thread(target=_watch, args=(parent,), name="parent", daemon=True).start()


def _watch(parent: int) -> None:
    while True:
        time.sleep(_LOOK_SECONDS)
        _end_without(parent)


def _end_without(parent: int) -> None:
    if os.getppid() != parent:
        os._exit(1)
