"""What is remarked on things whose own file never changes: one small JSON file a thing."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from prsmed.files import write_whole


class Remarks:
    """Remarks by name. Safe to use from several threads.

    Args:
        folder: Where they are kept; made when there are any.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()

    def of(self, name: str) -> dict[str, Any]:
        """The remarks on a thing, ``{}`` when there are none."""
        try:
            remarks = json.loads((self._folder / f"{name}.json").read_bytes())
        except FileNotFoundError:
            return {}
        return dict(remarks)

    def add(self, name: str, remarks: Mapping[str, Any]) -> None:
        """Remark more on a thing, in place of earlier remarks of the same key."""
        with self._lock:
            self._folder.mkdir(parents=True, exist_ok=True)
            text = json.dumps({**self.of(name), **remarks}, default=str)
            write_whole(text.encode(), self._folder / f"{name}.json")
