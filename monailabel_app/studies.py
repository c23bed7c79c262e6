"""The images behind the ids of a datastore, read once and kept while memory allows."""

from __future__ import annotations

import threading
from collections import OrderedDict
from pathlib import Path
from typing import Any

from prsmed.errors import PRSMedError
from prsmed.imaging import Volume, read_volume

CACHE_BYTES = 1 << 30
# What a file was when it was read: path, newest change in ns, bytes.
_Stamp = tuple[str, int, int]


class VolumeCache:
    """Volumes by file, least recently used out first.

    A file that changes on disk is read again: the key is its path, time of change and size (for a series
    folder: the newest file's time and the sum of sizes).

    Args:
        max_bytes: Upper bound of the voxels kept; a larger volume is read every time.
    """

    def __init__(self, max_bytes: int = CACHE_BYTES) -> None:
        self._max_bytes = max_bytes
        self._volumes: OrderedDict[_Stamp, Volume] = OrderedDict()
        self._lock = threading.Lock()

    def read(self, path: Path) -> Volume:
        """The volume in a file or series folder.

        Raises:
            PRSMedError: Whatever ``read_volume`` says of it.
        """
        stamp = _stamp(path)
        with self._lock:
            if stamp in self._volumes:
                self._volumes.move_to_end(stamp)
                return self._volumes[stamp]
        volume = read_volume(path)
        with self._lock:
            self._volumes[stamp] = volume
            while self.nbytes > self._max_bytes:
                self._volumes.popitem(last=False)
        return volume

    @property
    def nbytes(self) -> int:
        """Bytes of voxels kept now."""
        return sum(volume.voxels.nbytes for volume in self._volumes.values())


def locate(datastore: Any, image: Any, upload_folders: tuple[Path, ...]) -> Path:
    """Where an image is: its id's file or series folder, or a file a client has just uploaded.

    Args:
        datastore: MONAI Label datastore; ours knows the ``source`` of an id, others its ``get_image_uri``.
        image: The id, or the path MONAI Label gave an upload.
        upload_folders: Where MONAI Label puts uploads; no other path of the server is ever opened.

    Raises:
        PRSMedError: ``unknown_image``.
    """
    if isinstance(image, str) and image:
        find = getattr(datastore, "source", datastore.get_image_uri)
        found = find(image)
        if found and Path(found).exists():
            return Path(found)
        path = Path(image).resolve()
        if path.is_absolute() and path.exists() and any(folder in path.parents for folder in upload_folders):
            return path
    shown = image[:60] if isinstance(image, str) else type(image).__name__
    raise PRSMedError("unknown_image", f"there is no image {shown!r}; GET /datastore/?output=all lists the ids")


def _stamp(path: Path) -> _Stamp:
    files = [path] if path.is_file() else [file for file in path.iterdir() if file.is_file()]
    stats = [file.stat() for file in files]
    return (
        str(path),
        max((stat.st_mtime_ns for stat in stats), default=0),
        sum(stat.st_size for stat in stats),
    )
