"""How a widget shows a parameter: one property, and the signal that says it was changed."""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import Any

# Of each class of widgets: the types of parameters it shows, its property, its signal.
CONNECTORS: dict[str, tuple[tuple[type, ...], str, str]] = {
    "QLineEdit": ((str,), "text", "textChanged(QString)"),
    "QTextEdit": ((str,), "plainText", "textChanged()"),
    "QCheckBox": ((bool,), "checked", "toggled(bool)"),
    "QPushButton": ((bool,), "checked", "toggled(bool)"),
    "QRadioButton": ((bool,), "checked", "toggled(bool)"),
    "QSpinBox": ((int,), "value", "valueChanged(int)"),
    "QSlider": ((int,), "value", "valueChanged(int)"),
    "QDoubleSpinBox": ((float,), "value", "valueChanged(double)"),
    "ctkSliderWidget": ((float, int), "value", "valueChanged(double)"),
    "QComboBox": ((str, enum.Enum), "currentText", "currentIndexChanged(int)"),
    "qMRMLNodeComboBox": ((), "currentNodeID", "currentNodeChanged(vtkMRMLNode*)"),
}


class Connector:
    """Reads and writes one widget as a value of one parameter."""

    def __init__(self, widget: Any, parameter: Any, prop: str, signal: str) -> None:
        self.widget, self.parameter, self.prop, self.signal = widget, parameter, prop, signal
        self.handler: Callable[[], None] | None = None
        if parameter.isEnum and not widget.count:
            widget.addItems([choice.name for choice in parameter.kind])

    def read(self) -> Any:
        if self.parameter.isNode:
            return self.widget.currentNode()
        shown = getattr(self.widget, self.prop)
        if self.parameter.optional and shown == "":
            return None
        return self.parameter.kind[shown] if self.parameter.isEnum else self.parameter.kind(shown)

    def write(self, value: Any) -> None:
        if self.parameter.isNode:
            self.widget.setCurrentNode(value)
        else:
            shown = value.name if self.parameter.isEnum else value
            setattr(self.widget, self.prop, "" if shown is None else shown)

    def listen(self, changed: Callable[[], None]) -> None:
        self.handler = changed
        self.widget.connect(self.signal, changed)

    def forget(self) -> None:
        self.widget.disconnect(self.signal, self.handler)


def connector(widget: Any, parameter: Any) -> Connector:
    """The connector of this widget for this parameter; Slicer has none for other pairs (a QPlainTextEdit, say)."""
    name = widget.className()
    kinds, prop, signal = CONNECTORS.get(name, ((), "", ""))
    if (
        not prop
        or (parameter.isNode != (prop == "currentNodeID"))
        or not (parameter.isNode or issubclass(parameter.kind, kinds))
    ):
        raise NotImplementedError(f"no widget {name} shows parameter {parameter.name!r} of type {parameter.kind}")
    return Connector(widget, parameter, prop, signal)
