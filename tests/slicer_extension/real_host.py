"""`host` inside a real Slicer: the same hands for the same tests. Not tried: it needs a Slicer."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest


class RealHost:
    """What :class:`host.Host` offers to tests, done by the application."""

    def __init__(self) -> None:
        import slicer

        self.answers: list[str] = []
        self.boxes: list[Any] = []
        self.errors: list[str] = []
        slicer.util.confirmYesNoDisplay = self._answer

    @property
    def selectedModule(self) -> str:
        import slicer

        return str(slicer.util.moduleSelector().selectedModule)

    def loadModule(self, path: Path) -> Any:
        import slicer

        slicer.util.selectModule(path.stem)
        return slicer.util.getModuleWidget(path.stem)

    def pump(self, until: Callable[[], Any], timeout: float = 10.0) -> Any:
        end = time.monotonic() + timeout
        while not (result := until()):
            if time.monotonic() > end:
                raise TimeoutError(f"{until} did not hold within {timeout} s")
            self.step()
        return result

    def step(self) -> None:
        import slicer

        slicer.app.processEvents()

    def screenshot(self, panel: Any, path: Path, width: int = 0) -> None:
        panel.parent.grab().save(str(path))

    def closeScene(self) -> None:
        import slicer

        slicer.mrmlScene.Clear()
        self.step()

    def _answer(self, text: str, windowTitle: str = "", parent: Any = None, **options: Any) -> bool:
        self.boxes.append(SimpleNamespace(text=text))
        return self.answers.pop(0) == "Yes"


@pytest.fixture
def host() -> Iterator[RealHost]:
    """The running Slicer with an empty scene."""
    real = RealHost()
    real.closeScene()
    yield real
    real.closeScene()
