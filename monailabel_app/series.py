"""Which folders hold a DICOM series."""

from __future__ import annotations

import os
from pathlib import Path

import pydicom

from prsmed.imaging.dicom_header import is_image


class SeriesFinder:
    """Finds every folder at any depth that directly holds DICOM images.

    Args:
        root: Where to look; folders whose names begin with a dot are passed over.
        without: A folder of ``root`` to leave out.
    """

    def __init__(self, root: Path, without: str) -> None:
        self._root, self._without = root, Path(without)
        # Of each folder: its time of change in ns, and whether it holds any.
        self._scanned: dict[Path, tuple[int, bool]] = {}

    def find(self) -> dict[str, str]:
        """Every series: id to path relative to the root. A folder that has not changed is not looked into again."""
        series = {}
        for parent, folders, files in os.walk(self._root):
            folder = Path(parent)
            relative = folder.relative_to(self._root)
            is_left_out = relative == self._without
            folders[:] = [] if is_left_out else sorted(name for name in folders if not name.startswith("."))
            if not is_left_out and self._holds_images(folder, files):
                image_id = "__".join(relative.parts) or self._root.resolve().name
                series[image_id] = str(relative)
        return series

    def _holds_images(self, folder: Path, files: list[str]) -> bool:
        try:
            changed = folder.stat().st_mtime_ns
        except FileNotFoundError:  # deleted meanwhile
            return False
        if self._scanned.get(folder, (0, False))[0] != changed:
            self._scanned[folder] = changed, any(_is_image(folder / name) for name in sorted(files))
        return self._scanned[folder][1]


def _is_image(path: Path) -> bool:
    try:
        return is_image(pydicom.dcmread(path, stop_before_pixels=True))
    except Exception:  # pydicom raises many kinds for what only looks like DICOM
        return False
