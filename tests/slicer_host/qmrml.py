"""Stand-ins for Slicer's widgets that show nodes of the scene."""

from __future__ import annotations

from typing import Any, ClassVar

import vtk
from declared import stored, with_setters
from PySide6 import QtCore, QtWidgets

# What makes the list of nodes look different.
SCENE_EVENTS = ("NodeAddedEvent", "NodeRemovedEvent", "EndBatchProcessEvent", "EndImportEvent", "EndCloseEvent")


class qMRMLWidget(QtWidgets.QWidget):
    """A widget that knows the scene and tells those its `.ui` file connects to it."""

    mrmlSceneChanged = QtCore.Signal(object)
    qtSignals: ClassVar = {"mrmlSceneChanged(vtkMRMLScene*)": "mrmlSceneChanged"}

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._scene: Any = None
        self._observed: list[tuple[Any, int]] = []

    def mrmlScene(self) -> Any:
        return self._scene

    def setMRMLScene(self, scene: Any) -> None:
        if scene is self._scene:
            return
        self._scene = scene
        self._observe(scene, [getattr(scene, name) for name in SCENE_EVENTS] if scene else [])
        self._sceneChanged()
        self.mrmlSceneChanged.emit(scene)

    def _sceneChanged(self) -> None:
        """What a derived widget does when nodes come and go."""

    def _observe(self, caller: Any, events: list[Any]) -> None:
        for observed, tag in self._observed:
            observed.RemoveObserver(tag)
        self._observed = [(caller, caller.AddObserver(event, self._onEvent)) for event in events]

    def _onEvent(self, caller: Any, event: str) -> None:
        import shiboken6

        if not shiboken6.isValid(self):
            self.__dict__["_observed"] = []
        elif not (self._scene and self._scene.IsBatchProcessing()):
            self._sceneChanged()


class qSlicerWidget(qMRMLWidget):
    """The same under the application's own name."""


class qSlicerScriptedLoadableModuleWidget(qMRMLWidget):
    """What a scripted module's panel lies in; `self()` is the module's own Python object."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._module: Any = None
        self._isEntered = False
        QtWidgets.QVBoxLayout(self)

    @property
    def isEntered(self) -> bool:
        return self._isEntered

    def self(self) -> Any:
        return self._module


@with_setters
class qMRMLNodeComboBox(qMRMLWidget):
    """Chooses a node of given classes; follows what is added to the scene and removed from it."""

    currentNodeChanged = QtCore.Signal(object)
    currentNodeIDChanged = QtCore.Signal(str)
    qtSignals: ClassVar = {
        "currentNodeChanged(vtkMRMLNode*)": "currentNodeChanged",
        "currentNodeIDChanged(QString)": "currentNodeIDChanged",
    }
    nodeTypes = stored("QStringList", "nodeTypes", [])
    showChildNodeTypes = stored(bool, "showChildNodeTypes", True)
    hideChildNodeTypes = stored("QStringList", "hideChildNodeTypes", [])
    showHidden = stored(bool, "showHidden", False)
    noneEnabled = stored(bool, "noneEnabled", False)
    noneDisplay = stored(str, "noneDisplay", "None")
    addEnabled = stored(bool, "addEnabled", True)
    removeEnabled = stored(bool, "removeEnabled", True)
    renameEnabled = stored(bool, "renameEnabled", False)
    editEnabled = stored(bool, "editEnabled", False)
    selectNodeUponCreation = stored(bool, "selectNodeUponCreation", True)
    baseName = stored(str, "baseName", "")

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._id, self._ids, self._attributes = "", [""], {}
        self._box = QtWidgets.QComboBox(self)
        column = QtWidgets.QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self._box)
        self._box.currentIndexChanged.connect(lambda index: self.setCurrentNodeID(self._ids[index]))

    def addAttribute(self, nodeType: str, name: str, value: Any = None) -> None:
        self._attributes[name] = value
        self._sceneChanged()

    def currentNode(self) -> Any:
        return self._scene.GetNodeByID(self._id) if self._scene and self._id else None

    @property
    def currentNodeID(self) -> str:
        return self._id

    @currentNodeID.setter
    def currentNodeID(self, nodeID: str) -> None:
        self.setCurrentNodeID(nodeID)

    def setCurrentNode(self, node: Any) -> None:
        self.setCurrentNodeID(node.GetID() if node else "")

    def setCurrentNodeID(self, nodeID: str | None) -> None:
        self._select(nodeID if nodeID in self._ids else "")

    def nodeCount(self) -> int:
        return len([i for i in self._ids if i])

    def addNode(self, nodeType: str = "") -> Any:
        name = self._scene.GenerateUniqueName(self.baseName or "Node")
        node = self._scene.AddNewNodeByClass(nodeType or self.nodeTypes[0], name)
        if self.selectNodeUponCreation:
            self.setCurrentNode(node)
        return node

    def _changed(self, name: str) -> None:
        self._sceneChanged()

    def _fits(self, node: Any) -> bool:
        kinds = [t for t in self.nodeTypes if (node.IsA(t) if self.showChildNodeTypes else node.GetClassName() == t)]
        hidden = any(node.IsA(t) for t in self.hideChildNodeTypes)
        named = all(
            node.GetAttribute(k) is not None and v in (None, node.GetAttribute(k)) for k, v in self._attributes.items()
        )
        return bool(kinds) and not hidden and named and (self.showHidden or not node.GetHideFromEditors())

    def _sceneChanged(self) -> None:
        count = self._scene.GetNumberOfNodes() if self._scene else 0
        nodes = [n for n in (self._scene.GetNthNode(i) for i in range(count)) if self._fits(n)]
        none = [""] if self.noneEnabled or not nodes else []
        self._ids = none + [n.GetID() for n in nodes]
        events = [getattr(self._scene, name) for name in SCENE_EVENTS] if self._scene else []
        self._observe(self._scene, events)
        self._observed += [(n, n.AddObserver(vtk.vtkCommand.ModifiedEvent, self._renamed)) for n in nodes]
        self._box.blockSignals(True)
        self._box.clear()
        self._box.addItems([self.noneDisplay] * len(none) + [n.GetName() or n.GetID() for n in nodes])
        self._box.blockSignals(False)
        self._select(self._id if self._id in self._ids else self._ids[0])

    def _renamed(self, node: Any, event: str) -> None:
        if node.GetID() in self._ids:
            self._box.setItemText(self._ids.index(node.GetID()), node.GetName() or node.GetID())

    def _select(self, nodeID: str) -> None:
        self._box.blockSignals(True)
        self._box.setCurrentIndex(self._ids.index(nodeID) if nodeID in self._ids else -1)
        self._box.blockSignals(False)
        if nodeID != self._id:
            self._id = nodeID
            self.currentNodeChanged.emit(self.currentNode())
            self.currentNodeIDChanged.emit(nodeID)


WIDGETS: dict[str, Any] = {
    cls.__name__: cls for cls in (qMRMLWidget, qSlicerWidget, qSlicerScriptedLoadableModuleWidget, qMRMLNodeComboBox)
}
