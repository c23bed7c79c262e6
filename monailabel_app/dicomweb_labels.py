"""Labels in a DICOMweb server: which DICOM Segmentation is which image's label, and which of them is the newest.

A Segmentation of ours says its tag and all that was recorded of the label in a note (:mod:`prsmed.imaging.dicom_note`),
so that nothing depends on what this server keeps. Of one of other software, what a program drew by itself counts as
``original`` and what a person had a hand in as ``final``.
"""

from __future__ import annotations

import datetime
import logging
import threading
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pydicom
from monailabel.interfaces.datastore import DefaultLabelTag
from pydicom.dataset import Dataset

from monailabel_app.dicomweb_series import SeriesFolder
from monailabel_app.guard.names import check_tag
from monailabel_app.pacs import BadAnswer, Series
from prsmed.errors import PRSMedError
from prsmed.imaging.dicom_note import read_note
from prsmed.imaging.dicom_seg_read import segment_names

logger = logging.getLogger(__name__)

ORIGINAL, FINAL = DefaultLabelTag.ORIGINAL.value, DefaultLabelTag.FINAL.value
# Stock MONAI Label calls every label that somebody submitted automatic, and uploads no others.
_STOCK = "MONAILABEL"


@dataclass(frozen=True)
class Label:
    """One DICOM Segmentation that labels an image.

    Attributes:
        series: Its Series Instance UID.
        image: That of the image.
        tag: ``final``, ``original``, or another.
        written: When.
        algorithm_type: ``AUTOMATIC``, ``SEMIAUTOMATIC`` or ``MANUAL``.
        segments: Number and name of its segments.
        values: Name to value as it was saved; ``{}`` when other software wrote it.
        info: What was recorded with it.
        file: Where it was downloaded to.
    """

    series: str
    image: str
    tag: str
    written: datetime.datetime
    algorithm_type: str
    segments: Mapping[int, str]
    values: Mapping[str, int]
    info: Mapping[str, Any] = field(repr=False)
    file: Path = field(repr=False)

    def to_json(self) -> dict[str, Any]:
        """What a history tells of it."""
        return {
            "series": self.series,
            "written": self.written.isoformat(),
            "algorithm_type": self.algorithm_type,
            "names": list(self.segments.values()),
            "user": self.info.get("user"),
        }


class Labels:
    """The labels of a server's images, newest first. Safe to use from several threads.

    A Segmentation never changes, so each is downloaded and looked at once.

    Args:
        series: The server's series.
    """

    def __init__(self, series: SeriesFolder) -> None:
        self._series = series
        self._lock = threading.Lock()
        self._known: dict[Series, Label | None] = {}

    def shelve(self) -> dict[str, dict[str, list[Label]]]:
        """Every label of the images there are: by image and tag, newest first.

        Raises:
            PRSMedError: ``pacs_unreachable``.
        """
        listing = self._series.listing()
        shelf: dict[str, dict[str, list[Label]]] = defaultdict(lambda: defaultdict(list))
        for series in listing.segmentations:
            label = self._read(series)
            if label is not None and label.image in listing.images:
                shelf[label.image][label.tag].append(label)
        for tags in shelf.values():
            for labels in tags.values():
                labels.sort(key=lambda label: (label.written, label.series), reverse=True)
        return {image: dict(tags) for image, tags in shelf.items()}

    def _read(self, series: Series) -> Label | None:
        with self._lock:
            if series not in self._known:
                try:
                    self._known[series] = _newest(self._series.fetch(series))
                except BadAnswer:
                    logger.warning("A DICOM Segmentation was passed over; the DICOM server does not give it out")
                    return None
            return self._known[series]


def note_of(tag: str, values: Mapping[str, int], info: Mapping[str, Any]) -> dict[str, Any]:
    """What a Segmentation of ours says of itself."""
    return {"tag": tag, "values": dict(values), "info": dict(info)}


def _newest(folder: Path) -> Label | None:
    """The label in a series; of several objects in one series the newest."""
    labels = [label for file in sorted(folder.iterdir()) if (label := _label(file)) is not None]
    return max(labels, key=lambda label: label.written, default=None)


def _label(file: Path) -> Label | None:
    try:
        seg = pydicom.dcmread(file, stop_before_pixels=True)
        note = read_note(seg)
        values = note.get("values") or {}
        return Label(
            series=str(seg.SeriesInstanceUID),
            image=str(seg.ReferencedSeriesSequence[0].SeriesInstanceUID),
            tag=check_tag(str(note["tag"])) if note else _tag(seg),
            written=_written(seg),
            algorithm_type=str(seg.SegmentSequence[0].get("SegmentAlgorithmType") or ""),
            segments=segment_names(seg),
            values={str(name): int(value) for name, value in values.items()},
            info=dict(note.get("info") or {}),
            file=file,
        )
    except (PRSMedError, AttributeError, LookupError, TypeError, ValueError) as error:
        logger.warning(
            "A DICOM Segmentation was passed over; it names no image or no segment (%s)", type(error).__name__
        )
        return None


def _tag(seg: Dataset) -> str:
    segment = seg.SegmentSequence[0]
    is_automatic = segment.get("SegmentAlgorithmType") == "AUTOMATIC"
    return ORIGINAL if is_automatic and segment.get("SegmentAlgorithmName") != _STOCK else FINAL


def _written(seg: Dataset) -> datetime.datetime:
    """Date and time of the content; the epoch's when there are none, so that any other is newer."""
    for level in ("Content", "Series"):
        date, time = str(seg.get(f"{level}Date") or ""), str(seg.get(f"{level}Time") or "")
        whole, _, fraction = time.partition(".")
        try:
            return datetime.datetime.strptime(
                f"{date}{whole.ljust(6, '0')[:6]}.{fraction[:6] or '0'}", "%Y%m%d%H%M%S.%f"
            )
        except ValueError:
            continue
    return datetime.datetime(1970, 1, 1)
