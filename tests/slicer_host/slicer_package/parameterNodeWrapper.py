"""`slicer.parameterNodeWrapper`: typed attributes kept in a script module node, and bound to widgets.

The subset that panels use: str, int, float, bool, enumerations, nodes, each of them optional.
"""

from __future__ import annotations

import enum
import types
import typing
from typing import Any

import slicer
import vtk
from parameter_widgets import connector


class Parameter:
    """One annotated attribute: its kind and default, and how it is written in the node."""

    def __init__(self, name: str, annotation: Any, default: Any) -> None:
        self.name, self.optional = name, False
        if typing.get_origin(annotation) in (typing.Union, types.UnionType):  # Optional[kind]
            annotation, self.optional = typing.get_args(annotation)[0], True
        self.kind = annotation
        self.isNode = isinstance(annotation, type) and issubclass(annotation, slicer.vtkMRMLNode)
        if not self.isNode and not (
            isinstance(annotation, type) and issubclass(annotation, (str, int, float, bool, enum.Enum))
        ):
            raise NotImplementedError(f"{name}: no stand-in for parameters of type {annotation}")
        empty = None if self.isNode or self.optional else next(iter(annotation)) if self.isEnum else annotation()
        self.default = empty if default is ... else default

    @property
    def isEnum(self) -> bool:
        return isinstance(self.kind, type) and issubclass(self.kind, enum.Enum)

    def check(self, value: Any) -> None:
        if value is None and (self.optional or self.isNode):
            return
        fits = isinstance(value, (int, float) if self.kind is float else self.kind)
        if not fits or (isinstance(value, bool) and self.kind is not bool):
            raise TypeError(f"{self.name} is a {self.kind.__name__}, not {value!r}")

    def read(self, node: Any) -> Any:
        if self.isNode:
            return node.GetNodeReference(self.name)
        if self.name not in node.GetParameterNames():  # the scene was closed, which empties the node
            return self.default
        text = node.GetParameter(self.name)
        if self.optional and text == "":
            return None
        if self.isEnum:
            return self.kind[text]
        return text == "True" if self.kind is bool else self.kind(text)

    def write(self, node: Any, value: Any) -> None:
        self.check(value)
        if self.isNode:
            node.SetNodeReferenceID(self.name, value.GetID() if value else None)
        else:
            node.SetParameter(self.name, "" if value is None else value.name if self.isEnum else str(value))


class _Wrapper:
    """What the decorator adds to a class of annotated attributes."""

    _parameters: dict[str, Parameter]

    def __init__(self, parameterNode: Any, prefix: str | None = None) -> None:
        if not isinstance(parameterNode, slicer.vtkMRMLScriptedModuleNode):
            raise TypeError(f"a parameter node is a vtkMRMLScriptedModuleNode, not {parameterNode!r}")
        self.__dict__.update(parameterNode=parameterNode, _guis={})
        for parameter in self._parameters.values():
            if not parameter.isNode and parameter.name not in parameterNode.GetParameterNames():
                parameter.write(parameterNode, parameter.default)

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in self._parameters:
            raise AttributeError(f"{type(self).__name__} has no parameter {name!r}")
        self.setValue(name, value)

    def getValue(self, name: str) -> Any:
        return self._parameters[name].read(self.parameterNode)

    def setValue(self, name: str, value: Any) -> None:
        if self.getValue(name) != value:
            self._parameters[name].write(self.parameterNode, value)

    def default(self, name: str) -> Any:
        return self._parameters[name].default

    def AddObserver(self, event: Any, callback: Any, priority: float = 0.0) -> int:
        return int(self.parameterNode.AddObserver(event, callback, priority))

    def RemoveObserver(self, tag: int) -> None:
        self.parameterNode.RemoveObserver(tag)

    def StartModify(self) -> int:
        return int(self.parameterNode.StartModify())

    def EndModify(self, previous: int) -> None:
        self.parameterNode.EndModify(previous)

    def connectGui(self, gui: Any) -> int:
        """Bind every widget that names a parameter in its property `SlicerParameterName`; returns a tag."""
        import qt

        found = slicer.util.findChildren(gui) if isinstance(gui, qt.QWidget) else list(vars(gui).values())
        return self.connectParametersToGui(
            {w.property("SlicerParameterName"): w for w in found if w.property("SlicerParameterName")}
        )

    def connectParametersToGui(self, widgets: dict[str, Any]) -> int:
        unknown = sorted(set(widgets) - set(self._parameters))
        if unknown:
            raise ValueError(f"no parameters named {unknown}")
        bound = {name: connector(widget, self._parameters[name]) for name, widget in widgets.items()}

        def toWidgets(caller: Any = None, event: Any = None) -> None:
            for name, one in bound.items():
                if one.read() != self.getValue(name):
                    one.write(self.getValue(name))

        toWidgets()
        for name, one in bound.items():
            one.listen(self._fromWidget(name, one))
        tag = self.AddObserver(vtk.vtkCommand.ModifiedEvent, toWidgets)
        self._guis[tag] = bound
        return tag

    def _fromWidget(self, name: str, one: Any) -> Any:
        return lambda: self.setValue(name, one.read())

    def disconnectGui(self, tag: int) -> None:
        self.RemoveObserver(tag)
        for one in self._guis.pop(tag).values():
            one.forget()


def parameterNodeWrapper(cls: type) -> type:
    """Class decorator: each annotated attribute becomes a parameter."""
    hints = typing.get_type_hints(cls, include_extras=True)
    parameters = {name: Parameter(name, hint, getattr(cls, name, ...)) for name, hint in hints.items()}
    body = {k: v for k, v in vars(cls).items() if k not in hints and k not in ("__dict__", "__weakref__")}

    def attribute(name: str) -> property:
        return property(lambda self: self.getValue(name))

    return type(cls.__name__, (_Wrapper,), {**body, "_parameters": parameters, **{n: attribute(n) for n in hints}})
