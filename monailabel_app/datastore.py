"""A folder of studies: NIfTI, NRRD and picture files, and folders that each hold one DICOM series."""

from __future__ import annotations

import functools
import hashlib
import json
import logging
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock
from monailabel.datastore.local import DataModel, ImageLabelModel, LocalDatastore
from monailabel.interfaces.datastore import DefaultLabelTag
from monailabel.interfaces.exception import ImageNotFoundException
from watchdog.events import FileMovedEvent

from monailabel_app.convert import write_image
from monailabel_app.files import can_write, sweep_parts
from monailabel_app.guard.names import check_tag
from monailabel_app.series import SeriesFinder
from monailabel_app.settings import DEFAULT_STATE
from monailabel_app.zipped import zip_dataset
from prsmed.errors import PRSMedError
from prsmed.files import staged_copy, write_whole
from prsmed.imaging import read_volume

logger = logging.getLogger(__name__)

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
_LABELS, _CONFIG = "labels", "datastore_v2.json"
_SERIES_EXTENSION = ""
_QUICK_SECONDS, _REST = 0.05, 9


class StudyDatastore(LocalDatastore):  # type: ignore[misc]
    """MONAI Label's local datastore, which also lists DICOM series.

    A folder at any depth that directly holds DICOM images is one image. Its id is its path below the studies
    folder with ``__`` for ``/`` (``patient1/CT`` is ``patient1__CT``), or the studies folder's own name.

    Stock clients download an image as one file, so :meth:`get_image_uri` answers a series with an NRRD copy
    of the same geometry, made on first use in a private temporary folder; :meth:`close` deletes it.

    Safe to use from several threads. What was saved stays whole when the process is killed at any point: files are
    written beside their place and then moved there.

    Args:
        folder: The studies. MONAI Label keeps ``datastore_v2.json`` and ``labels/`` in it, or, when it cannot be
            written, in a folder of its own below ``state``.
        auto_reload: Watch for new and deleted files (a new series folder is found when its id is asked for).
        read_only: Do not reconcile the list of images with the folder at start.
        state: See ``folder``.
    """

    def __init__(
        self, folder: str, *, auto_reload: bool = False, read_only: bool = False, state: Path = DEFAULT_STATE
    ) -> None:
        # The base class calls methods below while it is being built.
        self._root = Path(folder)
        self._home = _home(self._root, state)
        self._labels_dir = _LABELS if self._home == self._root else str(self._home / _LABELS)
        (self._home / _LABELS).mkdir(exist_ok=True)
        sweep_parts(self._home / _LABELS)
        self._lock = threading.RLock()
        self._copying = threading.Lock()
        self._looked, self._look_seconds = 0.0, 0.0
        self._copies: tempfile.TemporaryDirectory[str] | None = None
        self._finder = SeriesFinder(self._root, _LABELS)
        self._series = self._finder.find()
        super().__init__(
            folder,
            labels_dir=self._labels_dir,
            datastore_config=str(self._home / _CONFIG),
            extensions=IMAGE_PATTERNS,
            auto_reload=auto_reload,
            read_only=read_only,
        )
        if auto_reload:
            # Files that are written whole come by being moved, also those of another process (a batch).
            self._handler.on_moved = self._on_moved

    @property
    def home(self) -> Path:
        """The folder of the datastore's own files: the studies', or one in its stead that can be written."""
        return self._home

    def ids(self) -> list[str]:
        """Ids of the images there are now; takes no lock."""
        return list(self._datastore.objects)

    def source(self, image_id: str) -> Path | None:
        """The file or DICOM series folder of an id; ``None`` when there is none."""
        with self._lock:
            if image_id not in self._datastore.objects and self._may_look():
                self.refresh()
            uri = super().get_image_uri(image_id)
        return Path(uri) if uri else None

    def group_of(self, image_id: str) -> str:
        """What an image must not be parted from in training: the outermost folder of a series, else itself."""
        return image_id.split("__")[0] if image_id in self._series else image_id

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
        with self._copying:
            if self._copies is not None:
                self._copies.cleanup()
                self._copies = None

    def _may_look(self) -> bool:
        """Whether to walk through the folder for an id nobody knows; where that takes long, then not all the time."""
        return time.monotonic() - self._looked > _REST * max(0.0, self._look_seconds - _QUICK_SECONDS)

    def _as_file(self, image_id: str, series: Path) -> Path:
        newest = max(file.stat().st_mtime_ns for file in series.iterdir())
        with self._copying:
            self._copies = self._copies or tempfile.TemporaryDirectory(prefix="prsmed-studies-")
            copy = Path(self._copies.name) / str(newest) / f"{image_id}.nrrd"
            if not copy.exists():
                copy.parent.mkdir(exist_ok=True)
                write_image(read_volume(series), copy)
        return copy

    @property
    def _lock_file(self) -> str:
        return str(self._home / ".lock")

    @_lock_file.setter
    def _lock_file(self, value: str) -> None:
        """The base class would put it into the studies."""

    def add_image(self, image_id: str, image_filename: str, image_info: dict[str, Any]) -> str:
        """Take an image into the studies, in place of one with its id.

        Raises:
            PRSMedError: ``read_only`` when the studies cannot be written.
        """
        if self._home != self._root:
            raise PRSMedError("read_only", "the server's folder of studies cannot be written; add the image there")
        with staged_copy(Path(image_filename), self._root) as part, self._changing():
            _, extension = self._to_id(os.path.basename(image_filename))
            old = self._datastore.objects.get(image_id)
            name = image_id + extension
            os.replace(part, self._root / name)
            if old and old.image.ext not in (extension, _SERIES_EXTENSION):
                (self._root / (image_id + old.image.ext)).unlink(missing_ok=True)
            info = {**image_info, "ts": int(time.time()), "name": name}
            self._datastore.objects[image_id] = ImageLabelModel(
                image=DataModel(info=info, ext=extension), labels=old.labels if old else {}
            )
            self._update_datastore_file()
        return image_id

    def remove_image(self, image_id: str) -> None:
        """Delete an image and its labels; never a DICOM series, whose folder may hold more.

        Raises:
            PRSMedError: ``read_only``.
        """
        if image_id in self._series:
            raise PRSMedError("read_only", "a DICOM series is not deleted over HTTP; delete its folder")
        with self._lock:
            super().remove_image(image_id)

    def update_image_info(self, image_id: str, info: dict[str, Any]) -> None:
        """Note something about an image.

        Raises:
            ImageNotFoundException: There is no such image.
        """
        with self._changing():
            super().update_image_info(image_id, info)

    def update_label_info(self, label_id: str, label_tag: str, info: dict[str, Any]) -> None:
        """Note something about a label.

        Raises:
            LabelNotFoundException: There is no such label.
        """
        with self._changing():
            super().update_label_info(label_id, label_tag, info)

    def get_dataset_archive(self, limit_cases: int | None) -> str:
        """A ZIP file of the images with a final label and these, for the caller to delete.

        Raises:
            PRSMedError: ``not_found`` when there is none.
        """
        final = DefaultLabelTag.FINAL.value
        images = self.get_labeled_images()[:limit_cases]
        pairs = [{"image": self.get_image_uri(image), "label": self.get_label_uri(image, final)} for image in images]
        return zip_dataset(pairs, self.json())

    def save_label(self, image_id: str, label_filename: str, label_tag: str, label_info: dict[str, Any]) -> str:
        """Keep a label, in place of the one the image has under the tag.

        Raises:
            ImageNotFoundException: There is no such image.
            PRSMedError: ``bad_tag``.
        """
        folder = Path(self._datastore.label_path(check_tag(label_tag)))
        folder.mkdir(parents=True, exist_ok=True)
        with staged_copy(Path(label_filename), folder) as part, self._changing():
            image = self._datastore.objects.get(image_id)
            if image is None:
                raise ImageNotFoundException(f"Image {image_id} not found")
            _, extension = self._to_id(os.path.basename(label_filename))
            name = image_id + extension
            os.replace(part, folder / name)
            old = image.labels.get(label_tag)
            info = {**label_info, "ts": int(time.time()), "name": name}
            image.labels[label_tag] = DataModel(info=info, ext=extension)
            self._update_datastore_file()
            if old and old.ext != extension:
                (folder / (image_id + old.ext)).unlink(missing_ok=True)
        return image_id

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """Change the list as it is now: another process may have saved something (batch inference does)."""
        with self._lock, FileLock(self._home / _LABELS / ".lock"):
            self._init_from_datastore_file()
            yield

    def _update_datastore_file(self, lock: bool = True) -> None:
        with self._lock:
            self._ignore_event_config = True
            text = json.dumps(self._datastore.model_dump(exclude={"base_path"}), indent=2, default=str)
            write_whole(text.encode(), Path(self._datastore_config_path))
            self._config_ts = os.stat(self._datastore_config_path).st_mtime

    def _init_from_datastore_file(self, throw_exception: bool = False) -> None:
        with self._lock:
            try:
                super()._init_from_datastore_file(throw_exception=True)
            except ValueError:
                # Never ours, which are whole; the images and labels themselves are found again by their files.
                damaged = Path(self._datastore_config_path)
                kept = damaged.with_name(f"{damaged.name}.damaged-{int(time.time())}")
                damaged.rename(kept)
                logger.error("%s is damaged; it was set aside as %s and begun anew", _CONFIG, kept.name)
            # A list that was moved names the place where its labels were.
            self._datastore.labels_dir = self._labels_dir

    def _on_moved(self, event: FileMovedEvent) -> None:
        is_own_list = event.dest_path == self._datastore_config_path and (
            os.stat(self._datastore_config_path).st_mtime == self._config_ts
        )
        if not is_own_list:
            self.refresh()

    def _reconcile_datastore(self) -> None:
        # Called by the file watcher's thread too; the base class empties and refills its list on the way.
        with self._lock, FileLock(self._home / _LABELS / ".lock"):
            began = time.monotonic()
            self._series = self._finder.find()
            super()._reconcile_datastore()
            self._looked = time.monotonic()
            self._look_seconds = self._looked - began

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


def _home(studies: Path, state: Path) -> Path:
    """Where the datastore's own files go."""
    studies.mkdir(parents=True, exist_ok=True)
    if can_write(studies):
        return studies
    home = state / f"{studies.name}-{hashlib.sha256(str(studies.resolve()).encode()).hexdigest()[:12]}"
    home.mkdir(parents=True, exist_ok=True)
    logger.warning("The studies cannot be written; labels and their list are kept in the state folder (PRSMED_STATE)")
    return home


def _locked(stock: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(stock)
    def method(self: StudyDatastore, *args: Any, **kwargs: Any) -> Any:
        with self._lock:
            return stock(self, *args, **kwargs)

    return method


# The stock methods that walk through the list while others may be changing it.
for _name in (
    *("datalist", "get_labeled_images", "get_unlabeled_images", "json", "list_images"),
    *("get_label_info", "get_label_uri", "remove_label", "status"),
):
    setattr(StudyDatastore, _name, _locked(getattr(LocalDatastore, _name)))
