"""Looks at every image in the background, when nobody asks the model anything."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from monailabel_app.ask import AskTask
from monailabel_app.next_study.questions import fitting_question, usual_question
from monailabel_app.next_study.scores import Scored, Scores
from monailabel_app.studies import locate, stamp
from prsmed.errors import PRSMedError
from prsmed.imaging import read_volume
from prsmed.imaging.volume import Volume
from prsmed.inference import Engine, Uncertainty, doubts_about, merge, spread_slices

logger = logging.getLogger(__name__)

_POLL_SECONDS, _REST = 1.0, 10
"""Between two looks at the list of images; where a look that finds nothing takes long, so many times that."""
_REST_AFTER_FAILURE = 30.0
_IDLE_POLL_SECONDS, _PATIENCE_SECONDS = 0.02, 10.0
_SAVE_SECONDS = 10.0
_MOST_PROMPTS = 4


class Scorer:
    """A thread that scores what is new, image by image, and begins anew when the model changes.

    It reads images in its own thread, and hands the model's thread one slice at a time, only while no question is in
    the house: a question waits for one slice at most.

    Args:
        task: The model, its thread and its line.
        datastore: MONAI Label's.
        scores: Where they go.
        question: Asked of every image; when ``""``, what readers have asked most, or what fits the image.
        is_taken: Whether something else wants the device for itself: a training, say.
    """

    def __init__(
        self,
        task: AskTask,
        datastore: Any,
        scores: Scores,
        question: str = "",
        is_taken: Callable[[], bool] = lambda: False,
    ) -> None:
        self._is_taken = is_taken
        self.scores = scores
        self._task, self._datastore, self._question = task, datastore, question
        self._usual = ""
        self._prompts: deque[str] = deque(maxlen=_MOST_PROMPTS)
        self._stopped, self._wanted = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None
        self._saved = time.monotonic()

    @property
    def question(self) -> str:
        """What images are asked now unless a request says otherwise; ``""`` for what fits each."""
        return self._question or self._usual

    @property
    def version(self) -> str:
        """The model that looks at them now."""
        return self._task.engine.version.version

    @property
    def is_running(self) -> bool:
        """Whether it looks at images at all."""
        return self._thread is not None and self._thread.is_alive()

    def start(self) -> None:
        """Begin, with what an earlier process has found."""
        self.scores.load()
        self._thread = threading.Thread(target=self._run, name="scoring", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End after the slice at hand, and keep what was found."""
        self._stopped.set()
        self._wanted.set()
        if self._thread is not None:
            self._thread.join(_PATIENCE_SECONDS)
            self.scores.save()

    def want(self, prompt: str) -> None:
        """Score images by another question too: the last few that were asked for."""
        if prompt not in (*self._prompts, self.question):
            self._prompts.append(prompt)
            self._wanted.set()

    def found(self, image: str, asked: str) -> Scored | None:
        """What the live model makes of an image; ``None`` when it has not looked yet."""
        return self.scores.get(image, asked) if self.scores.version == self._task.engine.version else None

    def progress(self) -> tuple[int, int]:
        """Images that are done (scored by :attr:`question`, or unreadable), and all."""
        images, unreadable = self._datastore.list_images(), self.scores.unreadable
        done = sum(image in unreadable or self.found(image, self.question) is not None for image in images)
        return done, len(images)

    def _run(self) -> None:
        while not self._stopped.is_set():
            began, engine = time.monotonic(), self._task.engine
            self._wanted.clear()
            try:
                has_found = self._sweep(engine)
                rest = _POLL_SECONDS if has_found else max(_POLL_SECONDS, _REST * (time.monotonic() - began))
            except PRSMedError as error:
                logger.warning("Scoring rests: %s", error.code)
                rest = _REST_AFTER_FAILURE
            except Exception:
                logger.exception("Scoring rests")
                rest = _REST_AFTER_FAILURE
            self._save_now_and_then(is_due=True)
            due = time.monotonic() + rest
            while time.monotonic() < due and self._task.engine is engine:
                if self._wanted.wait(_POLL_SECONDS):
                    break

    def _sweep(self, engine: Engine) -> bool:
        """Look at all that is new; ends early for another model or question. Whether anything was new."""
        self._usual = "" if self._question else usual_question(self._datastore)
        labelled = set(self._datastore.get_labeled_images())
        images = sorted(self._datastore.list_images(), key=lambda image: (image in labelled, image))
        # What somebody waits for comes first, the newest before the others.
        asked = list(dict.fromkeys((*reversed(self._prompts), self.question)))
        self.scores.begin(engine.version, set(images), asked)
        has_found = False
        for question in asked:
            for image in images:
                if self._wanted.is_set() or self._task.engine is not engine:
                    return has_found
                has_found |= self._look_at(engine, image, question)
                self._save_now_and_then()
        return has_found

    def _look_at(self, engine: Engine, image: str, asked: str) -> bool:
        """Score an image unless it is known as it is now; whether it was looked at."""
        try:
            source = locate(self._datastore, image)
            state = stamp(source)
        except (PRSMedError, OSError):  # deleted meanwhile, or a PACS that does not answer
            return False
        known = self.scores.get(image, asked)
        if (known is not None and known.stamp == state) or self.scores.why_unreadable(image, state):
            return False
        volume = self._read(image, source, state)
        if volume is not None:
            question = asked or fitting_question(volume.modality)
            parts = self._doubts(engine, volume, question)
            if parts:
                self.scores.put(engine.version, image, asked, Scored(state, question, merge(parts)))
        return True

    def _read(self, image: str, source: Path, state: str) -> Volume | None:
        try:
            return read_volume(source)
        except PRSMedError as error:
            reason = str(error)
        except Exception:  # whatever is wrong with one image must not keep the others waiting
            logger.exception("An image cannot be scored")
            reason = "the file cannot be read"
        self.scores.note_unreadable(image, state, reason)
        return None

    def _doubts(self, engine: Engine, volume: Volume, question: str) -> list[Uncertainty]:
        """About each of a few slices; nothing when it was stopped, or the device has no memory."""
        parts = []
        for image_slice in spread_slices(volume):
            while self._is_busy() and not self._stopped.is_set():
                self._stopped.wait(_IDLE_POLL_SECONDS)
            if self._stopped.is_set():
                return []
            try:
                parts.append(self._task.device.submit(doubts_about, engine, image_slice, question).result())
            except torch.cuda.OutOfMemoryError:
                torch.cuda.empty_cache()
                return []
        return parts

    def _is_busy(self) -> bool:
        return bool(self._task.line.num_running or self._task.line.num_waiting or self._is_taken())

    def _save_now_and_then(self, *, is_due: bool = False) -> None:
        if is_due or time.monotonic() - self._saved > _SAVE_SECONDS:
            self.scores.save()
            self._saved = time.monotonic()
