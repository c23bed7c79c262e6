"""Which of our volumes a server already has.

Only in memory: an id that was saved with a scene could name another patient's study on another computer's server, and
a node that was copied and changed would still carry it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import slicer

from PRSMedLib import volumes
from PRSMedLib.server import Server


@dataclass(frozen=True)
class _Place:
    address: str
    stamp: tuple[Any, ...]
    source: dict[str, str]


@dataclass
class Known:
    """Remembers where a server has a volume, for as long as its voxels and geometry are those it has."""

    _places: dict[str, _Place] = field(default_factory=dict)

    def remember(
        self, volumeNode: slicer.vtkMRMLVolumeNode, server: Server, source: dict[str, str], stamp: tuple[Any, ...]
    ) -> None:
        """The server has what the volume was at ``stamp``, as ``{"image": ID}`` or ``{"session_id": ID}``."""
        self._places[volumeNode.GetID()] = _Place(server.address, stamp, source)

    def source(self, volumeNode: slicer.vtkMRMLVolumeNode, server: Server) -> dict[str, str] | None:
        """Where the server has this very image; ``None`` when it has not.

        Raises:
            Problem: ``empty_volume``.
        """
        stamp, place = volumes.stamp(volumeNode), self._places.get(volumeNode.GetID())
        if place is None or place.address != server.address or place.stamp != stamp:
            return None
        return place.source

    def study(self, volumeNode: slicer.vtkMRMLVolumeNode, server: Server) -> str | None:
        """Its id among the server's studies; ``None`` when it is not one of them."""
        return (self.source(volumeNode, server) or {}).get("image")

    def forget(self, volumeNode: slicer.vtkMRMLNode | None = None) -> None:
        """Forget a volume; without one, all."""
        if volumeNode is None:
            self._places.clear()
        else:
            self._places.pop(volumeNode.GetID(), None)
