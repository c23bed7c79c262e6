"""The series of a DICOMweb server: which there are, and their files in a folder here."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from monailabel_app.pacs import Pacs, Series, is_uid

# What others put into the archive shows after this time.
FRESH_SECONDS = 10.0
# Somebody who asks for what is not there makes us look again, but not more often than this.
_LOOK_AGAIN_SECONDS = 1.0


@dataclass(frozen=True)
class Listing:
    """What the server had.

    Attributes:
        when: When it was asked, on the monotonic clock.
        images: The image series by UID.
        segmentations: The series of DICOM Segmentations.
    """

    when: float = -math.inf
    images: Mapping[str, Series] = field(default_factory=dict)
    segmentations: tuple[Series, ...] = ()


class SeriesFolder:
    """Series of a DICOMweb server, downloaded when they are needed. Safe to use from several threads.

    Args:
        pacs: The server.
        folder: Where to.
        search: What narrows the images down, by DICOM keyword; ``{}`` for all.
    """

    def __init__(self, pacs: Pacs, folder: Path, search: Mapping[str, Any]) -> None:
        self._pacs = pacs
        self._folder = folder
        self._search = dict(search)
        self._lock = threading.RLock()
        self._listing = Listing()
        self._fetching: dict[str, threading.Lock] = {}

    def listing(self, fresh_seconds: float = FRESH_SECONDS) -> Listing:
        """What the server has, or had at most so long ago.

        Raises:
            PRSMedError: ``pacs_unreachable``.
        """
        with self._lock:
            if time.monotonic() - self._listing.when > fresh_seconds:
                self._listing = self._ask()
            return self._listing

    def refresh(self) -> None:
        """Ask the server anew when the listing is next needed."""
        with self._lock:
            self._listing = Listing(images=self._listing.images, segmentations=self._listing.segmentations)

    def find(self, uid: object) -> Series | None:
        """An image series, ``None`` when there is none of that UID."""
        if not isinstance(uid, str) or not is_uid(uid):
            return None
        return self.listing().images.get(uid) or self.listing(_LOOK_AGAIN_SECONDS).images.get(uid)

    def fetch(self, series: Series) -> Path:
        """The folder with a series' files, all of them.

        Raises:
            PRSMedError: ``pacs_unreachable``.
        """
        # A series that has grown since is another folder, so that nobody who reads the old one is disturbed.
        folder = self._folder / f"{series.uid}-{series.num_instances}"
        with self.lock_of(series.uid):
            if not folder.exists():
                self._pacs.download(series, folder)
        return folder

    def lock_of(self, uid: str) -> threading.Lock:
        """What to hold while a file of a series is being made."""
        with self._lock:
            return self._fetching.setdefault(uid, threading.Lock())

    def _ask(self) -> Listing:
        when = time.monotonic()
        found = self._pacs.find(self._search)
        segmentations = self._pacs.find({"Modality": "SEG"}) if self._search else found
        return Listing(
            when,
            {series.uid: series for series in found if series.is_image},
            tuple(series for series in segmentations if series.modality == "SEG"),
        )
