"""`host`: one Slicer core with Qt a process, with an empty scene for each test.

Use: `from slicer_fixtures import host, slicer_host  # noqa: F401` in a `conftest.py`.
"""

from __future__ import annotations

import os
import sys
import threading
import traceback
from collections.abc import Iterator
from typing import Any

import pytest


@pytest.fixture(scope="session")
def slicer_host() -> Any:
    """The application of this process, started when the first test asks for it."""
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    os.environ.pop("DISPLAY", None)
    for module in ("slicer", "PySide6.QtWidgets"):
        pytest.importorskip(module, reason=f"{module} cannot be imported here", exc_type=ImportError)
    from host import Host

    return Host()


@pytest.fixture
def host(slicer_host: Any) -> Iterator[Any]:
    """An application without modules and nodes; what goes wrong in slots, observers or threads fails the test."""

    def unseen(kind: Any, error: Any, trace: Any, *_: Any) -> None:
        slicer_host.errors.append("".join(traceback.format_exception(kind, error, trace)))

    slicer_host.reset()
    slicer_host.takeErrors()
    hooks = sys.excepthook, threading.excepthook
    sys.excepthook = unseen
    threading.excepthook = lambda given: unseen(given.exc_type, given.exc_value, given.exc_traceback)
    try:
        yield slicer_host
        slicer_host.reset()
    finally:
        sys.excepthook, threading.excepthook = hooks
    errors = slicer_host.takeErrors()
    assert not errors, "unseen errors:\n" + "\n".join(errors)
