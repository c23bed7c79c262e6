"""`host`: one Slicer core with Qt a process, with an empty scene for each test.

Use: `from slicer_fixtures import host, slice_view, slicer_host  # noqa: F401` in a `conftest.py`.
"""

from __future__ import annotations

import functools
import os
import subprocess
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
    os.environ["VTK_DEFAULT_OPENGL_WINDOW"] = "vtkEGLRenderWindow"
    for module in ("slicer", "PySide6.QtWidgets"):
        pytest.importorskip(module, reason=f"{module} cannot be imported here", exc_type=ImportError)
    from host import running

    return running()


@functools.cache
def _can_draw() -> bool:
    """Whether OpenGL draws off screen here, tried in a process of its own: without drivers VTK may end the process."""
    draw = "import vtk; w = vtk.vtkRenderWindow(); w.SetOffScreenRendering(1); w.Render(); assert w.SupportsOpenGL()"
    return subprocess.run([sys.executable, "-c", draw], capture_output=True, timeout=120).returncode == 0


@pytest.fixture
def slice_view(host: Any) -> Any:
    """`host.sliceView`, where this machine can draw."""
    if not _can_draw():
        pytest.skip(
            "nothing can be drawn off screen here: EGL and Mesa's drivers are missing (scripts/test installs them)"
        )
    return host.sliceView


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
