"""`qt` as Slicer has it: the classes of Qt in one flat name space, without what PythonQt lacks."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

import boxes
import ctk
import pythonqt
import qmrml
import segment_editor
from PySide6 import QtCore, QtGui, QtNetwork, QtUiTools, QtWidgets

pythonqt.install()
boxes.install()
# `Signal`, `Slot` and `Property` begin with no Q: they are not there, as in PythonQt.
for _module in (QtCore, QtGui, QtWidgets, QtNetwork):
    globals().update({name: getattr(_module, name) for name in dir(_module) if name.startswith("Q")})
_buffer, _object = QtCore.QBuffer, QtCore.QObject

WIDGETS = {**ctk.WIDGETS, **qmrml.WIDGETS, **segment_editor.WIDGETS}


class QUiLoader(QtUiTools.QUiLoader):
    """Loads `.ui` files with the stand-ins' widgets; an unknown class is an error, not a plain widget."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        for cls in WIDGETS.values():
            self.registerCustomWidget(cls)

    def load(self, device: Any, parent: Any = None) -> Any:
        tree = ElementTree.fromstring(device.readAll().data())
        classes = {w.get("name"): w.get("class", "") for w in tree.iter("widget")}
        unknown = {c for c in classes.values() if not c.startswith("Q") and c not in WIDGETS}
        if unknown:
            raise NotImplementedError(f"no stand-in for {sorted(unknown)} in tests/slicer_host: add one")
        later = _own_connections(tree, classes)
        buffer = _buffer()
        buffer.setData(ElementTree.tostring(tree))
        widget = super().load(buffer, parent)
        for sender, signal, receiver, slot in later:
            found = {w.objectName: w for w in (widget, *widget.findChildren(_object))}
            found[sender].connect(signal, found[receiver], slot)
        return widget


def _own_connections(tree: Any, classes: dict[Any, str]) -> list[tuple[str, str, str, str]]:
    """Take the connections of the stand-ins' own signals (they carry nodes, which Qt does not know) out of the tree."""
    taken = []
    for group in tree.iter("connections"):
        for connection in list(group):
            sender, signal, receiver, slot = (
                connection.findtext(k, "") for k in ("sender", "signal", "receiver", "slot")
            )
            if signal in getattr(WIDGETS.get(classes.get(sender, "")), "qtSignals", {}):
                group.remove(connection)
                taken.append((sender, signal, receiver, slot))
    return taken


# A module of Qt's is no name of PythonQt's.
del QtCore, QtGui, QtNetwork, QtUiTools, QtWidgets
