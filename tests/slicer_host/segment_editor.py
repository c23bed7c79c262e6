"""Stand-ins for the Segment Editor's widget and the table of segments: no effects to draw with, but the real nodes."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, ClassVar

import slicer
import vtk
from PySide6 import QtCore, QtWidgets
from qmrml import qMRMLWidget


class qMRMLSegmentsTableView(qMRMLWidget):
    """Lists the segments of a segmentation."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._segmentation: Any = None
        self._list = QtWidgets.QListWidget(self)
        QtWidgets.QVBoxLayout(self).addWidget(self._list)

    def segmentationNode(self) -> Any:
        return self._segmentation

    def setSegmentationNode(self, node: Any) -> None:
        self._segmentation = node
        events = (
            vtk.vtkCommand.ModifiedEvent,
            slicer.vtkSegmentation.SegmentAdded,
            slicer.vtkSegmentation.SegmentRemoved,
        )
        if node:
            self._observe(node, [*events, slicer.vtkSegmentation.SegmentModified])
        self._sceneChanged()

    def _sceneChanged(self) -> None:
        self._list.clear()
        segmentation = self._segmentation.GetSegmentation() if self._segmentation else None
        for index in range(segmentation.GetNumberOfSegments() if segmentation else 0):
            item = QtWidgets.QListWidgetItem(segmentation.GetNthSegment(index).GetName(), self._list)
            item.setData(QtCore.Qt.UserRole, segmentation.GetNthSegmentID(index))

    def selectedSegmentIDs(self) -> list[str]:
        return [item.data(QtCore.Qt.UserRole) for item in self._list.selectedItems()]

    def setSelectedSegmentIDs(self, segmentIDs: list[str]) -> None:
        for row in range(self._list.count):
            item = self._list.item(row)
            item.setSelected(item.data(QtCore.Qt.UserRole) in segmentIDs)


class qMRMLSegmentEditorWidget(qMRMLWidget):
    """Drives the real editor node and the real logic (its undo too)."""

    currentSegmentIDChanged = QtCore.Signal(str)
    segmentationNodeChanged = QtCore.Signal(object)
    sourceVolumeNodeChanged = QtCore.Signal(object)
    qtSignals: ClassVar = {
        "currentSegmentIDChanged(QString)": "currentSegmentIDChanged",
        "segmentationNodeChanged(vtkMRMLSegmentationNode*)": "segmentationNodeChanged",
        "sourceVolumeNodeChanged(vtkMRMLVolumeNode*)": "sourceVolumeNodeChanged",
    }

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._logic = slicer.vtkSlicerSegmentEditorLogic()
        self._node: Any = None
        self._table = qMRMLSegmentsTableView(self)
        QtWidgets.QVBoxLayout(self).addWidget(self._table)

    def setMRMLScene(self, scene: Any) -> None:
        self._logic.SetMRMLScene(scene)
        super().setMRMLScene(scene)

    def mrmlSegmentEditorNode(self) -> Any:
        return self._node

    def setMRMLSegmentEditorNode(self, node: Any) -> None:
        self._node = node
        self._logic.SetSegmentEditorNode(node)
        self._table.setSegmentationNode(self.segmentationNode())

    def segmentationNode(self) -> Any:
        return self._node.GetSegmentationNode() if self._node else None

    def setSegmentationNode(self, node: Any) -> None:
        self._needNode("setSegmentationNode")
        if node is not self.segmentationNode():
            self._node.SetAndObserveSegmentationNode(node)
            self._logic.SetSegmentationNode(node)
            self._table.setSegmentationNode(node)
            self.segmentationNodeChanged.emit(node)

    def sourceVolumeNode(self) -> Any:
        return self._node.GetSourceVolumeNode() if self._node else None

    def setSourceVolumeNode(self, node: Any) -> None:
        self._needNode("setSourceVolumeNode")
        if node is not self.sourceVolumeNode():
            self._node.SetAndObserveSourceVolumeNode(node)
            self._logic.SetSourceVolumeNode(node)
            self.sourceVolumeNodeChanged.emit(node)

    def currentSegmentID(self) -> str:
        return (self._node.GetSelectedSegmentID() if self._node else "") or ""

    def setCurrentSegmentID(self, segmentID: str) -> None:
        self._needNode("setCurrentSegmentID")
        if segmentID != self.currentSegmentID():
            self._logic.SetCurrentSegmentID(segmentID)
            self.currentSegmentIDChanged.emit(segmentID)

    def setActiveEffectByName(self, name: str) -> None:
        self._needNode("setActiveEffectByName")
        self._node.SetActiveEffectName(name)

    def saveStateForUndo(self) -> None:
        self._logic.SaveStateForUndo()

    def undo(self) -> None:
        self._logic.Undo()

    def redo(self) -> None:
        self._logic.Redo()

    def _needNode(self, caller: str) -> None:
        if self._node is None:
            raise RuntimeError(f"{caller}: set a segment editor node first (Slicer only prints an error)")


WIDGETS: dict[str, Any] = {cls.__name__: cls for cls in (qMRMLSegmentsTableView, qMRMLSegmentEditorWidget)}


def panel() -> Any:
    """The Segment Editor module's panel: `slicer.modules.segmenteditor.widgetRepresentation().self().editor`."""
    parent = slicer.qSlicerScriptedLoadableModuleWidget()
    editor = qMRMLSegmentEditorWidget(parent)
    editor.setMRMLScene(slicer.mrmlScene)
    parent._module = SimpleNamespace(editor=editor, parent=parent, moduleName="SegmentEditor", enter=_enter)
    slicer.modules.SegmentEditorWidget = parent._module
    return parent


def _enter() -> None:
    """The module makes its editor node when it is first chosen."""
    node = slicer.mrmlScene.GetSingletonNode("SegmentEditor", "vtkMRMLSegmentEditorNode")
    if node is None:
        node = slicer.vtkMRMLSegmentEditorNode()
        node.SetSingletonTag("SegmentEditor")
        node = slicer.mrmlScene.AddNode(node)
    slicer.modules.SegmentEditorWidget.parameterSetNode = node
    slicer.modules.SegmentEditorWidget.editor.setMRMLSegmentEditorNode(node)
