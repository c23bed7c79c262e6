"""What the model has seen, kept within a number of bytes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable

from prsmed.model.outputs import Seen


class SeenCache:
    """Least recently used images go first when the memory is full. Safe to use from several threads.

    Args:
        max_bytes: Memory it may hold; 0 keeps nothing.
    """

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.num_bytes = 0
        self.hits = 0
        self.misses = 0
        self._items: OrderedDict[str, Seen] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: str, look: Callable[[], Seen]) -> Seen:
        """What was seen under ``key``, or what ``look`` sees now."""
        with self._lock:
            if key in self._items:
                self.hits += 1
                self._items.move_to_end(key)
                return self._items[key]
            self.misses += 1
        seen = look()
        with self._lock:
            self._put(key, seen)
        return seen

    def clear(self) -> None:
        """Forget every image."""
        with self._lock:
            self._items.clear()
            self.num_bytes = 0

    def _put(self, key: str, seen: Seen) -> None:
        if key in self._items or seen.num_bytes > self.max_bytes:
            return
        self._items[key] = seen
        self.num_bytes += seen.num_bytes
        while self.num_bytes > self.max_bytes:
            _, dropped = self._items.popitem(last=False)
            self.num_bytes -= dropped.num_bytes
