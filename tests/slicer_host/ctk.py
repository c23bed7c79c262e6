"""`ctk`: the widgets of the Common Toolkit that panels use; any other says that it has no stand-in."""

from __future__ import annotations

from typing import Any

from ctk_widgets import (
    ctkCollapsibleButton,
    ctkComboBox,
    ctkFittedTextBrowser,
    ctkMessageBox,
    ctkPathLineEdit,
    ctkRangeWidget,
    ctkSliderWidget,
)

WIDGETS: dict[str, Any] = {
    cls.__name__: cls
    for cls in (
        ctkCollapsibleButton,
        ctkComboBox,
        ctkFittedTextBrowser,
        ctkMessageBox,
        ctkPathLineEdit,
        ctkRangeWidget,
        ctkSliderWidget,
    )
}


def __getattr__(name: str) -> Any:
    if name.startswith("ctk"):
        raise NotImplementedError(f"no stand-in for {name} in tests/slicer_host/ctk_widgets.py: add one")
    raise AttributeError(name)
