"""What a user does with the panel."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from panel_paths import MODULE


class Driver:
    """The panel of one test, and the hands on it."""

    def __init__(self, host: Any) -> None:
        self.host = host
        self.panel = host.loadModule(MODULE / "PRSMed.py")
        self.ui = self.panel.ui

    @property
    def isBusy(self) -> bool:
        return bool(self.panel.logic.consultation.isBusy)

    def connect(self, address: str, key: str = "", timeout: float = 60) -> str:
        """Connect, and what the panel says then."""
        self.ui.addressLineEdit.text, self.ui.tokenLineEdit.text = address, key
        self.ui.connectButton.click()
        self.host.pump(lambda: not self.ui.serverStatusLabel.text.startswith("Connecting"), timeout)
        return str(self.ui.serverStatusLabel.text)

    def sample(self, name: str, align: bool = True) -> Any:
        """A phantom, chosen and shown."""
        import slicer

        from PRSMedPanel.sampleData import loadSample

        volume = loadSample(name)
        self.panel.chooseVolume(volume)
        if align:
            self.show(volume, slicer.util.arrayFromVolume(volume).shape[0] // 2)
        return volume

    def show(self, volume: Any, k: int, view: str = "Red") -> None:
        """Let a view show slice K of a volume."""
        import slicer

        from PRSMedLib import views

        node = slicer.app.layoutManager().sliceWidget(view).mrmlSliceNode()
        node.RotateToVolumePlane(volume)
        i, j, _k = volume.GetImageData().GetDimensions()
        views.jumpTo(volume, (i / 2, j / 2, k))

    def type(self, question: str) -> None:
        self.ui.questionTextEdit.plainText = question

    def press_ask(self) -> float:
        """Seconds until the panel reacts again."""
        began = time.perf_counter()
        self.ui.askButton.click()
        self.host.step()
        return time.perf_counter() - began

    def ask(self, question: str, timeout: float = 120) -> Any:
        """Ask, wait for the end, and the turn."""
        self.type(question)
        self.press_ask()
        self.wait(timeout)
        return self.turns[-1]

    def wait(self, timeout: float = 120) -> None:
        self.host.pump(lambda: not self.isBusy, timeout)

    @property
    def turns(self) -> Any:
        return self.panel.logic.consultation.current(self.panel.volumeNode).turns

    def know(self, volume: Any, **source: str) -> None:
        """Let the panel believe that the server has a volume."""
        from PRSMedLib import volumes

        consultation = self.panel.logic.consultation
        consultation.known.remember(volume, consultation.server, source, volumes.stamp(volume))

    def study(self, volume: Any) -> Any:
        """What the server knows a volume by."""
        consultation = self.panel.logic.consultation
        return consultation.known.study(volume, consultation.server)

    @property
    def said(self) -> str:
        """What stands under the question box."""
        return str(self.ui.askStatusLabel.text)

    @property
    def page(self) -> str:
        return str(self.ui.conversationBrowser.toPlainText())

    def picture(self, path: Path, height: int | None = None) -> None:
        self.host.screenshot(self.panel, path, width=460, height=height)
