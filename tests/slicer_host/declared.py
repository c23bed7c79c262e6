"""Properties of the stand-ins' own widgets, as Qt's classes have them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from PySide6 import QtCore

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
