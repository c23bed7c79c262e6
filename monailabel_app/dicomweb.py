"""A DICOMweb server's images as MONAI Label's datastore; labels go back as DICOM Segmentations.

What was labelled and how is read from the server, so several of these may stand before one archive.
"""

from __future__ import annotations

import datetime
import io
import logging
import tempfile
import threading
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pydicom
from monailabel.datastore.dicom import DICOMWebDatastore
from monailabel.interfaces.exception import ImageNotFoundException, LabelNotFoundException
from monailabel.utils.others.generic import md5_digest

from monailabel_app.convert import write_image
from monailabel_app.dicomweb_labels import FINAL, ORIGINAL, Label, Labels
from monailabel_app.dicomweb_series import SeriesFolder
from monailabel_app.dicomweb_write import to_dicom
from monailabel_app.guard.names import check_tag
from monailabel_app.pacs import Pacs, Series
from monailabel_app.remarks import Remarks
from monailabel_app.zipped import zip_dataset
from prsmed.errors import PRSMedError
from prsmed.imaging import read_volume, write_labelmap
from prsmed.imaging.dicom_seg_read import read_seg, segment_values
from prsmed.imaging.dicom_source import read_headers

logger = logging.getLogger(__name__)

_IMAGE_ENDING, _LABEL_ENDING = ".nrrd", ".nii.gz"
_DESCRIPTION = "Images of a DICOMweb server"


class RemoteStudies(DICOMWebDatastore):  # type: ignore[misc]
    """MONAI Label's datastore of a DICOMweb server.

    An image is a series; its id is its Series Instance UID, and so is that of its labels. Of each tag the newest label
    counts, and older ones are kept in the archive and told in the ``history`` of
    :meth:`get_label_info`. Nothing is ever deleted there.

    Safe to use from several threads. Series appear in the cache once they are complete.

    Args:
        pacs: The server.
        cache: Folder for downloaded series and segmentations, which are kept, and for remarks on images.
        search: What narrows the images down, by DICOM keyword; ``{}`` for all.
        as_file: Give stock clients an image as one NRRD file instead of its folder.

    Attributes:
        home: The folder of the datastore's own files, ``cache``.
    """

    # The base class's own constructor would begin a list of files, and a watch on them, that this class does not use.
    def __init__(
        self, pacs: Pacs, cache: Path, *, search: Mapping[str, Any] | None = None, as_file: bool = True
    ) -> None:
        cache.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.home = cache
        self._pacs = pacs
        self._as_file = as_file
        self._series = SeriesFolder(pacs, cache / "series", search or {})
        self._labels = Labels(self._series)
        self._remarks = Remarks(cache / "remarks")
        self._lock = threading.Lock()
        self._saving = threading.Lock()
        self._copies: tempfile.TemporaryDirectory[str] | None = None

    # Images

    def list_images(self) -> list[str]:
        """Ids of the images.

        Raises:
            PRSMedError: ``pacs_unreachable``, as everywhere below.
        """
        return list(self._series.listing().images)

    def source(self, image_id: str) -> Path | None:
        """The folder of an image's DICOM series, downloaded first where need be; ``None`` when there is none."""
        series = self._series.find(image_id)
        return self._series.fetch(series) if series else None

    def group_of(self, image_id: str) -> str:
        """What an image must not be parted from in training: its study."""
        series = self._series.find(image_id)
        return series.study if series else image_id

    def get_image_uri(self, image_id: str) -> str:
        """Path of an image as one file (or its folder, see ``as_file``); ``""`` for an unknown id.

        Raises:
            PRSMedError: The series cannot be read.
        """
        source = self.source(image_id)
        if source is None or not self._as_file:
            return str(source or "")
        copy = self._copy_of(source.name) / f"{image_id}{_IMAGE_ENDING}"
        with self._series.lock_of(image_id):
            if not copy.exists():
                part = copy.with_name(f"part-{copy.name}")
                write_image(read_volume(source), part)
                part.replace(copy)
        return str(copy)

    def get_image(self, image_id: str, params: object = None) -> io.BytesIO | None:
        """The file of an image."""
        return _content(self.get_image_uri(image_id))

    def get_image_info(self, image_id: str) -> dict[str, Any]:
        """What is known of an image, nothing of which is about the patient; ``{}`` for an unknown id."""
        series = self._series.find(image_id)
        return self._image_info(series) if series else {}

    def update_image_info(self, image_id: str, info: Mapping[str, Any]) -> None:
        """Remark something on an image.

        Raises:
            ImageNotFoundException: There is no such image.
        """
        if self._series.find(image_id) is None:
            raise ImageNotFoundException(f"Image {str(image_id)[:64]} not found")
        self._remarks.add(image_id, info)

    # Labels

    def get_labeled_images(self, label_tag: str | None = None, labels: list[str] | None = None) -> list[str]:
        """Ids of the images with a label of the tag, ``final`` when left out."""
        shelf = self._labels.shelve()
        return [image for image in self.list_images() if shelf.get(image, {}).get(label_tag or FINAL)]

    def get_unlabeled_images(self, label_tag: str | None = None, labels: list[str] | None = None) -> list[str]:
        """Ids of the images without a label of the tag, ``final`` when left out."""
        labelled = set(self.get_labeled_images(label_tag))
        return [image for image in self.list_images() if image not in labelled]

    def get_labels_by_image_id(self, image_id: str) -> dict[str, str]:
        """The tags an image has labels of, each with the label's id."""
        return dict.fromkeys(self._labels.shelve().get(image_id, {}), image_id)

    def get_label_by_image_id(self, image_id: str, tag: str) -> str:
        """The id of an image's label, ``""`` when it has none of the tag."""
        return self.get_labels_by_image_id(image_id).get(tag, "")

    def history(self, image_id: str, tag: str = FINAL) -> list[Label]:
        """Every label of an image with a tag, newest first."""
        return self._labels.shelve().get(image_id, {}).get(tag, [])

    def get_label_uri(self, label_id: str, label_tag: str, image_id: str = "") -> str:
        """Path of the newest label as NIfTI on its image's full grid; ``""`` when there is none.

        Raises:
            PRSMedError: :func:`~prsmed.imaging.dicom_seg_read.read_seg`'s, when the Segmentation does not fit.
        """
        newest = next(iter(self.history(label_id, label_tag)), None)
        return str(self.label_file(newest)) if newest else ""

    def label_file(self, label: Label) -> Path:
        """A label, the newest or an older one, as NIfTI on its image's full grid.

        Raises:
            PRSMedError: As :meth:`get_label_uri`.
        """
        source, values = self._source_of(label.image), self._values(label)
        file = (
            self._copy_of(f"{label.series}-{md5_digest(str(values))}-{source.name}") / f"{label.image}{_LABEL_ENDING}"
        )
        with self._series.lock_of(label.series):
            if not file.exists():
                volume = read_volume(source)
                labels, _ = read_seg(pydicom.dcmread(label.file), volume, read_headers(source), values)
                part = file.with_name(f"part-{file.name}")
                write_labelmap(labels, volume, part)
                part.replace(file)
        return file

    def get_label(self, label_id: str, label_tag: str, params: object = None) -> io.BytesIO | None:
        """The file of the newest label."""
        return _content(self.get_label_uri(label_id, label_tag))

    def get_label_info(self, label_id: str, label_tag: str) -> dict[str, Any]:
        """What was recorded with the newest label, its ``label_names`` and the ``history`` of older ones."""
        labels = self.history(label_id, label_tag)
        return self._label_info(labels) if labels else {}

    def update_label_info(self, label_id: str, label_tag: str, info: Mapping[str, Any]) -> None:
        """Remark something on the newest label; the Segmentation itself stays as it is.

        Raises:
            LabelNotFoundException: There is no such label.
        """
        labels = self.history(label_id, label_tag)
        if not labels:
            raise LabelNotFoundException(f"Label: {label_id} Tag: {label_tag} not found")
        self._remarks.add(labels[0].series, info)

    def save_label(
        self, image_id: str, label_filename: str, label_tag: str, label_info: Mapping[str, Any], label_id: str = ""
    ) -> str:
        """Store a label as a DICOM Segmentation, with a measurement report where ``label_info`` has findings.

        Args:
            image_id: Of the image.
            label_filename: A label map on its grid.
            label_tag: ``original`` for a prediction, ``final`` for what a person has corrected or approved.
            label_info: Recorded with it, in the Segmentation itself.
            label_id: Unused; a label's id is its image's.

        Raises:
            ImageNotFoundException: There is no such image.
            PRSMedError: :func:`~monailabel_app.dicomweb_write.to_dicom`'s; nothing is stored then.
        """
        source = self._source_of(image_id)
        with self._saving:
            latest = max((label.written for label in self.history(image_id, check_tag(label_tag))), default=None)
            now = datetime.datetime.now()
            written = now if latest is None else max(now, latest + datetime.timedelta(microseconds=1))
            predicted = self.get_label_info(image_id, ORIGINAL)
            objects = to_dicom(source, Path(label_filename), label_tag, label_info or {}, predicted, written)
            self._pacs.store(objects)
            self.refresh()
        return image_id

    def as_dicom_seg(self, image_id: str, mask_file: Path, answer: Mapping[str, Any]) -> bytes:
        """A predicted mask as a DICOM Segmentation, for a client; it is not stored.

        Args:
            image_id: Of the image.
            mask_file: On its grid.
            answer: The JSON of the answer.

        Raises:
            ImageNotFoundException: There is no such image.
            PRSMedError: :func:`~monailabel_app.dicomweb_write.to_dicom`'s.
        """
        source = self._source_of(image_id)
        info = {"model": str(answer.get("task") or "prsmed"), "params": dict(answer)}
        seg, *_ = to_dicom(source, mask_file, ORIGINAL, info, {}, datetime.datetime.now())
        file = io.BytesIO()
        seg.save_as(file, write_like_original=False)
        return file.getvalue()

    # Everything together

    def datalist(self, full_path: bool = True) -> list[dict[str, Any]]:
        """Each image with a final label, and its newest: what training takes. One that does not fit is left out."""
        pairs = []
        for image in self.get_labeled_images():
            try:
                pair = {"image": self.get_image_uri(image), "label": self.get_label_uri(image, FINAL)}
            except PRSMedError as error:
                if error.code == "pacs_unreachable":
                    raise
                logger.warning("A label does not fit its image and is not used: %s", error.code)
                continue
            pairs.append(pair if full_path else {key: Path(path).name for key, path in pair.items()})
        return pairs

    def get_dataset_archive(self, limit_cases: int | None) -> str:
        """A ZIP file with :meth:`datalist`, for the caller to delete."""
        pairs = self.datalist()
        return zip_dataset(pairs[:limit_cases] if limit_cases else pairs, self.json())

    def status(self) -> dict[str, Any]:
        """How many images there are, how many have a final label, and how many have one of each tag."""
        tags: defaultdict[str, int] = defaultdict(int)
        for image_tags in self._labels.shelve().values():
            for tag in image_tags:
                tags[tag] += 1
        return {"total": len(self.list_images()), "completed": len(self.get_labeled_images()), "label_tags": dict(tags)}

    def json(self) -> dict[str, Any]:
        """Images and labels in the form of MONAI Label's local datastore."""
        shelf = self._labels.shelve()
        objects = {
            uid: {
                "image": {"ext": _IMAGE_ENDING, "info": self._image_info(series)},
                "labels": {
                    tag: {"ext": _LABEL_ENDING, "info": self._label_info(labels)}
                    for tag, labels in shelf.get(uid, {}).items()
                },
            }
            for uid, series in self._series.listing().images.items()
        }
        return {"name": self.name(), "description": _DESCRIPTION, "objects": objects}

    def name(self) -> str:
        """What stock clients show; the server's address may hold a password."""
        return "DICOMweb"

    def description(self) -> str:
        """What this is."""
        return _DESCRIPTION

    def refresh(self) -> None:
        """Look anew at what the server has, when next asked."""
        self._series.refresh()

    def close(self) -> None:
        """Delete the files made for stock clients; downloaded series stay."""
        with self._lock:
            if self._copies is not None:
                self._copies.cleanup()
                self._copies = None

    def _refuse(self, *args: object, **kwargs: object) -> None:
        """Not here.

        Raises:
            PRSMedError: ``read_only``.
        """
        raise PRSMedError(
            "read_only", "images are added and deleted in the DICOM server itself; of a label, save a newer one"
        )

    add_image = remove_image = remove_label = set_name = set_description = _refuse

    def _source_of(self, image_id: str) -> Path:
        source = self.source(image_id)
        if source is None:
            raise ImageNotFoundException(f"Image {str(image_id)[:64]} not found")
        return source

    def _values(self, label: Label) -> dict[str, int]:
        """Value of each name: as it was saved; of other software's labels as in those that were saved here."""
        usual: dict[str, int] = {}
        if not label.values:
            others = [other for labels in self._labels.shelve().get(label.image, {}).values() for other in labels]
            for other in sorted(others, key=lambda other: other.written):
                usual.update(other.values)
        return segment_values(label.segments, label.values or usual)

    def _image_info(self, series: Series) -> dict[str, Any]:
        return {
            "SeriesInstanceUID": series.uid,
            "StudyInstanceUID": series.study,
            "Modality": series.modality,
            "SeriesDescription": series.description,
            "name": f"{series.uid}{_IMAGE_ENDING}",
            **self._remarks.of(series.uid),
        }

    def _label_info(self, labels: list[Label]) -> dict[str, Any]:
        newest, *older = labels
        return {
            **newest.info,
            "label_names": self._values(newest),
            "SeriesInstanceUID": newest.series,
            "algorithm_type": newest.algorithm_type,
            "ts": int(newest.written.timestamp()),
            "name": f"{newest.image}{_LABEL_ENDING}",
            "history": [label.to_json() for label in older],
            **self._remarks.of(newest.series),
        }

    def _copy_of(self, name: str) -> Path:
        with self._lock:
            self._copies = self._copies or tempfile.TemporaryDirectory(prefix="prsmed-studies-")
            folder = Path(self._copies.name) / name
            folder.mkdir(exist_ok=True)
        return folder


def _content(uri: str) -> io.BytesIO | None:
    return io.BytesIO(Path(uri).read_bytes()) if uri else None
