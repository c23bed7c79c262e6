"""The layout: three slice views with the real slice logics and nodes, and no picture."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import slicer
import vtk

VIEWS = {"Red": "Axial", "Green": "Coronal", "Yellow": "Sagittal"}


class SliceWidget:
    """A slice view without its picture: the real slice logic and its nodes."""

    def __init__(self, name: str, application: Any, scene: Any) -> None:
        self._logic = slicer.vtkMRMLSliceLogic()
        self._logic.SetMRMLApplicationLogic(application)
        self._logic.SetMRMLScene(scene)
        self._logic.AddSliceNode(name)

    def sliceLogic(self) -> Any:
        return self._logic

    def mrmlSliceNode(self) -> Any:
        return self._logic.GetSliceNode()

    def mrmlSliceCompositeNode(self) -> Any:
        return self._logic.GetSliceCompositeNode()

    def sliceView(self) -> Any:
        return SimpleNamespace(forceRender=lambda: None, scheduleRender=lambda: None, mrmlSliceNode=self.mrmlSliceNode)


class LayoutManager:
    """Three slice views, as after a start of Slicer; no 3D view, chart or table."""

    threeDViewCount = tableViewCount = plotViewCount = 0

    def __init__(self, application: Any, scene: Any) -> None:
        slicer.vtkMRMLSliceNode.AddDefaultSliceOrientationPresets(scene, True)
        self._widgets = {name: SliceWidget(name, application, scene) for name in VIEWS}
        self._logics = vtk.vtkCollection()
        for widget in self._widgets.values():
            self._logics.AddItem(widget.sliceLogic())
        application.SetSliceLogics(self._logics)
        self.resetViews()
        scene.AddObserver(slicer.vtkMRMLScene.EndCloseEvent, self.resetViews)

    def resetViews(self, *_: Any) -> None:
        """The orientations and the size that the layout gives its views, at the start and after a scene is closed."""
        for name, widget in self._widgets.items():
            widget.mrmlSliceNode().SetOrientation(VIEWS[name])
            widget.sliceLogic().ResizeSliceNode(256, 256)

    def sliceViewNames(self) -> list[str]:
        return list(self._widgets)

    def sliceWidget(self, name: str) -> Any:
        return self._widgets.get(name)

    def mrmlSliceLogics(self) -> Any:
        return self._logics

    def resetSliceViews(self) -> None:
        for widget in self._widgets.values():
            widget.sliceLogic().FitSliceToBackground()

    def resetThreeDViews(self) -> None:
        """There are none."""

    def setLayout(self, layout: int) -> None:
        """The three slice views stay."""
