"""A folder of studies: NIfTI, NRRD and picture files, and folders that each hold one DICOM series."""

from __future__ import annotations

import os
import tempfile
import threading
from pathlib import Path
from typing import Any

import pydicom
from monailabel.datastore.local import LocalDatastore
from pydicom.errors import InvalidDicomError

from monailabel_app.convert import write_image
from prsmed.imaging import read_volume
from prsmed.imaging.dicom_header import is_image

IMAGE_PATTERNS = (
    "*.nii.gz",
    "*.nii",
    "*.nrrd",
    "*.mha",
    "*.png",
    "*.jpg",
    "*.jpeg",
    "*.bmp",
    "*.tif",
    "*.tiff",
)
_LABELS = "labels"
_SERIES_EXTENSION = ""


class StudyDatastore(LocalDatastore):  # type: ignore[misc]
    """MONAI Label's local datastore, which also lists DICOM series.

    A folder at any depth that directly holds DICOM images is one image. Its id is its path below the studies
    folder with ``__`` for ``/`` (``patient1/CT`` is ``patient1__CT``), or the studies folder's own name.

    Stock clients download an image as one file, so :meth:`get_image_uri` answers a series with an NRRD copy
    of the same geometry, made on first use in a private temporary folder; :meth:`close` deletes it.

    Args:
        folder: The studies. MONAI Label keeps ``datastore_v2.json`` and ``labels/`` in it.
        auto_reload: Watch for new and deleted files (a new series folder is found when its id is asked for).
        read_only: Do not reconcile the list of images with the folder at start.
    """

    def __init__(self, folder: str, *, auto_reload: bool = False, read_only: bool = False) -> None:
        # The base class calls methods below while it is being built.
        self._root = Path(folder)
        self._lock = threading.RLock()
        self._copies: tempfile.TemporaryDirectory[str] | None = None
        self._scanned: dict[Path, tuple[int, bool]] = {}
        self._series = self._find_series()
        super().__init__(
            folder,
            labels_dir=_LABELS,
            extensions=IMAGE_PATTERNS,
            auto_reload=auto_reload,
            read_only=read_only,
        )

    def source(self, image_id: str) -> Path | None:
        """The file or DICOM series folder of an id; ``None`` when there is none."""
        with self._lock:
            if image_id not in self._datastore.objects:
                self.refresh()
            uri = super().get_image_uri(image_id)
        return Path(uri) if uri else None

    def get_image_uri(self, image_id: str) -> str:
        """Path of an id's image as one file; ``""`` for an unknown id.

        Raises:
            PRSMedError: The DICOM series cannot be read.
        """
        source = self.source(image_id)
        if source is None:
            return ""
        return str(self._as_file(image_id, source) if source.is_dir() else source)

    def get_image_info(self, image_id: str) -> dict[str, Any]:
        """What is recorded of an image; for a series, ``path`` and ``name`` are those of its file."""
        info: dict[str, Any] = super().get_image_info(image_id)
        if image_id in self._series:
            info["path"] = self.get_image_uri(image_id)
            info["name"] = Path(info["path"]).name
        return info

    def close(self) -> None:
        """Delete the copies of series."""
        with self._lock:
            if self._copies is not None:
                self._copies.cleanup()
                self._copies = None

    def _as_file(self, image_id: str, series: Path) -> Path:
        newest = max(file.stat().st_mtime_ns for file in series.iterdir())
        with self._lock:
            self._copies = self._copies or tempfile.TemporaryDirectory(prefix="prsmed-studies-")
            copy = Path(self._copies.name) / str(newest) / f"{image_id}.nrrd"
            if not copy.exists():
                copy.parent.mkdir(exist_ok=True)
                write_image(read_volume(series), copy)
        return copy

    def _reconcile_datastore(self) -> None:
        # Called by the file watcher's thread too; the base class empties and refills its list on the way.
        with self._lock:
            self._series = self._find_series()
            super()._reconcile_datastore()

    def _list_files(self, path: str, patterns: list[str]) -> dict[str, str]:
        files: dict[str, str] = super()._list_files(path, patterns)
        if path == self._datastore.image_path():
            files.update({image_id: image_id for image_id in self._series})
        return files

    def _to_id(self, file: str) -> tuple[str, str]:
        if file in self._series:
            return file, _SERIES_EXTENSION
        image_id, extension = super()._to_id(file)
        return image_id, extension

    def _filename(self, id: str, ext: str) -> str:
        if ext == _SERIES_EXTENSION:
            return self._series.get(id, id)
        return id + ext

    def _find_series(self) -> dict[str, str]:
        """Every series folder: id to path relative to the studies."""
        series = {}
        for parent, folders, files in os.walk(self._root):
            folder = Path(parent)
            relative = folder.relative_to(self._root)
            is_labels = relative == Path(_LABELS)
            folders[:] = [] if is_labels else sorted(name for name in folders if not name.startswith("."))
            if not is_labels and self._holds_dicom(folder, files):
                image_id = "__".join(relative.parts) or self._root.resolve().name
                series[image_id] = str(relative)
        return series

    def _holds_dicom(self, folder: Path, files: list[str]) -> bool:
        changed = folder.stat().st_mtime_ns
        if self._scanned.get(folder, (0, False))[0] != changed:
            self._scanned[folder] = changed, any(_is_dicom_image(folder / name) for name in sorted(files))
        return self._scanned[folder][1]


def _is_dicom_image(path: Path) -> bool:
    try:
        return is_image(pydicom.dcmread(path, stop_before_pixels=True))
    except (InvalidDicomError, EOFError, OSError):
        return False
