"""`slicer.app.coreIOManager()`: which of the core's readers and writers opens and saves what."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import slicer
import vtk

KINDS = {
    ".mrb": "SceneFile",
    ".mrml": "SceneFile",
    ".seg.nrrd": "SegmentationFile",
    ".txt": "TextFile",
    ".json": "TextFile",
    ".h5": "TransformFile",
    ".tfm": "TransformFile",
}
WRITERS = {
    "vtkMRMLSegmentationNode": "SegmentationFile",
    "vtkMRMLVolumeNode": "VolumeFile",
    "vtkMRMLTransformNode": "TransformFile",
    "vtkMRMLTextNode": "TextFile",
}


class CoreIOManager:
    """Loads and saves with the real logics and storage nodes of the core."""

    def fileType(self, path: str) -> str:
        return next((kind for ending, kind in KINDS.items() if path.lower().endswith(ending)), "VolumeFile")

    def fileWriterFileType(self, node: Any, format: str = "") -> str:
        return next((kind for cls, kind in WRITERS.items() if node.IsA(cls)), "NoFile")

    def defaultSceneFileType(self) -> str:
        return "MRML Scene (.mrml)"

    def loadNodes(self, kind: str, properties: dict[str, Any], loaded: Any, messages: Any = None) -> bool:
        path = str(properties["fileName"])
        if kind == "SceneFile":
            return self._loadScene(path, properties, messages)
        name = properties.get("name") or Path(path).name.partition(".")[0]
        if kind == "VolumeFile":
            node = self._loadVolume(path, name, properties, messages)
        elif kind == "SegmentationFile":
            node = slicer.modules.segmentations.logic().LoadSegmentationFromFile(path, True, name)
        else:
            cls = {"TextFile": "vtkMRMLTextNode", "TransformFile": "vtkMRMLLinearTransformNode"}.get(kind)
            if cls is None:
                raise NotImplementedError(f"no stand-in reads a {kind}")
            node = slicer.mrmlScene.AddNewNodeByClass(cls, name)
            node.AddDefaultStorageNode(path)
            if not node.GetStorageNode().ReadData(node):
                slicer.mrmlScene.RemoveNode(node)
                node = None
        if node:
            loaded.AddItem(node)
        return node is not None

    def _loadVolume(self, path: str, name: str, properties: dict[str, Any], messages: Any) -> Any:
        options = properties.get("labelmap", 0) * 1 + properties.get("center", 0) * 2
        options += properties.get("singleFile", 0) * 4 + 8 + properties.get("discardOrientation", 0) * 16
        files = vtk.vtkStringArray()
        for one in properties.get("fileNames", []):
            files.InsertNextValue(one)
        node = slicer.modules.volumes.logic().AddArchetypeVolume(path, name, options, files, messages)
        if node and properties.get("show", True):
            selection = slicer.app.applicationLogic().GetSelectionNode()
            select = selection.SetActiveLabelVolumeID if properties.get("labelmap") else selection.SetActiveVolumeID
            select(node.GetID())
            slicer.app.applicationLogic().PropagateVolumeSelection()
        return node

    def _loadScene(self, path: str, properties: dict[str, Any], messages: Any) -> bool:
        clear = properties.get("clear", False)
        scene = slicer.mrmlScene
        if path.endswith(".mrb"):
            return bool(scene.ReadFromMRB(path, clear, messages))
        scene.SetURL(path)
        return bool(scene.Connect(messages) if clear else scene.Import(messages))

    def saveNodes(self, kind: str, properties: dict[str, Any], messages: Any = None) -> bool:
        path = str(properties["fileName"])
        if kind == "SceneFile":
            if path.endswith(".mrb"):
                return bool(slicer.mrmlScene.WriteToMRB(path, None, messages))
            return bool(slicer.mrmlScene.Commit(path, messages))
        node = slicer.mrmlScene.GetNodeByID(properties["nodeID"])
        if not node.GetStorageNode():
            node.AddDefaultStorageNode(path)
        node.GetStorageNode().SetFileName(path)
        return bool(node.GetStorageNode().WriteData(node))
