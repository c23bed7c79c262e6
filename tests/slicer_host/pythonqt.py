"""Make PySide6's classes behave as PythonQt shows Qt's: properties are attributes, connections are written as strings.

PySide6's own classes are changed in place, for the whole process, so that objects Qt makes by itself (a `.ui` file's
children, a dialog's buttons) behave alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import BuiltinFunctionType, MethodType
from typing import Any

import main_thread
import shiboken6
from PySide6 import QtCore, QtGui, QtNetwork, QtWidgets

# Of each object (its C++ address) and signal: the functions connected, and what stands for them.
_connections: dict[tuple[int, str], list[tuple[Any, Callable[..., None]]]] = {}
STAND_INS = {"ctk", "qmrml", "segment_editor", "application"}


def _of_instance(method: Any) -> Any:
    """The method, unless it is a static one, which takes no instance."""
    return None if isinstance(method, BuiltinFunctionType) else method


class QtProperty:
    """A property of Qt as an attribute; on the class itself it stays the method it was."""

    def __init__(self, cls: type, name: str, writable: bool) -> None:
        capital = name[0].upper() + name[1:]
        self.name, self.writable = name, writable
        self.method = getattr(cls, name, None)
        self.getter = _of_instance(getattr(cls, f"is{capital}", None) or self.method)
        self.setter = _of_instance(getattr(cls, f"set{capital}", None))

    def __get__(self, instance: Any, owner: type) -> Any:
        if instance is None:
            return self.method
        return self.getter(instance) if self.getter else instance.property(self.name)

    def __set__(self, instance: Any, value: Any) -> None:
        if not self.writable:
            raise AttributeError(f"property {self.name!r} of {type(instance).__name__} is not writable")
        if self.setter:
            self.setter(instance, value)
        else:
            instance.setProperty(self.name, value)


def classes() -> Iterator[type]:
    """Every class of the modules that PythonQt shows, base classes before derived ones."""
    # PySide6 makes a class when it is asked for by name.
    found = [getattr(module, name) for module in (QtCore, QtGui, QtWidgets, QtNetwork) for name in dir(module)]
    objects = {c for c in found if isinstance(c, type) and issubclass(c, QtCore.QObject)}
    yield from sorted(objects, key=lambda c: (len(c.__mro__), c.__module__, c.__name__))


def _set_attribute(self: Any, name: str, value: Any) -> None:
    main_thread.check(f"{type(self).__name__}.{name}")
    declared = next((c.__dict__[name] for c in type(self).__mro__ if name in c.__dict__), None)
    if isinstance(declared, QtCore.Property):
        declared.fset(self, value)
    elif hasattr(declared, "__set__"):
        declared.__set__(self, value)
    elif name.startswith("_") or not _is_of_qt(type(self)) or isinstance(value, QtCore.SignalInstance):
        self.__dict__[name] = value  # PySide6 keeps a signal so, once it was asked for
    elif not (isinstance(value, QtCore.QObject) and value.objectName == name):  # so PySide6 marks what a file named
        # PythonQt says the same: a C++ object takes no attributes that it does not have.
        raise AttributeError(f"{type(self).__name__} has no property {name!r}, and takes no extra attributes")


def _is_of_qt(cls: type) -> bool:
    """Whether this class is written in C++, in Slicer."""
    return cls.__module__.startswith("PySide6") or cls.__module__ in STAND_INS


def _create(original: Callable[..., None], name: str) -> Callable[..., None]:
    def create(self: Any, *arguments: Any, **keywords: Any) -> None:
        main_thread.check(f"creation of {name}")
        original(self, *arguments, **keywords)

    return create


def _signature(sender: Any, signal: str) -> tuple[str, str | None]:
    """The normalized signature, and the name of a stand-in's own signal for it; an unknown one raises."""
    signature = bytes(QtCore.QMetaObject.normalizedSignature(signal).data()).decode()
    for cls in type(sender).__mro__:
        own = cls.__dict__.get("qtSignals", {})
        if signature in own:
            return signature, own[signature]
    if sender.metaObject().indexOfSignal(signature) < 0:
        raise ValueError(f"{sender.metaObject().className()} has no signal {signal!r}")
    return signature, None


def _taken(function: Any) -> int:
    """How many arguments PythonQt hands over: as many as a Python function takes, and all to anything else."""
    code = getattr(function, "__code__", None)
    if code is None or code.co_flags & 0x04:  # *args
        return 99
    return code.co_argcount - (getattr(function, "__self__", None) is not None)


def connect(sender: Any, signal: str, receiver: Any, slot: str | None = None) -> bool:
    """`sender.connect("clicked()", function)`, or with a receiver and one of its slots, as PythonQt has it."""
    signature, own = _signature(sender, signal)
    function = receiver if slot is None else getattr(receiver, slot.partition("(")[0])
    taken = _taken(function)

    def handler(*arguments: Any) -> None:
        function(*arguments[:taken])

    if own:
        getattr(sender, own).connect(handler)
    else:
        _connect(sender, QtCore.SIGNAL(signature), handler)
    key = (shiboken6.getCppPointer(sender)[0], signature)
    _connections.setdefault(key, []).append((function, handler))
    return True


def disconnect(sender: Any, signal: str, receiver: Any = None, slot: str | None = None) -> bool:
    """Undo `connect`; without a function, every connection of that signal."""
    signature, own = _signature(sender, signal)
    function = receiver if slot is None else getattr(receiver, slot.partition("(")[0])
    key = (shiboken6.getCppPointer(sender)[0], signature)
    pairs = _connections.get(key, [])
    gone = [pair for pair in pairs if function is None or pair[0] == function]
    for _, handler in gone:
        if own:
            getattr(sender, own).disconnect(handler)
        else:
            _disconnect(sender, QtCore.SIGNAL(signature), handler)
    _connections[key] = [pair for pair in pairs if pair not in gone]
    return bool(gone)


OWN = {"connect": connect, "disconnect": disconnect}
_connect, _disconnect = QtCore.QObject.connect, QtCore.QObject.disconnect


def install() -> None:
    """Change PySide6's classes; once a process."""
    if isinstance(QtCore.QObject.__dict__.get("name"), property):
        return
    for cls in classes():
        meta = cls.staticMetaObject
        for index in range(meta.propertyOffset(), meta.propertyCount()):
            found = meta.property(index)
            setattr(cls, found.name(), QtProperty(cls, found.name(), found.isWritable()))
        cls.__setattr__ = _set_attribute
        cls.__init__ = _create(cls.__init__, cls.__name__)
    base: Any = QtCore.QObject
    read = base.__getattribute__

    def get_attribute(self: Any, name: str) -> Any:
        main_thread.check(f"{type(self).__name__}.{name}")
        # PySide6 finds its own static methods of these names before any attribute of the class.
        return MethodType(OWN[name], self) if name in OWN else read(self, name)

    base.__getattribute__ = get_attribute
    # A menu has one of its own.
    QtWidgets.QMenu.__getattribute__ = get_attribute  # type: ignore[method-assign]
    base.name = property(lambda self: self.objectName, lambda self, name: self.setObjectName(name))
    base.className = lambda self: self.metaObject().className()
    base.delete = lambda self: shiboken6.delete(self)
