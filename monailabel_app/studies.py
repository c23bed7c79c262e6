"""The images behind the ids of a datastore, read once and kept while memory allows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from prsmed.errors import PRSMedError
from prsmed.imaging import Volume, read_volume
from prsmed.inference import ByteCache

# What a file was when it was read: path, newest change in ns, bytes.
_Stamp = tuple[str, int, int]


class VolumeCache:
    """Volumes by file, least recently used out first.

    A file that changes on disk is read again: the key is its path, time of change and size (for a series
    folder: the newest file's time and the sum of sizes).

    Args:
        max_bytes: Upper bound of the voxels kept; a larger volume is read every time.
    """

    def __init__(self, max_bytes: int) -> None:
        self.kept: ByteCache[Volume] = ByteCache(max_bytes, lambda volume: volume.voxels.nbytes)

    def read(self, path: Path) -> Volume:
        """The volume in a file or series folder.

        Raises:
            PRSMedError: Whatever ``read_volume`` says of it.
        """
        return self.kept.get(_stamp(path), lambda: read_volume(path))


def locate(datastore: Any, image: Any) -> Path:
    """Where an image is: its id's file or series folder.

    Args:
        datastore: MONAI Label datastore; ours knows the ``source`` of an id, others its ``get_image_uri``.
        image: What the client says is an id.

    Raises:
        PRSMedError: ``unknown_image``.
    """
    if isinstance(image, str) and image:
        find = getattr(datastore, "source", datastore.get_image_uri)
        found = find(image)
        if found and Path(found).exists():
            return Path(found)
    shown = image[:60] if isinstance(image, str) else type(image).__name__
    raise PRSMedError("unknown_image", f"there is no image {shown!r}; GET /datastore/?output=all lists the ids")


def stamp(path: Path) -> str:
    """What a file or series folder is now; another text when it has changed."""
    _, newest, size = _stamp(path)
    return f"{newest}-{size}"


def _stamp(path: Path) -> _Stamp:
    files = [path] if path.is_file() else [file for file in path.iterdir() if file.is_file()]
    stats = [file.stat() for file in files]
    return (
        str(path),
        max((stat.st_mtime_ns for stat in stats), default=0),
        sum(stat.st_size for stat in stats),
    )
