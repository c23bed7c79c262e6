"""Things that are dear to make, kept within a number of bytes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Value = TypeVar("Value")


class ByteCache(Generic[Value]):
    """Least recently used values go first when the memory is full. Safe to use from several threads.

    Of several threads that want the same value at once, one makes it and the others wait for that.

    Args:
        max_bytes: Memory it may hold; 0 keeps nothing.
        size: Bytes of a value.
    """

    def __init__(self, max_bytes: int, size: Callable[[Value], int]) -> None:
        self.max_bytes = max_bytes
        self.num_bytes = 0
        self.hits = 0
        self.misses = 0
        self._size = size
        self._items: OrderedDict[Hashable, Value] = OrderedDict()
        self._making: dict[Hashable, threading.Event] = {}
        self._lock = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], Value]) -> Value:
        """What is kept under ``key``, or what ``make`` makes now (its errors go to every caller that retries)."""
        while True:
            with self._lock:
                if key in self._items:
                    self.hits += 1
                    self._items.move_to_end(key)
                    return self._items[key]
                made_elsewhere = self._making.get(key)
                if made_elsewhere is None:
                    self.misses += 1
                    self._making[key] = threading.Event()
                    break
            made_elsewhere.wait()
        try:
            value = make()
            with self._lock:
                self._put(key, value)
            return value
        finally:
            with self._lock:
                self._making.pop(key).set()

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._items.clear()
            self.num_bytes = 0

    def _put(self, key: Hashable, value: Value) -> None:
        size = self._size(value)
        if size > self.max_bytes:
            return
        self._items[key] = value
        self.num_bytes += size
        while self.num_bytes > self.max_bytes:
            _, dropped = self._items.popitem(last=False)
            self.num_bytes -= self._size(dropped)
