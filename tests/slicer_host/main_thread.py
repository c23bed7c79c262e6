"""Widgets and the scene belong to the main thread; whoever touches them from another is told, and the test fails."""

from __future__ import annotations

import threading

# What was touched from a wrong thread; the `host` fixture fails the test when there is anything here.
violations: list[str] = []


class WrongThread(RuntimeError):
    """A widget or the scene was touched outside the main thread; in Slicer this crashes, sometimes."""


def check(what: str) -> None:
    """Raise `WrongThread` unless this is the main thread."""
    if threading.current_thread() is not threading.main_thread():
        violations.append(f"{what} touched from thread {threading.current_thread().name!r}")
        raise WrongThread(violations[-1])
