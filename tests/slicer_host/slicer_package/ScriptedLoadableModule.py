"""`slicer.ScriptedLoadableModule`: the four classes a scripted module derives from, by their documented behaviour."""

from __future__ import annotations

import unittest
from pathlib import Path
from typing import Any

import slicer


class ScriptedLoadableModule:
    """A module's metadata, kept in `parent`."""

    def __init__(self, parent: Any) -> None:
        self.parent = parent
        self.moduleName = type(self).__name__
        parent.module = self

    def resourcePath(self, filename: str) -> str:
        return str(Path(slicer.util.modulePath(self.moduleName)).parent / "Resources" / filename)

    def runTest(self, msec: int = 100, **kwargs: Any) -> None:
        """Run the module's own test class."""
        import sys

        test = getattr(sys.modules[type(self).__module__], f"{self.moduleName}Test")()
        test.messageDelay = msec
        test.runTest(**kwargs)


class ScriptedLoadableModuleWidget:
    """A module's panel; `parent` is the widget it lies in and `layout` that widget's layout."""

    def __init__(self, parent: Any = None) -> None:
        import qt

        self.moduleName = type(self).__name__.removesuffix("Widget")
        self.developerMode = False
        if parent is None:
            parent = slicer.qMRMLWidget()
            parent.setLayout(qt.QVBoxLayout())
            parent.setMRMLScene(slicer.mrmlScene)
        self.parent = parent
        self.layout = parent.layout()
        setattr(slicer.modules, f"{self.moduleName}Widget", self)

    def resourcePath(self, filename: str) -> str:
        return str(Path(slicer.util.modulePath(self.moduleName)).parent / "Resources" / filename)

    def setup(self) -> None:
        """What the panel shows is built by the derived class; nobody is a developer here."""

    def cleanup(self) -> None:
        """Called when the application closes."""

    def enter(self) -> None:
        """Called when the module is chosen."""

    def exit(self) -> None:
        """Called when another module is chosen."""


class ScriptedLoadableModuleLogic:
    """A module's work without its panel, and its parameter node."""

    def __init__(self, parent: Any = None) -> None:
        self.moduleName = type(self).__name__.removesuffix("Logic")
        self.isSingletonParameterNode = True

    def getParameterNode(self) -> Any:
        if self.isSingletonParameterNode:
            node = slicer.mrmlScene.GetSingletonNode(self.moduleName, "vtkMRMLScriptedModuleNode")
            if node:
                return node
        nodes = self.getAllParameterNodes()
        return nodes[0] if nodes else slicer.mrmlScene.AddNode(self.createParameterNode())

    def getAllParameterNodes(self) -> list[Any]:
        nodes = slicer.util.getNodesByClass("vtkMRMLScriptedModuleNode")
        return [node for node in nodes if node.GetAttribute("ModuleName") == self.moduleName]

    def createParameterNode(self) -> Any:
        node = slicer.mrmlScene.CreateNodeByClass("vtkMRMLScriptedModuleNode")
        node.UnRegister(None)
        if self.isSingletonParameterNode:
            node.SetSingletonTag(self.moduleName)
        node.SetModuleName(self.moduleName)
        node.SetAttribute("ModuleName", self.moduleName)
        node.SetName(slicer.mrmlScene.GenerateUniqueName(self.moduleName))
        return node


class ScriptedLoadableModuleTest(unittest.TestCase):
    """A module's self-test: `runTest` runs it, `delayDisplay` says what it does."""

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        self.messageDelay = 0

    def delayDisplay(self, message: str, requestedDelay: int | None = None, msec: int | None = None) -> None:
        slicer.util.delayDisplay(message, 0)

    def runTest(self) -> None:
        """Nothing, unless the derived class says what."""
