"""`slicer.app`, its main window, and what `slicer.modules` holds."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pythonqt
import slicer
from files_io import CoreIOManager
from layout import LayoutManager
from PySide6 import QtCore, QtWidgets

pythonqt.install()


class Module:
    """A module as `slicer.modules.<name>` shows it."""

    def __init__(self, name: str, logic: Any = None, path: str = "", widget: Any = None) -> None:
        self.name, self.path, self._logic, self._widget = name, path, logic, widget
        self.title = name

    def logic(self) -> Any:
        return self._logic

    def widgetRepresentation(self) -> Any:
        return self._widget


class ModuleManager(QtCore.QObject):
    """Finds modules by name."""

    def module(self, name: str) -> Any:
        return getattr(slicer.modules, name.lower(), None)


class ModuleSelector:
    """Which module is shown; a scripted one is entered and left, as in Slicer."""

    def __init__(self) -> None:
        self.selectedModule = ""

    def selectModule(self, name: str) -> None:
        if not slicer.app.moduleManager().module(name):
            raise RuntimeError(f"no module {name!r}")
        for which, call in ((self.selectedModule, "exit"), (name, "enter")):
            widget = getattr(slicer.modules, f"{which}Widget", None)
            if widget is not None:
                widget.parent._isEntered = call == "enter"
            getattr(widget, call, lambda: None)()
        self.selectedModule = name


class MainWindow(QtWidgets.QMainWindow):
    """Never shown; holds the status bar and the choice of module."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("qSlicerMainWindow")
        self._selector = ModuleSelector()

    def moduleSelector(self) -> ModuleSelector:
        return self._selector


class Application(QtWidgets.QApplication):
    """Slicer's application object on PySide6, without a screen."""

    startupCompleted = QtCore.Signal()
    majorVersion, minorVersion, revision = 5, 12, "0"

    def __init__(self) -> None:
        super().__init__(["Slicer"])
        self._folder = tempfile.TemporaryDirectory(prefix="slicer-host-")
        QtCore.QSettings.setDefaultFormat(QtCore.QSettings.IniFormat)
        QtCore.QSettings.setPath(QtCore.QSettings.IniFormat, QtCore.QSettings.UserScope, self._folder.name)
        QtWidgets.QApplication.setOrganizationName("slicer-host")
        QtWidgets.QApplication.setApplicationName("Slicer")
        QtWidgets.QApplication.setApplicationVersion("5.12.4")
        self._settings = QtCore.QSettings()
        self._io = CoreIOManager()
        self._scene = slicer.vtkMRMLScene()
        # Scenes in one file are unpacked into a cache.
        self._cache, self._dataIO = slicer.vtkCacheManager(), slicer.vtkDataIOManager()
        self._cache.SetRemoteCacheDirectory(self._folder.name)
        self._dataIO.SetCacheManager(self._cache)
        self._scene.SetCacheManager(self._cache)
        self._scene.SetDataIOManager(self._dataIO)
        self._logic = slicer.vtkSlicerApplicationLogic()
        self._logic.SetMRMLScene(self._scene)
        self._logic.SetTemporaryPath(self._folder.name)
        self._layout = LayoutManager(self._logic, self._scene)
        self._modules = ModuleManager()
        self._testing, self._processed = False, 0

    @property
    def temporaryPath(self) -> str:
        return str(Path(self._folder.name))

    def mrmlScene(self) -> Any:
        return self._scene

    def applicationLogic(self) -> Any:
        return self._logic

    def settings(self) -> Any:
        return self._settings

    userSettings = settings

    def layoutManager(self) -> LayoutManager:
        return self._layout

    def coreIOManager(self) -> CoreIOManager:
        return self._io

    ioManager = coreIOManager

    def moduleManager(self) -> ModuleManager:
        return self._modules

    def testingEnabled(self) -> bool:
        return self._testing

    def processEvents(self, *arguments: Any) -> None:
        """Counted: a panel that pumps events by itself is entered again while it works."""
        self._processed += 1
        super().processEvents(*arguments)

    def pauseRender(self) -> None:
        self._logic.PauseRender()

    def resumeRender(self) -> None:
        self._logic.ResumeRender()
