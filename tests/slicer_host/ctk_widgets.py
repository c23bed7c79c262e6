"""Stand-ins for widgets of the Common Toolkit: their properties, signals and slots, with a plain look."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import pythonqt
from PySide6 import QtCore, QtGui, QtWidgets

pythonqt.install()
Cls = TypeVar("Cls", bound=type)


def stored(kind: Any, name: str, default: Any) -> Any:
    """A Qt property that keeps its value and then calls `_changed(name)` of its widget."""

    def write(self: Any, value: Any) -> None:
        self.__dict__[f"_{name}"] = value
        getattr(self, "_changed", lambda _: None)(name)

    return QtCore.Property(kind, lambda self: self.__dict__.get(f"_{name}", default), write)


def with_setters(cls: Cls) -> Cls:
    """Add `setName(value)` for each property `name`, as every class of Qt has it."""

    def setter(name: str) -> Callable[[Any, Any], None]:
        return lambda self, value: setattr(self, name, value)

    for name, value in list(vars(cls).items()):
        if isinstance(value, QtCore.Property) and not hasattr(cls, method := f"set{name[0].upper()}{name[1:]}"):
            setattr(cls, method, setter(name))
    return cls


@with_setters
class ctkCollapsibleButton(QtWidgets.QWidget):
    """A header that shows and hides what is below it."""

    contentsCollapsed = QtCore.Signal(bool)
    toggled = QtCore.Signal(bool)
    clicked = QtCore.Signal()
    text = stored(str, "text", "")
    collapsed = stored(bool, "collapsed", False)

    def __init__(self, text: Any = "", parent: Any = None) -> None:
        super().__init__(parent if isinstance(text, str) else text)
        self._hidden: list[Any] = []
        self._header = self.fontMetrics().height() + 10
        self.setContentsMargins(0, self._header, 0, 0)
        if isinstance(text, str):
            self._text = text

    def _changed(self, name: str) -> None:
        if name == "collapsed" and self.collapsed == (self.maximumHeight == self._header):
            return
        if name == "collapsed":
            children = [c for c in self.children() if isinstance(c, QtWidgets.QWidget)]
            if self.collapsed:
                self._hidden = [c for c in children if not c.isHidden()]
            for child in self._hidden:
                child.setVisible(not self.collapsed)
            self.setMaximumHeight(self._header if self.collapsed else 16777215)
            self.contentsCollapsed.emit(self.collapsed)
            self.toggled.emit(not self.collapsed)
        self.update()

    def mousePressEvent(self, event: Any) -> None:
        if event.position().y() <= self._header:
            self.collapsed = not self.collapsed
            self.clicked.emit()

    def paintEvent(self, event: Any) -> None:
        painter = QtGui.QPainter(self)
        header = QtCore.QRect(0, 0, self.width, self._header - 4)
        painter.fillRect(header, self.palette.color(QtGui.QPalette.Button))
        arrow = "▸" if self.collapsed else "▾"
        painter.drawText(header.adjusted(8, 0, 0, 0), QtCore.Qt.AlignVCenter, f"{arrow}  {self.text}")
        painter.end()


@with_setters
class ctkSliderWidget(QtWidgets.QWidget):
    """A slider and a spin box that show one number."""

    valueChanged = QtCore.Signal(float)
    value = stored(float, "value", 0.0)
    minimum = stored(float, "minimum", 0.0)
    maximum = stored(float, "maximum", 99.0)
    singleStep = stored(float, "singleStep", 1.0)
    decimals = stored(int, "decimals", 2)
    suffix = stored(str, "suffix", "")

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._slider, self._box = QtWidgets.QSlider(QtCore.Qt.Horizontal, self), QtWidgets.QDoubleSpinBox(self)
        row = QtWidgets.QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self._slider)
        row.addWidget(self._box)
        self._seen = 0.0
        self._changed("maximum")
        self._box.valueChanged.connect(lambda value: setattr(self, "value", value))
        self._slider.valueChanged.connect(lambda step: setattr(self, "value", step * self.singleStep))

    def _changed(self, name: str) -> None:
        self._value = min(max(self.value, self.minimum), self.maximum)
        step = self.singleStep or 1.0
        for part in (self._box, self._slider):
            part.blockSignals(True)
        self._box.setDecimals(self.decimals)
        self._box.setRange(self.minimum, self.maximum)
        self._box.setSuffix(self.suffix)
        self._box.setValue(self.value)
        self._slider.setRange(round(self.minimum / step), round(self.maximum / step))
        self._slider.setValue(round(self.value / step))
        for part in (self._box, self._slider):
            part.blockSignals(False)
        if self.value != self._seen:
            self._seen = self.value
            self.valueChanged.emit(self.value)


@with_setters
class ctkRangeWidget(QtWidgets.QWidget):
    """Two numbers, the lower never above the upper."""

    valuesChanged = QtCore.Signal(float, float)
    minimum = stored(float, "minimum", 0.0)
    maximum = stored(float, "maximum", 99.0)
    minimumValue = stored(float, "minimumValue", 0.0)
    maximumValue = stored(float, "maximumValue", 99.0)
    singleStep = stored(float, "singleStep", 1.0)
    decimals = stored(int, "decimals", 2)

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._boxes = (QtWidgets.QDoubleSpinBox(self), QtWidgets.QDoubleSpinBox(self))
        row = QtWidgets.QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        for box, name in zip(self._boxes, ("minimumValue", "maximumValue"), strict=True):
            row.addWidget(box)
            box.valueChanged.connect(lambda value, name=name: setattr(self, name, value))
        self._seen = (0.0, 99.0)
        self._changed("")

    def setRange(self, minimum: float, maximum: float) -> None:
        self._minimum, self._maximum = minimum, maximum
        self._changed("")

    def setValues(self, lower: float, upper: float) -> None:
        self._minimumValue, self._maximumValue = lower, upper
        self._changed("")

    def _changed(self, name: str) -> None:
        lower, upper = (min(max(v, self.minimum), self.maximum) for v in (self.minimumValue, self.maximumValue))
        if lower > upper:
            lower, upper = (upper, upper) if name == "minimumValue" else (lower, lower)
        self._minimumValue, self._maximumValue = lower, upper
        for box, value in zip(self._boxes, (lower, upper), strict=True):
            box.blockSignals(True)
            box.setDecimals(self.decimals)
            box.setSingleStep(self.singleStep)
            box.setRange(self.minimum, self.maximum)
            box.setValue(value)
            box.blockSignals(False)
        if (lower, upper) != self._seen:
            self._seen = (lower, upper)
            self.valuesChanged.emit(lower, upper)


@with_setters
class ctkComboBox(QtWidgets.QComboBox):
    """A combo box with a text for no choice."""

    defaultText = stored(str, "defaultText", "")


class ctkFittedTextBrowser(QtWidgets.QTextBrowser):
    """A text browser as high as its text."""


@with_setters
class ctkPathLineEdit(QtWidgets.QLineEdit):
    """The path of a file or folder."""

    currentPathChanged = QtCore.Signal(str)
    currentPath = stored(str, "currentPath", "")
    settingKey = stored(str, "settingKey", "")
    nameFilters = stored("QStringList", "nameFilters", [])

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self.editingFinished.connect(lambda: self.setCurrentPath(self.text))

    def _changed(self, name: str) -> None:
        if name == "currentPath":
            self.setText(self.currentPath)
            self.currentPathChanged.emit(self.currentPath)


@with_setters
class ctkMessageBox(QtWidgets.QMessageBox):
    """A message box that a user may ask never to see again (the answer is then kept in the settings)."""

    dontShowAgain = stored(bool, "dontShowAgain", False)
    dontShowAgainVisible = stored(bool, "dontShowAgainVisible", False)
    dontShowAgainSettingsKey = stored(str, "dontShowAgainSettingsKey", "")

    def exec_(self) -> int:
        key, settings = self.dontShowAgainSettingsKey, QtCore.QSettings()
        if key and int(settings.value(key, 0)):
            return int(settings.value(key))
        answer: int = super().exec_()
        if key and self.dontShowAgain:
            settings.setValue(key, answer)
        return answer

    exec = exec_
