"""What the model makes of each image, kept on disk for one version of the model."""

from __future__ import annotations

import base64
import json
import logging
import threading
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from prsmed.files import write_whole
from prsmed.inference import MEASURES, ModelVersion, Uncertainty

logger = logging.getLogger(__name__)

FILE = "scores.json"
_SCHEMA = "prsmed.scores/1"


@dataclass(frozen=True)
class Scored:
    """An image that was looked at.

    Attributes:
        stamp: State of its file then (:func:`~monailabel_app.studies.stamp`).
        question: What was asked of it.
        doubts: What came of it.
    """

    stamp: str
    question: str
    doubts: Uncertainty


class Scores:
    """Doubts by image and question asked, of one version of the model. Safe to use from several threads.

    ``asked`` is the question of all images, or ``""`` where each is asked what fits its kind.

    Args:
        file: Where they are kept; nowhere when ``None``.
    """

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._version = ModelVersion("", "")
        self._scored: dict[tuple[str, str], Scored] = {}
        self._unreadable: dict[str, tuple[str, str]] = {}
        self._is_saved = True

    @property
    def version(self) -> ModelVersion:
        """Whose they are."""
        return self._version

    def load(self) -> None:
        """Read what an earlier process kept; what is damaged is begun anew."""
        if self._file is None or not self._file.exists():
            return
        try:
            told = json.loads(self._file.read_bytes())
            if told["schema"] != _SCHEMA:
                return
            version = ModelVersion(str(told["version"]), str(told["sha256"]))
            scored = {(str(row["image"]), str(row["asked"])): _from_json(row) for row in told["scored"]}
            unreadable = {str(row["image"]): (str(row["stamp"]), str(row["reason"])) for row in told["unreadable"]}
        except (OSError, ValueError, TypeError, KeyError):
            logger.warning("%s is damaged and is begun anew", FILE)
            return
        with self._lock:
            self._version, self._scored, self._unreadable = version, scored, unreadable

    def save(self) -> None:
        """Write what has changed, whole or not at all; told in the log when it cannot be."""
        with self._lock:
            if self._file is None or self._is_saved:
                return
            content = {
                "schema": _SCHEMA,
                "version": self._version.version,
                "sha256": self._version.sha256,
                "scored": [{"image": image, "asked": asked, **_to_json(each)} for (image, asked), each in self._rows()],
                "unreadable": [
                    {"image": image, "stamp": stamp, "reason": reason}
                    for image, (stamp, reason) in self._unreadable.items()
                ],
            }
            self._is_saved = True
        try:
            write_whole(json.dumps(content).encode(), self._file)
        except OSError as error:
            logger.warning("Scores cannot be kept: %s", type(error).__name__)

    def begin(self, version: ModelVersion, images: Collection[str], asked: Collection[str]) -> None:
        """Forget what another version made of the images, images that are gone, and questions no longer asked."""
        with self._lock:
            known = version == self._version
            kept = {key: each for key, each in self._scored.items() if known and key[0] in images and key[1] in asked}
            readable = {image: each for image, each in self._unreadable.items() if image in images}
            self._is_saved &= known and len(kept) == len(self._scored) and len(readable) == len(self._unreadable)
            self._version, self._scored, self._unreadable = version, kept, readable

    def put(self, version: ModelVersion, image: str, asked: str, scored: Scored) -> None:
        """Keep what a version made of an image, unless another has come meanwhile."""
        with self._lock:
            if version == self._version:
                self._scored[image, asked] = scored
                self._is_saved = False

    def get(self, image: str, asked: str) -> Scored | None:
        """What the model makes of an image; ``None`` when it has not looked yet."""
        return self._scored.get((image, asked))

    def note_unreadable(self, image: str, stamp: str, reason: str) -> None:
        """Nobody can look at it as it is now."""
        with self._lock:
            self._unreadable[image] = (stamp, reason)
            self._is_saved = False

    def why_unreadable(self, image: str, stamp: str) -> str:
        """The reason, ``""`` when none is known of the file as it is now."""
        known, reason = self._unreadable.get(image, ("", ""))
        return reason if known == stamp else ""

    @property
    def unreadable(self) -> dict[str, str]:
        """Images that could not be read when last tried, with the reason."""
        return {image: reason for image, (_, reason) in list(self._unreadable.items())}

    def _rows(self) -> list[tuple[tuple[str, str], Scored]]:
        return list(self._scored.items())


def _to_json(scored: Scored) -> dict[str, Any]:
    doubts = scored.doubts
    return {
        "stamp": scored.stamp,
        "question": scored.question,
        "scores": doubts.scores,
        "probability": doubts.probability,
        "text_zone": doubts.text_zone,
        "mask_zone": doubts.mask_zone,
        "features": base64.b64encode(doubts.features.astype("<f2").tobytes()).decode(),
    }


def _from_json(row: dict[str, Any]) -> Scored:
    features = np.frombuffer(base64.b64decode(row["features"], validate=True), "<f2").astype(np.float32)
    text_zone = row["text_zone"]
    doubts = Uncertainty(
        {name: float(row["scores"][name]) for name in MEASURES},
        float(row["probability"]),
        None if text_zone is None else str(text_zone),
        str(row["mask_zone"]),
        features,
    )
    return Scored(str(row["stamp"]), str(row["question"]), doubts)
