"""One Slicer without its window in this process: the real core, stand-ins around it, what tests do with it."""

from __future__ import annotations

import functools
import importlib.util
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import boxes
import main_thread
import slicer
import vtk

slicer.__path__.append(str(Path(__file__).parent / "slicer_package"))

import application  # noqa: E402
import qt  # noqa: E402
import segment_editor  # noqa: E402
import shiboken6  # noqa: E402
from PySide6 import QtCore, QtWidgets  # noqa: E402
from SampleData import SampleDataLogic  # noqa: E402

LOGICS = {
    "Volumes": "vtkSlicerVolumesLogic",
    "Segmentations": "vtkSlicerSegmentationsModuleLogic",
    "Colors": "vtkSlicerColorLogic",
    "Terminologies": "vtkSlicerTerminologiesModuleLogic",
    "SubjectHierarchy": "vtkSlicerSubjectHierarchyModuleLogic",
    "Transforms": "vtkSlicerTransformLogic",
    "Markups": "vtkSlicerMarkupsLogic",
    "Texts": "vtkSlicerTextsLogic",
    "Units": "vtkSlicerUnitsLogic",
}


class _Slicer(ModuleType):
    """`slicer` whose scene and application are for the main thread only."""

    @property
    def mrmlScene(self) -> Any:
        main_thread.check("slicer.mrmlScene")
        return self.__dict__["_app"].mrmlScene()

    @property
    def app(self) -> Any:
        main_thread.check("slicer.app")
        return self.__dict__["_app"]


class Host:
    """The running application; `host` in tests."""

    boxes, answers = boxes.shown, boxes.answers
    registered = SampleDataLogic.registered

    def __init__(self) -> None:
        self.errors: list[str] = []
        self.loaded: list[Any] = []
        slicer.__dict__["_app"] = application.Application()
        slicer.__class__ = _Slicer
        slicer.modules, slicer.selfTests = SimpleNamespace(), {}
        for name, cls in qt.WIDGETS.items():
            if name.startswith(("qMRML", "qSlicer")):
                setattr(slicer, name, cls)
        slicer.qSlicerScriptedLoadableModule = ScriptedModule
        self.mainWindow = application.MainWindow()
        vtk.vtkObject.GlobalWarningDisplayOff()  # the core comes without the files of colours and terminologies
        for name, cls in LOGICS.items():
            logic = getattr(slicer, cls)()
            logic.SetMRMLApplicationLogic(slicer.app.applicationLogic())
            logic.SetMRMLScene(slicer.mrmlScene)
            slicer.app.applicationLogic().SetModuleLogic(name, logic)
            setattr(slicer.modules, name.lower(), application.Module(name, logic))
        vtk.vtkObject.GlobalWarningDisplayOn()
        slicer.app.applicationLogic().SetColorLogic(slicer.modules.colors.logic())
        slicer.modules.segmenteditor = application.Module("SegmentEditor", widget=segment_editor.panel())
        QtCore.qInstallMessageHandler(self._qtSays)

    @property
    def selectedModule(self) -> str:
        return str(self.mainWindow.moduleSelector().selectedModule)

    @property
    def processEventsCount(self) -> int:
        return int(slicer.app._processed)

    def setTestingEnabled(self, testing: bool) -> None:
        slicer.app._testing = testing

    def loadModule(self, path: Path | str) -> Any:
        """Import a scripted module's file, build its panel and choose it; returns its `…Widget` object."""
        path = Path(path)
        name = path.stem
        if str(path.parent) not in sys.path:
            sys.path.insert(0, str(path.parent))
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        source = sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(source)
        module = ScriptedModule(name, path=str(path), widget=slicer.qSlicerScriptedLoadableModuleWidget())
        setattr(slicer.modules, name.lower(), module)
        getattr(source, name)(module)
        slicer.app.startupCompleted.emit()
        slicer.app.disconnect("startupCompleted()")  # it starts but once
        parent = module.widgetRepresentation()
        parent.setMRMLScene(slicer.mrmlScene)
        widget = parent._module = getattr(source, f"{name}Widget")(parent)
        setattr(slicer.modules, f"{name}Widget", widget)
        self.loaded.append(widget)
        widget.setup()
        slicer.util.selectModule(name)
        parent.show()
        return widget

    def pump(self, until: Callable[[], Any] = lambda: False, timeout: float = 10.0) -> Any:
        """Run Qt's events until a condition holds; returns what it gave. `TimeoutError` when it never does."""
        end = time.monotonic() + timeout
        while not (result := until()):
            if time.monotonic() > end:
                raise TimeoutError(f"{until} did not hold within {timeout} s; errors: {self.errors}")
            self.step()
            time.sleep(0.002)
        return result

    def step(self) -> None:
        """Run the events that wait now."""
        QtWidgets.QApplication.processEvents()
        QtCore.QCoreApplication.sendPostedEvents(None, int(QtCore.QEvent.DeferredDelete.value))

    def screenshot(self, widget: Any, path: Path | str, width: int = 420, height: int | None = None) -> None:
        """Write a picture (PNG) of a panel, `width` pixels wide and as high as it wants to be."""
        widget = getattr(widget, "parent", widget) if not isinstance(widget, QtWidgets.QWidget) else widget
        self.step()
        widget.resize(width, height or max(widget.sizeHint.height(), widget.heightForWidth(width)))
        self.step()
        if not widget.grab().save(str(path)):
            raise OSError(f"could not write {path}")

    def sliceView(self, name: str, path: Path | str | None = None, width: int = 256, height: int = 256) -> Any:
        """Pixels of a slice view, uint8 `[height, width, 3]`, row 0 at the top; written as PNG when a path is given."""
        from slice_picture import draw

        return draw(slicer.app.layoutManager().sliceWidget(name).sliceLogic(), width, height, path)

    def closeScene(self) -> None:
        """As a user closes the scene."""
        slicer.mrmlScene.Clear(False)
        self.step()

    def reset(self) -> None:
        """Leave modules as the application does at its end, and empty the scene, the settings and what was recorded."""
        for widget in reversed(self.loaded):
            if self.selectedModule == widget.moduleName:
                widget.exit()
            widget.cleanup()
            self.mainWindow.moduleSelector().selectedModule = ""
            if shiboken6.isValid(widget.parent):
                widget.parent.delete()
            for attribute in (widget.moduleName.lower(), f"{widget.moduleName}Widget"):
                slicer.modules.__dict__.pop(attribute, None)
            sys.modules.pop(widget.moduleName, None)
        self.loaded.clear()
        for node in slicer.util.getNodesByClass("vtkMRMLScriptedModuleNode"):
            slicer.mrmlScene.RemoveNode(node)
        slicer.modules.SegmentEditorWidget.editor.setMRMLSegmentEditorNode(None)
        self.closeScene()
        slicer.app.settings().clear()
        slicer.app._processed, slicer.app._testing = 0, False
        for recorded in (boxes.shown, boxes.answers, self.registered):
            recorded.clear()

    def takeErrors(self) -> list[str]:
        """What went wrong unseen since the last call: in slots, observers, threads, and touches from wrong threads."""
        found = [*self.errors, *main_thread.violations]
        self.errors.clear()
        main_thread.violations.clear()
        return found

    def _qtSays(self, kind: Any, context: Any, message: str) -> None:
        if message.startswith(("QObject::", "QWidget:", "QLayout:", "QBasicTimer", "QPainter::")):
            self.errors.append(message)
        elif "propagateSizeHints" not in message:
            print(message, file=sys.stderr)


@functools.cache
def running() -> Host:
    """The one host of this process: Qt has one application, however many rooms of tests ask for it."""
    return Host()


class ScriptedModule(application.Module):
    """A scripted module's metadata, filled in by its Python class."""
