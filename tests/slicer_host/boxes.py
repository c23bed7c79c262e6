"""Modal boxes: none is shown, every one is recorded, and a question is answered by the test."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from PySide6 import QtWidgets


@dataclass
class Box:
    """A message box, dialog or file dialog that a user would have seen."""

    kind: str
    text: str
    detail: str = ""


shown: list[Box] = []
# Taken one a box: the text of a button ("Yes"), what a dialog or file dialog returns, or a function of the dialog.
answers: list[Any] = []


def _answer(box: Box) -> Any:
    if not answers:
        raise AssertionError(f"{box} waits for an answer: append one to host.answers first")
    return answers.pop(0)


def _exec_message(self: Any) -> int:
    buttons = QtWidgets.QMessageBox.StandardButton
    shown.append(Box(self.icon.name, self.text, self.detailedText))
    given = [b for b in buttons if b.value and b in self.standardButtons and bin(b.value).count("1") == 1]
    if len(given) < 2 and not answers:
        return int((given or [buttons.Ok])[0].value)
    answer = _answer(shown[-1])
    answer = answer(self) if callable(answer) else answer
    chosen = [b for b in given if b.name == answer]
    if not chosen:
        raise AssertionError(f"{shown[-1]} has no button {answer!r}; it has {[b.name for b in given]}")
    return int(chosen[0].value)


def _exec_dialog(self: Any) -> int:
    shown.append(Box(type(self).__name__, self.windowTitle))
    answer = _answer(shown[-1])
    return int(answer(self) if callable(answer) else answer)


def _file_dialog(name: str) -> Callable[..., str]:
    def ask(parent: Any = None, title: str = "", *_: Any) -> str:
        shown.append(Box(name, title))
        return str(_answer(shown[-1]))

    return ask


def _static(icon: str) -> Callable[..., Any]:
    def show(parent: Any, title: str, text: str, buttons: Any = None, default: Any = None) -> Any:
        box = QtWidgets.QMessageBox(parent)
        box.icon, box.windowTitle, box.text = getattr(QtWidgets.QMessageBox, icon), title, text
        if buttons is not None:
            box.standardButtons = buttons
        return QtWidgets.QMessageBox.StandardButton(_exec_message(box))

    return show


def install() -> None:
    """Let no dialog of Qt wait for a user."""
    box, dialog, files = (QtWidgets.QMessageBox, QtWidgets.QDialog, QtWidgets.QFileDialog)
    box.exec = box.exec_ = _exec_message  # type: ignore[assignment, method-assign]
    dialog.exec = dialog.exec_ = _exec_dialog  # type: ignore[assignment, method-assign]
    for icon in ("Question", "Information", "Warning", "Critical"):
        setattr(box, icon.lower(), staticmethod(_static(icon)))
    # PythonQt returns the path alone, PySide6 a pair.
    for name in ("getOpenFileName", "getSaveFileName", "getExistingDirectory"):
        setattr(files, name, staticmethod(_file_dialog(name)))
