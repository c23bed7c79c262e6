"""Hands out images: chooses by a strategy, keeps each for one reader, says why."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

import numpy as np
from monailabel.interfaces.tasks.strategy import Strategy as StrategyTask

from monailabel_app.next_study.leases import MOST, Leases
from monailabel_app.next_study.questions import check_prompt
from monailabel_app.next_study.reasons import reason_blind, reason_for, reason_none, reason_unscored
from monailabel_app.next_study.scorer import Scorer
from monailabel_app.next_study.scores import Scored
from monailabel_app.studies import VolumeCache, locate, stamp
from prsmed.errors import PRSMedError
from prsmed.learning.strategies import BLIND, Choice, Strategy, check_strategy, in_order, ranked, shuffled, values_of

_DESCRIPTIONS: dict[Strategy, str] = {
    "random": "An image drawn by chance",
    "first": "The first image by id",
    "entropy": "The model is least sure which pixels are target",
    "dropout": "The mask depends most on single features of the model",
    "disagreement": "Words and mask name different places",
    "presence": "The model is least decided whether the target is there",
    "flip": "The mask changes most when the image is mirrored",
    "diversity": "The image looks least like those that are labelled",
    "blend": "All measures together",
}


@dataclass(frozen=True)
class Reader:
    """Whoever asks for an image; ``client`` tells two windows of one user apart."""

    user: str
    client: str = ""


@dataclass(frozen=True)
class _Picked:
    choice: Choice
    reason: str
    question: str = ""


class Desk:
    """Where readers fetch the next study. Safe to use from many threads.

    Args:
        datastore: MONAI Label's.
        volumes: Reads what is handed out, so that it is in memory when the first question comes.
        scorer: Looks at the images.
        lease_seconds: How long an image is kept for its reader.
    """

    def __init__(self, datastore: Any, volumes: VolumeCache, scorer: Scorer, lease_seconds: float) -> None:
        self.scorer = scorer
        self._datastore, self._volumes = datastore, volumes
        self._leases = Leases(lease_seconds)
        self._rng = np.random.default_rng()
        self._lock = threading.Lock()

    def next(self, strategy: str, reader: Reader, prompt: object = None) -> dict[str, Any]:
        """Choose an image and keep it for a reader.

        Who asks again gets another one; what they hold already comes again when nothing else is left.

        Args:
            strategy: Its name.
            reader: For whom.
            prompt: A question that images are scored by instead of the usual one.

        Returns:
            ``id``, ``strategy``, ``reason``, ``score``, ``lease_seconds``, ``question`` where one was asked, and
            ``skipped``: reasons by id of images that cannot be read. Without ``id`` when nothing is left.

        Raises:
            PRSMedError: ``unknown_strategy``, ``bad_params``, ``question_too_long``, ``pacs_unreachable``.
        """
        name, asked = check_strategy(strategy), check_prompt(prompt)
        if asked:
            self.scorer.want(asked)
        while True:
            with self._lock:
                picked, told = self._pick(name, reader, asked or self.scorer.question)
            if picked is None:
                return told
            if self._can_be_read(picked.choice.image):
                break
            with self._lock:
                self._leases.release(picked.choice.image)
        return {
            "id": picked.choice.image,
            "strategy": name,
            "reason": picked.reason,
            "score": picked.choice.score,
            "lease_seconds": round(self._leases.seconds),
            **({"question": picked.question} if picked.question else {}),
            **told,
        }

    def scores(self) -> dict[str, Any]:
        """How far the scoring is, and the values of each image by every strategy that looks at it, to be sent."""
        done, total = self.scorer.progress()
        asked, unreadable = self.scorer.question, self.scorer.scores.unreadable
        with self._lock:
            taken = [each.doubts.features for each in self._taken(asked)]
        unlabelled = self._datastore.get_unlabeled_images()
        scored = {image: found for image in unlabelled if (found := self.scorer.found(image, asked)) is not None}
        values = values_of([each.doubts for each in scored.values()], taken) if scored else {}
        rows: dict[str, Any] = {
            image: {"question": each.question, **{name: round(float(values[name][row]), 4) for name in values}}
            for row, (image, each) in enumerate(scored.items())
        }
        return {
            "version": self.scorer.version,
            "running": self.scorer.is_running,
            "done": done,
            "total": total,
            "question": asked or None,
            "scores": rows | {image: {"error": reason} for image, reason in unreadable.items()},
        }

    def _pick(self, strategy: Strategy, reader: Reader, asked: str) -> tuple[_Picked | None, dict[str, Any]]:
        unlabelled = self._datastore.get_unlabeled_images()
        skipped = self._unreadable(unlabelled)
        left = [image for image in unlabelled if image not in skipped]
        self._leases.keep_only(set(left))
        held, own = set(self._leases.images), self._leases.of(reader)
        free = [image for image in left if image not in held]
        if free and len(own) < MOST:
            picked = self._choose(strategy, free, asked)
        elif own:
            picked = _Picked(Choice(own[0], None), _again(len(own), is_all=not free))
        else:
            total = len(self._datastore.list_images())
            reason = reason_none(len(left), total, list(skipped), self._leases.minutes_left())
            return None, {"reason": reason, **_skipped(skipped)}
        self._leases.take(picked.choice.image, reader)
        return picked, _skipped(skipped)

    def _choose(self, strategy: Strategy, free: list[str], asked: str) -> _Picked:
        if strategy in BLIND:
            order = shuffled(free, self._rng) if strategy == "random" else in_order(free)
            return _Picked(order[0], reason_blind(strategy, len(free)))
        progress = self.scorer.progress()
        scored = {image: found for image in free if (found := self.scorer.found(image, asked)) is not None}
        if not scored:
            reason = reason_unscored(len(free), progress, is_running=self.scorer.is_running)
            return _Picked(in_order(free)[0], reason)
        taken = self._taken(asked)
        doubts = {image: each.doubts for image, each in scored.items()}
        best = ranked(strategy, doubts, [each.doubts.features for each in taken])[0]
        reason = reason_for(strategy, best, scored, is_first=not taken, progress=progress)
        return _Picked(best, reason, scored[best.image].question)

    def _taken(self, asked: str) -> list[Scored]:
        """What is labelled or on a reader's table, as far as the model has looked at it."""
        images = [*self._datastore.get_labeled_images(), *self._leases.images]
        return [found for image in images if (found := self.scorer.found(image, asked)) is not None]

    def _unreadable(self, images: list[str]) -> dict[str, str]:
        """Reasons by id; what has changed since is tried again."""
        known = self.scorer.scores.unreadable
        return {image: known[image] for image in images if image in known and self._is_as_it_was(image)}

    def _is_as_it_was(self, image: str) -> bool:
        try:
            return bool(self.scorer.scores.why_unreadable(image, stamp(locate(self._datastore, image))))
        except (PRSMedError, OSError):
            return True

    def _can_be_read(self, image: str) -> bool:
        state = ""
        try:
            source = locate(self._datastore, image)
            state = stamp(source)
            self._volumes.read(source)
            self._datastore.get_image_uri(image)
        except (PRSMedError, OSError) as error:
            if isinstance(error, PRSMedError) and error.code == "pacs_unreachable":
                raise
            reason = str(error) if isinstance(error, PRSMedError) else "the file cannot be read"
            self.scorer.scores.note_unreadable(image, state, reason)
            return False
        return True


class DeskStrategy(StrategyTask):  # type: ignore[misc]
    """A strategy as MONAI Label lists and calls it; its requests name no user.

    Args:
        desk: Chooses.
        name: The strategy.
    """

    def __init__(self, desk: Desk, name: Strategy) -> None:
        super().__init__(_DESCRIPTIONS[name])
        self._desk, self._name = desk, name

    def __call__(self, request: dict[str, Any], datastore: Any) -> dict[str, Any] | None:
        """The next study; ``None`` when nothing is left."""
        found = self._desk.next(self._name, Reader("", str(request.get("client_id") or "")), request.get("prompt"))
        return found if "id" in found else None


def _again(count: int, *, is_all: bool) -> str:
    why = "nothing else is free" if is_all else "label one of them, or wait, to get another"
    return f"You hold {count} image{'s' * (count > 1)} already, and {why}; this is the one you have held longest."


def _skipped(reasons: dict[str, str]) -> dict[str, Any]:
    return {"skipped": reasons} if reasons else {}
