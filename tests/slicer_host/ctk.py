"""`ctk`: the widgets of the Common Toolkit that panels here use; any other says that it has no stand-in."""

from __future__ import annotations

from typing import Any

import pythonqt
from declared import stored, with_setters
from PySide6 import QtCore, QtGui, QtWidgets

pythonqt.install()


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
        header = QtWidgets.QStyleOptionButton()
        header.initFrom(self)
        header.rect = QtCore.QRect(0, 0, self.width, self._header - 2)
        header.state |= QtWidgets.QStyle.State_Raised
        self.style().drawPrimitive(QtWidgets.QStyle.PE_PanelButtonCommand, header, painter, self)
        arrow = "▸" if self.collapsed else "▾"
        text = header.rect.adjusted(8, 0, 0, 0)
        painter.drawText(text, QtCore.Qt.AlignVCenter, f"{arrow}  {self.text}")
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


WIDGETS: dict[str, Any] = {cls.__name__: cls for cls in (ctkCollapsibleButton, ctkSliderWidget, ctkMessageBox)}


def __getattr__(name: str) -> Any:
    if name.startswith("ctk"):
        raise NotImplementedError(f"no stand-in for {name} in tests/slicer_host/ctk.py: add one")
    raise AttributeError(name)
