"""No question, no path and no patient in the log."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Collection

# MONAI Label tells requests, ids and paths at INFO.
_TALKATIVE = ("monailabel", "uvicorn.access", "dicomweb_client", "task_train", "task_scoring", "task_batch_infer")
_SHORTEST_ID = 4
_UID = re.compile(r"\b\d+(\.\d+){5,}\b")


def keep_quiet() -> None:
    """Let MONAI Label tell of troubles only, and nobody warn of the values in a file."""
    logging.captureWarnings(True)
    logging.getLogger("py.warnings").setLevel(logging.ERROR)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)


class Discretion(logging.Formatter):
    """Formats as another formatter does, and takes out DICOM UIDs, ids of images and paths of studies.

    Args:
        formatter: The other one; ``None`` for Python's plain one.
        places: Folders or addresses whose content must not be told.
        ids: Gives the ids of the images there are now. Called while a handler is locked, so it must take no lock.
    """

    def __init__(
        self, formatter: logging.Formatter | None, places: Collection[str], ids: Callable[[], Collection[str]]
    ) -> None:
        super().__init__()
        self._formatter = formatter or logging.Formatter()
        self._places = re.compile("|".join(rf"{re.escape(place)}[^'\"\n]*" for place in places if place) or r"(?!)")
        self._ids = ids

    def format(self, record: logging.LogRecord) -> str:
        """The line, with ``<path>`` and ``<image>`` where those were."""
        text = self._places.sub("<path>", self._formatter.format(record))
        text = _UID.sub("<uid>", text)
        if record.levelno >= logging.WARNING:
            for image_id in self._ids():
                if len(image_id) >= _SHORTEST_ID and image_id in text:
                    text = text.replace(image_id, "<image>")
        return text


def be_discreet(places: Collection[str], ids: Callable[[], Collection[str]]) -> None:
    """Let every handler of the process format with discretion."""
    loggers = [logging.getLogger(), *map(logging.getLogger, list(logging.root.manager.loggerDict))]
    for handler in {handler for logger in loggers for handler in logger.handlers}:
        handler.setFormatter(Discretion(handler.formatter, places, ids))
