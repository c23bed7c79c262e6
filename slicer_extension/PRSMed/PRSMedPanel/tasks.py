"""Jobs and their timer: what threads tell is delivered in the main thread, while the event loop runs."""

from __future__ import annotations

import logging
import time
from typing import Any

import qt

from PRSMedLib.jobs import Job

_INTERVAL_MS = 10
# Slicer's event loop keeps Python's lock: threads run only while the main thread sleeps in Python.
_YIELD_SECONDS = 0.01


class Tasks:
    """The jobs under way. The timer runs only while there are some."""

    def __init__(self) -> None:
        self._jobs: list[Job[Any]] = []
        self._timer = qt.QTimer()
        self._timer.setInterval(_INTERVAL_MS)
        self._timer.connect("timeout()", self.deliver)

    def start(self, job: Job[Any]) -> None:
        """Begin a job."""
        self._jobs.append(job.start())
        self._timer.start()

    def deliver(self) -> None:
        """Hand out what has come."""
        for job in list(self._jobs):
            try:
                job.deliver()
            except Exception:
                # One that fails must not keep the others from being heard.
                logging.exception("PRS-Med: news from the background could not be shown")
        self._jobs = [job for job in self._jobs if not job.isOver]
        if self._jobs:
            time.sleep(_YIELD_SECONDS)
        else:
            self._timer.stop()

    def close(self) -> None:
        """Cancel all; nothing is delivered any more."""
        for job in self._jobs:
            job.cancel()
        self._jobs.clear()
        self._timer.stop()
